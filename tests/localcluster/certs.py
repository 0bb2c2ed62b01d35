"""The certificates of one cluster: an authority of its own, and one key pair per component, made by openssl."""

from collections.abc import Sequence
from pathlib import Path

from localcluster.progress import run

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
_CONFIG = "[req]\ndistinguished_name = name\n[name]\n"
_DAYS = "3650"


class Authority:
    """Signs the cluster's certificates; everything is kept as PEM files in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate = folder / "ca.crt"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "openssl.cnf").write_text(_CONFIG)
        self._request(
            "ca",
            "/CN=modelward-local",
            "basicConstraints=critical,CA:true",
            "keyUsage=critical,keyCertSign,digitalSignature",
        )

    def client(self, name: str, user: str, group: str = "") -> None:
        """Let whoever holds `name`.key be `user` in `group`."""
        subject = f"/O={group}/CN={user}" if group else f"/CN={user}"
        self._signed(name, subject, "extendedKeyUsage=clientAuth")

    def server(self, name: str, hosts: Sequence[str], addresses: Sequence[str]) -> None:
        """Let whoever holds `name`.key serve under these names and addresses."""
        names = ",".join([*(f"DNS:{host}" for host in hosts), *(f"IP:{address}" for address in addresses)])
        self._signed(name, f"/CN={name}", "extendedKeyUsage=serverAuth", f"subjectAltName={names}")

    def signing_key(self, name: str) -> None:
        """A bare key pair: `name`.key signs service account tokens, `name`.pub checks them."""
        key, public = self.folder / f"{name}.key", self.folder / f"{name}.pub"
        run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key])
        run(["openssl", "pkey", "-in", key, "-pubout", "-out", public])

    def _signed(self, name: str, subject: str, *extensions: str) -> None:
        sign = ("-CA", str(self.certificate), "-CAkey", str(self.folder / "ca.key"))
        self._request(
            name, subject, "basicConstraints=critical,CA:false", "keyUsage=digitalSignature", *extensions, sign=sign
        )

    def _request(self, name: str, subject: str, *extensions: str, sign: Sequence[str] = ()) -> None:
        added = [word for extension in extensions for word in ("-addext", extension)]
        files = ("-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.crt")
        config = ("-config", self.folder / "openssl.cnf", "-days", _DAYS, "-subj", subject)
        run(["openssl", "req", "-x509", *_KEY, *config, *added, *sign, *files])
