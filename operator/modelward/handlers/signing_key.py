"""The key that traffic settings are signed with, made once where nobody gave one.

Whoever renders the chart without a cluster (Argo CD, `helm template`) would make another key each time. So the
chart brings an empty Secret, of which no GitOps tool has an opinion, and the operator fills it: it may get and patch
this one Secret and no other. The kubelet shows it to the pod up to a minute later; until then it is kept in memory.
"""

import base64
import logging

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modelward.clients.kube import Conflict, Kube
from modelward.errors import Refused

KEY = "key.pem"
_log = logging.getLogger(__name__)


async def signing_key(kube: Kube, namespace: str, name: str) -> bytes:
    """Of the Secret, or made for it."""
    secret = await kube.get("v1", "Secret", namespace, name)
    if secret is None:
        raise Refused(
            "SigningKeyMissing", f"Secret {name} does not exist: apply the chart's, or set signing.existingSecret"
        )
    if found := (secret.get("data") or {}).get(KEY):
        return base64.b64decode(found)
    made = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    metadata = {"namespace": namespace, "name": name, "resourceVersion": secret["metadata"]["resourceVersion"]}
    data = {KEY: base64.b64encode(made).decode()}
    try:
        await kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    except Conflict:
        return await signing_key(kube, namespace, name)  # somebody else was first, and theirs counts
    _log.info("made a key to sign traffic settings with, in Secret %s", name)
    return made
