"""How a PostgreSQL server is reached: what the source's Secret says, in the words of libpq, and nothing else.

The Secret holds `DATABASE_URL` (or `uri`, as CloudNativePG calls it), or the variables that psql reads: PGHOST, PGPORT,
PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE … What the URL says goes first. Certificates and keys are the PEM text itself;
`ca.crt`, `tls.crt` and `tls.key` are taken, too.
"""

import os
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from modelward_contracts.tasks import SOURCE_VARIABLE
from modelward_training.outcome import JobError

from .addresses import resolved

URLS = ("DATABASE_URL", "uri")
_VARIABLES = {
    "PGHOST": "host",
    "PGPORT": "port",
    "PGDATABASE": "dbname",
    "PGUSER": "user",
    "PGPASSWORD": "password",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
    "PGSSLCERT": "sslcert",
    "PGSSLKEY": "sslkey",
    "ca.crt": "sslrootcert",
    "tls.crt": "sslcert",
    "tls.key": "sslkey",
    "PGCHANNELBINDING": "channel_binding",
    "PGREQUIREAUTH": "require_auth",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGOPTIONS": "options",
}
"""Those that name no file and no other host. `options`: search_path and alike."""
_FILES = ("sslrootcert", "sslcert", "sslkey")
_OURS = {
    "application_name": "modelward",
    "connect_timeout": "20",
    # A server that is gone is noticed within two minutes, not two hours.
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "9",
    "tcp_user_timeout": "120000",
}
_URL = re.compile(r"postgres(?:ql)?(?:\+\w+)?://(?:([^@/?]*)@)?([^/?]*)(?:/([^?]*))?(?:\?(.*))?", re.DOTALL)
_PORT = "5432"


def secret_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The keys of the source's Secret and their values."""
    return {
        name.removeprefix(SOURCE_VARIABLE): value
        for name, value in environment.items()
        if name.startswith(SOURCE_VARIABLE)
    }


def conninfo(secret: Mapping[str, str], scratch: Path, *, local: bool) -> str:
    """For libpq: with the addresses that were checked, and with nothing from elsewhere (a file at HOME, a variable)."""
    said = _said(secret)
    if not said.get("host"):
        raise JobError(
            "SecretKeyMissing",
            "the Secret of spec.secretName names no database: give it the key DATABASE_URL, "
            "postgresql://user:password@host:5432/database, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE",
        )
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    parameters = said | _addressed(said, local=local) | _certificates(said, scratch) | _OURS
    parameters["passfile"] = str(scratch / "no-passwords")
    return " ".join(f"{name}='{_escaped(value)}'" for name, value in parameters.items())


def _said(secret: Mapping[str, str]) -> dict[str, str]:
    said = {ours: secret[name].strip() for name, ours in _VARIABLES.items() if secret.get(name)}
    for key in URLS:
        if secret.get(key):
            return said | _parsed(key, secret[key].strip())
    return said


def _parsed(key: str, url: str) -> dict[str, str]:
    """The URL is never shown: it holds a password."""
    match = _URL.fullmatch(url)
    if match is None:
        raise JobError(
            "InvalidCredentials",
            f"{key} in the Secret of spec.secretName is not postgresql://user:password@host:5432/database; other signs "
            "than letters and digits in user and password are written %40",
        )
    account, hosts, name, query = match.groups()
    user, _, password = (account or "").partition(":")
    places = [_place(each) for each in hosts.split(",") if each]
    said = {
        "user": unquote(user),
        "password": unquote(password),
        "host": ",".join(host for host, _ in places),
        "port": ",".join(port for _, port in places),
        "dbname": unquote(name or ""),
    }
    for parameter, value in parse_qsl(query or ""):
        if parameter not in _VARIABLES.values():
            if parameter in _OURS:
                continue
            raise JobError("InvalidCredentials", f"{key} sets {parameter!r}, which is not taken: leave it out")
        said[parameter] = value
    return {name: value for name, value in said.items() if value}


def _place(text: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d*))?", text)
    host, port = bracketed.groups() if bracketed else text.partition(":")[::2]
    return unquote(host), port or _PORT


def _addressed(said: Mapping[str, str], *, local: bool) -> dict[str, str]:
    """Each host once for each of its addresses: libpq tries them in this order, and verifies the host's name."""
    hosts, ports = said["host"].split(","), said.get("port", _PORT).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    places: list[tuple[str, str, str]] = []
    for host, port in zip(hosts, ports, strict=False):
        if host.startswith(("/", "@")):
            raise JobError("AddressRefused", f"the host {host!r} of the source is a socket: name a host of the network")
        if not (port.isdecimal() and 0 < int(port) < 65536):
            raise JobError("InvalidCredentials", f"the port {port!r} of the source is no port: write 5432")
        places += [(host, address, port) for address in resolved(host, int(port), local=local)]
    return {
        name: ",".join(part) for name, part in zip(("host", "hostaddr", "port"), zip(*places, strict=True), strict=True)
    }


def _certificates(said: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """libpq reads files. Without a certificate of our own it must not look for one at HOME."""
    files = {"sslcert": str(scratch / "no-certificate"), "sslkey": str(scratch / "no-key")}
    for name in _FILES:
        value = said.get(name, "")
        if name == "sslrootcert" and value == "system":
            return files | {name: _system(), "sslmode": "verify-full"}
        if not value:
            continue
        if "-----BEGIN " not in value:
            raise JobError(
                "InvalidCredentials", f"{name} in the Secret of spec.secretName must be PEM text: paste the file"
            )
        path = scratch / name
        path.touch(mode=0o600)
        path.write_text(value.replace("\\n", "\n") + "\n")
        files[name] = str(path)
    return files


def _system() -> str:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.openssl_cafile


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
