"""A git repository over smart HTTP, by dulwich: the protocol and the objects are its, the connections are ours, so that
addresses are looked at before they are connected to and credentials go to no other host than theirs.

dulwich and not git's own binary, which would bring curl and perl into the image, and a configuration language in which
a URL can ask for more than it looks.
"""

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any
from urllib.parse import urlsplit

from dulwich.client import AbstractHttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.objects import Commit as CommitObject
from dulwich.objects import ObjectID, Tag, Tree
from dulwich.refs import Ref
from dulwich.repo import Repo

from modelward_contracts.tasks import Commit, GitScript
from modelward_training.ingest.remote.addresses import AddressRefused
from modelward_training.ingest.remote.credentials import Credentials
from modelward_training.ingest.remote.trouble import denied, is_full, status, told
from modelward_training.ingest.remote.web import REDIRECTS, connected, followed, has_host, shown, target, trust
from modelward_training.outcome import JobError

SECRET_FIELD = "spec.script.git.secretName"  # noqa: S105 - a field's name
MOST_BYTES = 100 << 20
"""That a server may send."""
MOST_SECONDS = 300.0
_HASH = re.compile(r"[0-9a-f]{40}")
_SHORT_HASH = re.compile(r"[0-9a-f]{7,39}")
_SHOWN = 10
_LINE = 512


class Repository:
    """Fetched into `folder`, without its history."""

    def __init__(self, asked: GitScript, environment: Mapping[str, str], folder: Path) -> None:
        self._asked, self._what = asked, shown(asked.url)
        if not has_host(asked.url) or urlsplit(asked.url).scheme not in ("https", "http"):
            raise JobError("InvalidUrl", f"spec.script.git.url {self._what}: write https://host/repository.git")
        credentials = Credentials(asked.secret, environment, "spec.script.git.url")
        credentials.meant_for(asked.url)
        self._client = _Client(asked.url, credentials, asked.local_addresses)
        self._objects = Repo.init_bare(str(folder))

    def fetch(self) -> tuple[Commit, Tree]:
        """The commit that the revision means, and its files. Raises JobError."""
        with self._told():
            name, tip = self._resolved()
            with self._of_hash(name):
                self._client.fetch("", self._objects, lambda refs, depth=None: [tip], depth=1)  # noqa: ARG005
            found = self._objects.object_store[tip]
            while isinstance(found, Tag):
                found = self._objects.object_store[found.object[1]]
            if not isinstance(found, CommitObject):
                raise self._unknown("names no commit")
            branch = name == b"HEAD" or name.startswith(b"refs/heads/")
            tree = self._objects.object_store[found.tree]
            assert isinstance(tree, Tree)
            return Commit(commit=found.id.decode(), branch=branch), tree

    @property
    def objects(self) -> Any:
        return self._objects.object_store

    def close(self) -> None:
        self._objects.close()

    def _resolved(self) -> tuple[bytes, ObjectID]:
        """The full name of a revision and its hash, as git reads it: tags come before branches. A hash has no name."""
        revision = self._asked.revision
        if _HASH.fullmatch(revision):
            return b"", ObjectID(revision.encode())
        full = revision == "HEAD" or revision.startswith("refs/")
        asked = [b"refs/heads/", b"refs/tags/", *([revision.encode()] if full else [])]
        there = {name: tip for name, tip in self._client.get_refs("", ref_prefix=asked).refs.items() if tip}
        for name in (revision,) if full else (f"refs/tags/{revision}", f"refs/heads/{revision}"):
            if tip := there.get(Ref(name.encode())):
                return name.encode(), tip
        raise self._unknown(_choice(revision, there))

    @contextmanager
    def _of_hash(self, name: bytes) -> Iterator[None]:
        """A commit that is there by its hash alone is not given by every server. One that does not says so in a line
        and hangs up, which dulwich takes for a broken connection."""
        try:
            yield
        except (GitProtocolError, KeyError) as error:
            if name or (isinstance(error, HangupException) and not 0 < self._client.answered < _LINE):
                raise
            hint = "if it is there, name a branch or a tag that points to it"
            raise self._unknown(f"is a commit that the server does not give: {hint}") from error

    def _unknown(self, why: str) -> JobError:
        return JobError("RevisionNotFound", f"spec.script.git.revision {self._asked.revision!r} of {self._what} {why}")

    @contextmanager
    def _told(self) -> Iterator[None]:
        stop = threading.Timer(MOST_SECONDS, self._client.give_up)
        stop.daemon = True
        stop.start()
        try:
            yield
        except JobError:
            raise
        except (OSError, HTTPException, AddressRefused, GitProtocolError, NotGitRepository, ValueError, KeyError) as e:
            if is_full(e):
                raise
            raise self._failed(e) from e
        finally:
            stop.cancel()
            self._client.close()

    def _failed(self, error: Exception) -> JobError:
        host = urlsplit(self._asked.url).netloc
        if self._client.late:
            what = f"{self._what}: {host} did not send the repository within {MOST_SECONDS:.0f} s"
            return JobError("SourceTimeout", what, retryable=True)
        if isinstance(error, OSError | HTTPException | AddressRefused):
            return told(error, self._what, host, self._asked.secret, SECRET_FIELD)
        said = str(error).partition("\n")[0][:300] or type(error).__name__
        return JobError("SourceUnavailable", f"{self._what}: fetching from {host} failed: {said}", retryable=True)


def _choice(revision: str, there: Mapping[Ref, ObjectID]) -> str:
    if _SHORT_HASH.fullmatch(revision):
        return "is neither a branch nor a tag: write all 40 digits of a commit"
    names = [name.decode(errors="replace") for name in there if name.startswith((b"refs/heads/", b"refs/tags/"))]
    names = sorted(name.split("/", 2)[2] for name in names if not name.endswith("^{}"))
    if not names:
        return "is neither a branch nor a tag: the repository is empty"
    near = get_close_matches(revision, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"is neither a branch nor a tag: {hint}there are {', '.join(names[:_SHOWN])}{more}"


class _Answer:
    """As dulwich reads it."""

    def __init__(self, found: HTTPResponse, moved_to: str) -> None:
        self.content_type, self.redirect_location = found.headers.get("Content-Type"), moved_to
        self.status, self.close = found.status, found.close


class _Client(AbstractHttpGitClient):
    def __init__(self, url: str, credentials: Credentials, local: bool) -> None:
        super().__init__(url, quiet=True, thin_packs=False)
        self._url, self._credentials, self._local = url, credentials, local
        self._tls, self._left = trust(credentials), MOST_BYTES
        self._connection: HTTPConnection | None = None
        self._found: HTTPResponse | None = None
        self.late = False
        self.answered = 0
        """Bytes of the last answer."""

    def give_up(self) -> None:
        """End what is being read, from another thread."""
        self.late = True
        connection = self._connection
        if connection and connection.sock:
            with suppress(OSError):
                connection.sock.shutdown(SHUT_RDWR)

    def close(self) -> None:
        for each in (self._found, self._connection):
            if each:
                each.close()
        self._found = self._connection = None

    def _http_request(
        self,
        url: str,
        headers: dict[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,  # noqa: ARG002 - of the class above
    ) -> tuple[Any, Callable[[int], bytes]]:
        body, asked = data if isinstance(data, bytes | None) else b"".join(data), url
        for _ in range(REDIRECTS + 1):
            found = self._asked(url, headers or {}, body)
            to = found.headers.get("Location")
            if found.status in (301, 302, 303, 307, 308) and to and body is None:
                url = followed(url, to, shown(self._url))
                continue
            if found.status != 200:
                raise self._refusal(found, url)
            if not found.headers.get("Content-Type", "").startswith("application/x-git-"):
                what = f"{shown(self._url)} is no git repository that answers over smart HTTP"
                raise JobError("NotARepository", f"{what}: write the URL that `git clone` takes")
            return _Answer(found, url if url != asked else ""), self._reader(found)
        raise JobError("SourceUnavailable", f"{shown(self._url)} redirects more than {REDIRECTS} times", True)

    def _asked(self, url: str, headers: dict[str, str], body: bytes | None) -> HTTPResponse:
        self.close()
        parts = urlsplit(url)
        self._connection = connected(parts, self._tls, self._local)
        bared = self._url.startswith("https:") and parts.scheme != "https"
        known = None if bared else self._credentials.header(url)
        own = {"Accept-Encoding": "identity", "User-Agent": "git/modelward", "Host": parts.netloc}
        own |= {"Authorization": known} if known else {}
        method = "GET" if body is None else "POST"
        self._connection.request(method, target(parts), body, {**headers, **own})
        self._found = self._connection.getresponse()
        return self._found

    def _reader(self, found: HTTPResponse) -> Callable[[int], bytes]:
        self.answered = 0

        def read(size: int) -> bytes:
            data = found.read(size)
            self._left -= len(data)
            self.answered += len(data)
            if self._left < 0:
                raise JobError(
                    "RepositoryTooLarge",
                    f"{shown(self._url)} sends more than {MOST_BYTES >> 20} MiB for one commit: keep scripts in a "
                    "repository without data",
                )
            return data

        return read

    def _refusal(self, found: HTTPResponse, url: str) -> JobError:
        what, host, code = shown(self._url), urlsplit(url).netloc, found.status
        if code in (401, 403):
            hint = "" if self._credentials.header(url) else "; HTTP_HOST, HTTP_USERNAME and HTTP_PASSWORD of a Secret "
            hint += "are sent" if hint else ""
            return denied(what, host, f"{code} {found.reason}{hint}", self._credentials.secret, SECRET_FIELD)
        if code in (404, 410):
            hidden = "is there, or none that may be seen without other credentials"
            return JobError("RepositoryNotFound", f"{what}: no git repository {hidden} ({code})")
        if code >= 500 or code in (408, 425, 429):
            return status(code, what, host)
        return JobError("InvalidUrl", f"{what}: {host} answered {code} {found.reason}: correct spec.script.git.url")
