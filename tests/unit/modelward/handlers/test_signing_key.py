"""The key that traffic settings are signed with: given, or made once and then found."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from modelward.clients.fake import FakeKube
from modelward.clients.scoring import Signer
from modelward.errors import Refused
from modelward.handlers.signing_key import signing_key
from modelward.settings import Settings

EMPTY = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "key", "namespace": "modelward-system"}}


def settings(folder: Path, secret: str = "key") -> Settings:  # noqa: S107 - a name
    file = str(folder / "key.pem")
    return Settings(training_image="t", scoring_image="s", signing_secret=secret, signing_key_file=file)


async def test_empty_secret_is_filled_once(tmp_path: Path) -> None:
    kube = FakeKube()
    kube.put(EMPTY)
    made = await signing_key(kube, settings(tmp_path))
    assert load_pem_private_key(made, None)
    assert await signing_key(kube, settings(tmp_path)) == made
    assert len(kube.writes) == 1
    signer = Signer(settings(tmp_path).signing_key_file, made)
    before = signer.public_keys
    (tmp_path / "key.pem").write_bytes(made)
    assert signer.public_keys == before, "the kubelet shows it now"


async def test_secret_that_another_operator_fills_meanwhile_counts(tmp_path: Path) -> None:
    kube = FakeKube()
    kube.put(EMPTY)
    theirs = await signing_key(kube, settings(tmp_path))
    kube.put(EMPTY)
    filled = EMPTY | {"data": {"key.pem": base64.b64encode(theirs).decode()}}

    def meanwhile(verb: str, kind: str, name: str) -> None:
        kube.before_write = lambda *_: None
        kube.put(filled)

    kube.before_write = meanwhile
    assert await signing_key(kube, settings(tmp_path)) == theirs


async def test_key_of_the_users_own_is_left_alone(tmp_path: Path) -> None:
    assert await signing_key(FakeKube(), settings(tmp_path, secret="")) == b""
    (tmp_path / "key.pem").write_text("mounted")
    assert await signing_key(FakeKube(), settings(tmp_path)) == b""


async def test_secret_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"Secret key does not exist: apply the chart's, or set signing\.existingSecret"):
        await signing_key(FakeKube(), settings(tmp_path))
