"""The traffic setting: which share of a server's requests goes to which other revision.

The operator signs it (Ed25519) and pushes it to each pod's admin port; the same bytes lie in a mounted ConfigMap for
pods that start. A server takes a setting only if the signature is by a key it was given, it is addressed to the
server's own deployment and revision, and its epoch is not older than the one in force.
"""

import base64
from collections.abc import Iterable

import msgspec

from .wire import Wire, canonical, decode


class Target(Wire, frozen=True, kw_only=True):
    """A revision's own Service (direct port, never splits)."""

    revision: str
    host: str
    port: int


class HeaderMatch(Wire, frozen=True, kw_only=True):
    """Requests with this header go to the candidate whatever the weight."""

    name: str
    value: str


class Traffic(Wire, frozen=True, kw_only=True):
    deployment: str
    """namespace/name"""
    revision: str
    """The revision whose servers are to follow it."""
    epoch: int
    candidate: Target | None = None
    weight: int = 0
    """Percent of requests to the candidate, 0 … 100."""
    deadline_seconds: float | None = None
    """For a forwarded request; None: 3 × this server's own p99, at least 50 ms."""
    matches: list[HeaderMatch] = []
    sticky_header: str | None = None
    """The same value of this header always goes to the same side, as long as the weight stands."""
    close_connections: bool = False
    """Answer every open connection with `Connection: close`: after promotion, so that clients find the new pods."""


class SignedTraffic(Wire, frozen=True, kw_only=True):
    payload: str
    """The setting's canonical JSON, as text: what was signed is what is read."""
    signature: str
    """Base64 of the Ed25519 signature over the payload's UTF-8 bytes."""


class Untrusted(ValueError):
    """The setting is not signed by a known key, or is not a setting."""


def sign(traffic: Traffic, private_key_pem: bytes) -> bytes:
    """The signed setting as it is sent. `private_key_pem` is PKCS#8."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(private_key_pem, password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the signing key must be an Ed25519 key in PKCS#8 PEM")
    payload = canonical(traffic)
    signature = base64.b64encode(key.sign(payload)).decode()
    return canonical(SignedTraffic(payload=payload.decode(), signature=signature))


def public_key(private_key_pem: bytes) -> bytes:
    """The public half, as PEM: what pods are given."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key = load_pem_private_key(private_key_pem, password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def verify(signed: bytes, public_keys_pem: Iterable[bytes]) -> Traffic:
    """The setting, if one of the keys signed it. Raises `Untrusted`."""
    # Imported here because a server without settings never needs it, and it is slow to import.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        envelope = decode(signed, SignedTraffic)
        payload, signature = envelope.payload.encode(), base64.b64decode(envelope.signature, validate=True)
    except (msgspec.DecodeError, ValueError) as error:
        raise Untrusted(f"not a signed traffic setting: {error}") from error
    for pem in public_keys_pem:
        key = load_pem_public_key(pem)
        if not isinstance(key, Ed25519PublicKey):
            continue
        try:
            key.verify(signature, payload)
        except InvalidSignature:
            continue
        try:
            return decode(payload, Traffic)
        except msgspec.DecodeError as error:
            raise Untrusted(f"not a traffic setting: {error}") from error
    raise Untrusted("the traffic setting is not signed by a key this server knows")
