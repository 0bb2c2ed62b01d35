"""Traffic settings as the operator makes them: each with a newer epoch, signed with a key that servers know."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modelward_contracts.traffic import Target, Traffic, public_key, sign


def new_key() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass
class Signer:
    """`folder`: the servers' traffic folder, which gets the public key."""

    folder: Path
    epoch: int = 0
    private_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.private_key = new_key()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "keys.pem").write_bytes(public_key(self.private_key))

    def setting(self, port: int | None, weight: int, **fields: Any) -> Traffic:
        self.epoch += 1
        candidate = Target(revision="r2", host="127.0.0.1", port=port) if port is not None else None
        given: dict[str, Any] = {"deployment": "ns/d", "revision": "r1", "epoch": self.epoch} | fields
        return Traffic(candidate=candidate, weight=weight, **given)

    def signed(self, traffic: Traffic) -> bytes:
        return sign(traffic, self.private_key)
