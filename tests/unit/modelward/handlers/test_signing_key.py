"""The key that traffic settings are signed with: given, or made once and then found."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from modelward.clients.fake import FakeKube
from modelward.clients.scoring import Signer
from modelward.errors import Refused
from modelward.handlers.signing_key import signing_key

EMPTY = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "modelward-system"}}


HERE = ("modelward-system", "key")


async def test_empty_secret_is_filled_once(tmp_path: Path) -> None:
    kube = FakeKube()
    kube.put(EMPTY)
    made = await signing_key(kube, *HERE)
    assert load_pem_private_key(made, None)
    assert await signing_key(kube, *HERE) == made
    assert len(kube.writes) == 1
    signer = Signer(str(tmp_path / "key.pem"), made)
    before = signer.public_keys
    (tmp_path / "key.pem").write_bytes(made)
    assert signer.public_keys == before, "the kubelet shows it now"


async def test_secret_that_another_operator_fills_meanwhile_counts() -> None:
    kube = FakeKube()
    kube.put(EMPTY)
    theirs = await signing_key(kube, *HERE)
    kube.put(EMPTY)
    filled = EMPTY | {"data": {"key.pem": base64.b64encode(theirs).decode()}}

    def meanwhile(verb: str, kind: str, name: str) -> None:
        kube.before_write = lambda *_: None
        kube.put(filled)

    kube.before_write = meanwhile
    assert await signing_key(kube, *HERE) == theirs


async def test_secret_that_is_missing_is_named() -> None:
    with pytest.raises(Refused, match=r"Secret key does not exist: apply the chart's, or set signing\.existingSecret"):
        await signing_key(FakeKube(), *HERE)
