"""One file of a web server, over HTTP/1.1 by hand: redirects are followed one by one, addresses are looked at before
they are connected to, and credentials go to no other host than theirs.
"""

import http.client
import ssl
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urljoin, urlsplit

from modelward_contracts.wire import digest_of
from modelward_training.outcome import JobError

from . import addresses
from .credentials import Credentials
from .files import Listed, changed, too_large
from .trouble import denied, is_full, status, told

CONNECT_SECONDS, READ_SECONDS = 10.0, 60.0
CHUNK = 1 << 20
REDIRECTS = 5
_NO_HEAD = frozenset({400, 403, 405, 501})
"""Of servers and signed URLs that answer GET alone."""


class Web:
    def __init__(self, url: str, credentials: Credentials, local: bool) -> None:
        self._url, self._credentials, self._local = url, credentials, local
        if not has_host(url):
            raise JobError("InvalidUrl", f"{credentials.place} {shown(url)} names no host: write https://host/file.csv")
        parts = urlsplit(url)
        if "*" in parts.path:
            raise JobError(
                "InvalidUrl", f"{credentials.place} {shown(url)}: a web server lists no files: name one of them"
            )
        credentials.meant_for(url)
        self._name = unquote(parts.path).rstrip("/").rpartition("/")[2] or parts.netloc
        self._told: tuple[str | None, str | None] = (None, None)
        """ETag and Last-Modified when it was listed."""
        self._tls = trust(credentials)

    def listed(self) -> list[Listed]:
        with self._answer("HEAD", _NO_HEAD) as found:
            if found.status == 200:
                return [self._listed(found)]
        with self._answer("GET") as found:
            return [self._listed(found)]

    def fetch(self, file: Listed, path: Path, limit: int | None = None) -> None:
        with self._answer("GET") as found, path.open("wb") as target:
            if _telling(found) != self._told:
                raise changed(file.name)
            size, length = 0, _length(found)
            while chunk := found.read(CHUNK):
                size += target.write(chunk)
                if limit is not None and size > limit:
                    raise too_large(shown(self._url), limit)
        if length is not None and size != length:
            message = f"{shown(self._url)}: {self._host} sent {size} of {length} bytes and closed the connection"
            raise JobError("SourceUnavailable", message, True)

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc

    def _listed(self, found: http.client.HTTPResponse) -> Listed:
        size, self._told = _length(found), _telling(found)
        identity = digest_of([self._url, size, *self._told]) if any(self._told) else None
        return Listed(self._name, self._url, size, identity)

    @contextmanager
    def _answer(self, method: str, bearable: frozenset[int] = frozenset()) -> Iterator[http.client.HTTPResponse]:
        """The answer of whom redirects lead to: 200, or one of `bearable`."""
        url, what = self._url, shown(self._url)
        try:
            for _ in range(REDIRECTS + 1):
                with (
                    closing(connected(urlsplit(url), self._tls, self._local)) as connection,
                    self._asked(connection, method, url) as found,
                ):
                    if found.status in (301, 302, 303, 307, 308) and (to := found.headers.get("Location")):
                        url = followed(url, to, what)
                        continue
                    if found.status != 200 and found.status not in bearable:
                        raise self._refusal(found, urlsplit(url).netloc)
                    yield found
                    return
        except JobError:
            raise
        except (OSError, http.client.HTTPException, addresses.AddressRefused) as error:
            if is_full(error):
                raise
            raise told(
                error, what, urlsplit(url).netloc, self._credentials.secret, self._credentials.named_in
            ) from error
        raise JobError("SourceUnavailable", f"{what}: {self._host} redirects more than {REDIRECTS} times", True)

    def _asked(self, connection: http.client.HTTPConnection, method: str, url: str) -> http.client.HTTPResponse:
        connection.request(method, target(urlsplit(url)), headers=self._headers(url))
        return connection.getresponse()

    def _headers(self, url: str) -> dict[str, str]:
        bared = self._url.startswith("https:") and not url.startswith("https:")
        known = None if bared else self._credentials.header(url)
        own = {"Accept-Encoding": "identity", "User-Agent": "modelward", "Host": urlsplit(url).netloc}
        return own | ({"Authorization": known} if known else {})

    def _refusal(self, found: http.client.HTTPResponse, host: str) -> JobError:
        what, code = shown(self._url), found.status
        if code in (404, 410):
            return JobError("SourceNotFound", f"{what}: {host} has no such file ({code})")
        if code in (401, 403):
            if _expired(self._url):
                return JobError("UrlExpired", f"{what}: the signed URL has expired ({code}): write a new one")
            hint = "" if self._credentials.header(self._url) else "; a Secret's HTTP_HOST, HTTP_USERNAME and "
            hint += "HTTP_PASSWORD or HTTP_TOKEN are sent" if hint else ""
            return denied(
                what, host, f"{code} {found.reason}{hint}", self._credentials.secret, self._credentials.named_in
            )
        if code >= 500 or code in (408, 425, 429):
            return status(code, what, host)
        return JobError(
            "InvalidUrl", f"{what}: {host} answered {code} {found.reason}: correct {self._credentials.place}"
        )


def trust(credentials: Credentials) -> ssl.SSLContext:
    """By the usual authorities, and by the Secret's."""
    context = ssl.create_default_context()
    if authority := credentials.authority():
        context.load_verify_locations(cadata=authority)
    return context


def connected(url: SplitResult, tls: ssl.SSLContext, local: bool) -> http.client.HTTPConnection:
    """Raises OSError or AddressRefused."""
    host, secure = url.hostname or "", url.scheme == "https"
    port = url.port or (443 if secure else 80)
    connection = http.client.HTTPConnection(host, port)
    raw = addresses.connect(host, port, CONNECT_SECONDS, local)
    raw.settimeout(READ_SECONDS)
    try:
        connection.sock = tls.wrap_socket(raw, server_hostname=host) if secure else raw
    except BaseException:
        raw.close()
        raise
    return connection


def shown(url: str) -> str:
    """Without its query, which may be a signature."""
    return url.partition("?")[0]


def _length(found: http.client.HTTPResponse) -> int | None:
    length = found.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def _telling(found: http.client.HTTPResponse) -> tuple[str | None, str | None]:
    return found.headers.get("ETag"), found.headers.get("Last-Modified")


def target(url: SplitResult) -> str:
    """What is escaped already stays so."""
    path, query = (quote(part, safe="/%:@!$&'()*+,;=~?") for part in (url.path or "/", url.query))
    return path + (f"?{query}" if query else "")


def has_host(url: str) -> bool:
    """And a port that is one, and no password."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and "@" not in parts.netloc and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def followed(url: str, to: str, what: str) -> str:
    try:
        found = urljoin(url, to).partition("#")[0]
    except ValueError:
        found = to
    if not has_host(found) or urlsplit(found).scheme not in ("http", "https"):
        raise JobError("InvalidUrl", f"{what} redirects to {shown(found)}, which is no web server")
    return found


def _expired(url: str) -> bool:
    """Whether a signed URL says so itself: of S3 and Google by date and lifetime or by time, of Azure by time."""
    query = dict(parse_qsl(urlsplit(url).query))
    now = time.time()
    for signer in ("X-Amz", "X-Goog"):
        try:
            made = datetime.strptime(query[f"{signer}-Date"] + "+0000", "%Y%m%dT%H%M%SZ%z")
            return made.timestamp() + int(query[f"{signer}-Expires"]) < now
        except (KeyError, ValueError):
            continue
    if query.get("Expires", "").isdecimal():
        return int(query["Expires"]) < now
    try:
        return "sig" in query and datetime.fromisoformat(query["se"]).timestamp() < now
    except (KeyError, ValueError):
        return False
