"""How a PostgreSQL server is reached: what the source's Secret says, in the words of libpq, and nothing else.

The Secret holds `DATABASE_URL` (or `uri`, as CloudNativePG calls it), or the variables that psql reads: PGHOST, PGPORT,
PGDATABASE, PGUSER, PGPASSWORD, PGSSLMODE … What the URL says goes first. Certificates and keys are the PEM text itself;
`ca.crt`, `tls.crt` and `tls.key` are taken, too.
"""

import os
import re
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import parse_qsl, unquote

from modelward_training.outcome import JobError

from .remote import addresses
from .remote.credentials import Credentials

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


def conninfo(secret: Credentials, scratch: Path, *, local: bool) -> str:
    """For libpq: with the addresses that were checked, and with nothing from elsewhere (a file at HOME, a variable)."""
    said = _said(secret)
    if not said.get("host"):
        raise JobError(
            "SecretKeyMissing",
            f"the Secret {secret.secret} names no database: give it the key DATABASE_URL, "
            "postgresql://user:password@host:5432/database, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE",
            again=True,
        )
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]
    parameters = said | _addressed(said, local=local) | _certificates(said, scratch) | _OURS
    parameters["passfile"] = str(scratch / "no-passwords")
    return " ".join(f"{name}='{_escaped(value)}'" for name, value in parameters.items())


def _said(secret: Credentials) -> dict[str, str]:
    said = {ours: value.strip() for name, ours in _VARIABLES.items() if (value := secret.get(name))}
    for key in URLS:
        if url := secret.get(key):
            return said | _parsed(key, url.strip(), secret.secret)
    return said


def _parsed(key: str, url: str, secret: str | None) -> dict[str, str]:
    """The URL is never shown: it holds a password."""
    match = _URL.fullmatch(url)
    if match is None:
        raise _wrong(
            f"{key} in the Secret {secret} is not postgresql://user:password@host:5432/database; other signs than "
            "letters and digits in user and password are written %40"
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
        if parameter not in (*_VARIABLES.values(), *_OURS):
            raise _wrong(f"{key} in the Secret {secret} sets {parameter!r}, which is not taken: leave it out")
        said[parameter] = value
    return {name: value for name, value in said.items() if value}


def _place(text: str) -> tuple[str, str]:
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::(\d*))?", text)
    host, port = bracketed.groups() if bracketed else text.partition(":")[::2]
    return unquote(host), port or _PORT


def _addressed(said: Mapping[str, str], *, local: bool) -> dict[str, str]:
    """Each host once for each of its addresses, which are looked at: libpq tries them in this order, and verifies the
    host's name."""
    hosts, ports = said["host"].split(","), said.get("port", _PORT).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    places: list[tuple[str, str, str]] = []
    for host, port in zip(hosts, ports, strict=False):
        if host.startswith(("/", "@")):
            raise JobError("AddressRefused", f"the database's host {host!r} is a socket: name a host of the network")
        if not (port.isdecimal() and 0 < int(port) < 65536):
            raise _wrong(f"the database's port {port!r} is no port: write 5432")
        places += [(host, address, port) for address in _addresses(host, int(port), local=local)]
    names = ("host", "hostaddr", "port")
    return {name: ",".join(part) for name, part in zip(names, zip(*places, strict=True), strict=True)}


def _addresses(host: str, port: int, *, local: bool) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise JobError("HostNotFound", f"the database's host {host!r} has no address: {error}", True) from error
    there = list(dict.fromkeys(str(address[0]) for *_, address in found))
    try:
        for address in there if not local else ():
            addresses.check(host, address)
    except addresses.AddressRefused as refused:
        raise JobError("AddressRefused", f"the database: {refused}") from refused
    return there


def _certificates(said: Mapping[str, str], scratch: Path) -> dict[str, str]:
    """libpq reads files. Without a certificate of our own it must not look for one at HOME."""
    files = {"sslcert": str(scratch / "no-certificate"), "sslkey": str(scratch / "no-key")}
    for name in _FILES:
        value = said.get(name, "")
        if name == "sslrootcert" and value == "system":
            files |= {name: _system(), "sslmode": "verify-full"}
        elif "-----BEGIN " in value:
            path = scratch / name
            path.touch(mode=0o600)
            path.write_text(value.replace("\\n", "\n") + "\n")
            files[name] = str(path)
        elif value:
            raise _wrong(f"{name} in the Secret must be PEM text: paste the file")
    return files


def _system() -> str:
    paths = ssl.get_default_verify_paths()
    return paths.cafile or paths.openssl_cafile


def _wrong(message: str) -> JobError:
    return JobError("InvalidCredentials", message, again=True)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
