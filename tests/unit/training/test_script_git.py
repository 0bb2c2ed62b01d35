"""Scripts out of git, from git's own server: one commit, its files, and what goes wrong on the way in one sentence."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from dulwich.objects import Blob, Commit, Tree
from dulwich.repo import Repo

from gitserver import GitServer, Repository
from localcluster.certs import Authority
from modelward_contracts.tasks import COMMIT_FILE, SOURCE_VARIABLE, GitScript
from modelward_contracts.wire import decode
from modelward_training.publish.job import inputs_hash
from modelward_training.script import repository as fetching
from modelward_training.script import tree as writing
from objectstore import WebServer

from .harness import Ended, Pod, ingest_report, train_task
from .sets import things

KEYS = {"HTTP_USERNAME": "reader", "HTTP_PASSWORD": "secret"}
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"


class Fetch:
    """Runs the fetch step for a script."""

    def __init__(self, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pod, self._patch = pod, monkeypatch
        pod.csv(things())
        self.digest = ingest_report(pod.ingest()).manifest

    def __call__(
        self,
        url: str,
        revision: str = "main",
        path: str = "train.py",
        keys: dict[str, str] | None = None,
        local: bool = True,
    ) -> Ended:
        for key, value in (keys or {}).items():
            self._patch.setenv(SOURCE_VARIABLE + key, value)
        git = GitScript(url=url, revision=revision, path=path, secret="reader" if keys else None, local_addresses=local)
        return self.pod.step("fetch", train_task(self.pod.url, self.digest, estimator=None, git=git))

    def file(self, name: str) -> Path:
        return self.pod.paths.script / name


@pytest.fixture
def fetch(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    return Fetch(pod, monkeypatch)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "served" / "shop.git")
    made.commit(train="print('first')\n")
    return made


@pytest.fixture
def server(repository: Repository) -> Iterator[GitServer]:
    with GitServer(repository.folder.parent) as running:
        yield running


def refused(ended: Ended, reason: str, *parts: str, retried: bool = False) -> None:
    assert (ended.code, ended.reason) == (75 if retried else 1, reason), ended
    for part in parts:
        assert part in ended.message, ended.message


def test_branch_is_the_commit_that_it_means_now_with_all_its_files(
    fetch: Fetch, repository: Repository, server: GitServer
) -> None:
    (repository.folder / "lib").mkdir()
    (repository.folder / "lib" / "features.py").write_text("x = 1\n")
    commit = repository.commit(train="print('second')\n")
    ended = fetch(server.url("shop.git"))
    assert ended.code == 0, ended
    assert ended.termination.commit
    assert ended.termination.commit.commit == commit
    assert ended.termination.commit.branch
    assert fetch.file("train.py").read_text() == "print('second')\n"
    assert fetch.file("lib/features.py").read_text() == "x = 1\n"
    told = decode((fetch.pod.paths.handoff / COMMIT_FILE).read_bytes(), type(ended.termination.commit))
    assert told == ended.termination.commit


@pytest.mark.parametrize("revision", ["v1", "refs/tags/v1", "refs/heads/main~", "HEAD", "hash", "refs/heads/main"])
def test_revisions_as_git_reads_them(fetch: Fetch, repository: Repository, server: GitServer, revision: str) -> None:
    first = repository.git("rev-parse", "HEAD")
    repository.git("tag", "--annotate", "--message", "one", "v1")
    second = repository.commit(train="print('second')\n")
    if revision == "refs/heads/main~":
        refused(fetch(server.url("shop.git"), revision), "RevisionNotFound", "there are main, v1")
        return
    ended = fetch(server.url("shop.git"), first if revision == "hash" else revision)
    assert ended.termination.commit, ended
    moves = revision in ("HEAD", "refs/heads/main")
    assert (ended.termination.commit.commit, ended.termination.commit.branch) == (second if moves else first, moves)


@pytest.mark.parametrize(
    ("revision", "parts"),
    [
        ("mian", ["'mian'", "did you mean 'main'?", "there are main"]),
        ("abcdef1", ["write all 40 digits of a commit"]),
        ("0" * 39 + "1", ["a commit that the server does not give"]),
    ],
)
def test_revision_that_is_not_there_is_told(fetch: Fetch, server: GitServer, revision: str, parts: list[str]) -> None:
    refused(fetch(server.url("shop.git"), revision), "RevisionNotFound", server.url("shop.git"), *parts)


def test_empty_repository_is_told(fetch: Fetch, server: GitServer) -> None:
    Repository(server.folder / "empty.git")
    refused(fetch(server.url("empty.git")), "RevisionNotFound", "the repository is empty")


def test_path_that_is_not_in_the_commit_is_told_with_what_there_is(
    fetch: Fetch, repository: Repository, server: GitServer
) -> None:
    (repository.folder / "src").mkdir()
    (repository.folder / "src" / "fit.py").write_text("")
    repository.commit()
    refused(fetch(server.url("shop.git"), path="fit.py"), "ScriptNotFound", "fit.py", "did you mean src/fit.py?")


def test_private_repository(fetch: Fetch, server: GitServer) -> None:
    server.account = "reader:secret"
    url = server.url("shop.git")
    refused(fetch(url), "AccessDenied", url, "401", "without credentials (spec.script.git.secretName names none)")
    keys = {**KEYS, "HTTP_HOST": server.host}
    refused(fetch(url, keys=keys | {"HTTP_PASSWORD": "wrong"}), "AccessDenied", "keys of the Secret reader")
    assert fetch(url, keys=keys).code == 0
    assert all(given is None or given.startswith("Basic ") for _, _, given in server.requests)


def test_credentials_go_to_their_own_host_alone(fetch: Fetch, server: GitServer, tmp_path: Path) -> None:
    keys = {**KEYS, "HTTP_HOST": "git.example.com"}
    refused(fetch(server.url("shop.git"), keys=keys), "SecretForOtherHost", "spec.script.git.url", "git.example.com")
    with GitServer(tmp_path / "served", moved={"/": f"{server.url('')}"}) as gate:
        assert fetch(gate.url("shop.git"), keys={**KEYS, "HTTP_HOST": gate.host}).code == 0
        assert {given for _, _, given in gate.requests} != {None}
    assert {given for _, _, given in server.requests} == {None}


def test_repository_that_is_not_there(fetch: Fetch, server: GitServer) -> None:
    refused(fetch(server.url("none.git")), "RepositoryNotFound", server.url("none.git"), "404")


def test_what_is_no_git_server_is_told(fetch: Fetch, tmp_path: Path) -> None:
    (tmp_path / "web" / "page" / "info").mkdir(parents=True)
    (tmp_path / "web" / "page" / "info" / "refs").write_text("<html>")
    with WebServer(tmp_path / "web") as web:
        refused(fetch(web.url("page")), "NotARepository", web.url("page"))


def test_host_that_does_not_answer_is_tried_again(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/shop.git"
    refused(fetch(url), "ConnectionRefused", url, retried=True)
    refused(fetch("https://no-such-host.invalid/a.git"), "HostNotFound", "no-such-host.invalid", retried=True)


def test_own_machine_is_no_place_for_a_repository_unless_it_is_allowed(fetch: Fetch, server: GitServer) -> None:
    refused(fetch(server.url("shop.git"), local=False), "AddressRefused", "a loopback address")
    assert server.requests == []


def test_certificate_of_ones_own(fetch: Fetch, repository: Repository, tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority")
    authority.server("server", ["localhost"], ["127.0.0.1"])
    with GitServer(repository.folder.parent, certificate=authority.folder / "server.crt") as server:
        hint = "into the Secret of spec.script.git.secretName as ca.crt"
        refused(fetch(server.url("shop.git")), "CertificateNotTrusted", server.host, hint)
        assert fetch(server.url("shop.git"), keys={"ca.crt": authority.certificate.read_text()}).code == 0


def test_server_that_says_nothing_is_left(fetch: Fetch, server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "MOST_SECONDS", 0.2)
    server.silent = threading.Event()
    refused(fetch(server.url("shop.git")), "SourceTimeout", "within 0 s", retried=True)


@pytest.mark.parametrize(
    ("module", "limit", "most"),
    [(fetching, "MOST_BYTES", 100), (writing, "MOST_BYTES", 10), (writing, "MOST_FILES", 0)],
)
def test_repository_that_is_too_large(
    fetch: Fetch, server: GitServer, monkeypatch: pytest.MonkeyPatch, module: object, limit: str, most: int
) -> None:
    monkeypatch.setattr(module, limit, most)
    refused(fetch(server.url("shop.git")), "RepositoryTooLarge")


def test_only_links_that_stay_inside_are_made(fetch: Fetch, repository: Repository, server: GitServer) -> None:
    for name, to in {"out": "../../etc/passwd", "root": "/etc/passwd", "in": "train.py", "up": "a/../../x"}.items():
        (repository.folder / name).symlink_to(to)
    (repository.folder / "script.py").symlink_to("train.py")
    repository.commit()
    refused(fetch(server.url("shop.git"), path="script.py"), "ScriptNotFound", "is a symbolic link")
    assert fetch.file("in").read_text() == "print('first')\n"
    assert not any(fetch.file(name).is_symlink() for name in ("out", "root", "up"))


def test_pointer_of_lfs_and_submodule_are_told(fetch: Fetch, repository: Repository, server: GitServer) -> None:
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},vendor")
    repository.git("commit", "--quiet", "--message", "submodule")
    (repository.folder / "big.py").write_text(LFS)
    repository.git("add", "big.py")
    repository.git("commit", "--quiet", "--message", "pointer")
    refused(fetch(server.url("shop.git"), path="vendor/fit.py"), "ScriptNotFound", "lies in the submodule vendor")
    # Another pod: nothing is written over.
    for left in fetch.pod.paths.script.iterdir():
        left.unlink()
    refused(fetch(server.url("shop.git"), path="big.py"), "ScriptNotFound", "is a pointer of Git LFS")


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"a/../../b"])
def test_names_that_lead_out_are_refused(fetch: Fetch, server: GitServer, name: bytes) -> None:
    hostile(server.folder / "bad.git", [(name, 0o100644), (b"train.py", 0o100644)])
    refused(fetch(server.url("bad.git")), "InvalidRepository")
    assert sorted(path.name for path in fetch.pod.root.iterdir() if path.name in ("b", "train.py")) == []


def test_nothing_is_written_through_a_link(fetch: Fetch, server: GitServer) -> None:
    """One tree with a link and a folder of the same name, which git itself would never write."""
    hostile(server.folder / "bad.git", [(b"train.py", 0o100644), (b"x", 0o120000)], inside=b"x")
    assert fetch(server.url("bad.git")).code == 0
    assert fetch.file("x/file").resolve() == fetch.pod.paths.script.resolve() / "x" / "file"


def hostile(folder: Path, entries: list[tuple[bytes, int]], inside: bytes | None = None) -> None:
    """A repository made by hand; files hold `..`, so that a link leads out."""
    with Repo.init_bare(str(folder), mkdir=True) as repo:
        blob, tree = Blob.from_string(b".."), Tree()
        repo.object_store.add_object(blob)
        raw = [(name, mode, blob.sha().digest()) for name, mode in entries]
        if inside:
            below = Tree()
            below.add(b"file", 0o100644, blob.id)
            repo.object_store.add_object(below)
            raw.append((inside, 0o40000, below.sha().digest()))
        tree = Tree.from_string(b"".join(b"%o %s\0%s" % (mode, name, digest) for name, mode, digest in raw))
        repo.object_store.add_object(tree)
        commit = Commit()
        commit.tree, commit.message = tree.id, b"bad"
        commit.author = commit.committer = b"a <a@example.com>"
        commit.author_time = commit.commit_time = commit.author_timezone = commit.commit_timezone = 0
        repo.object_store.add_object(commit)
        repo.refs[b"refs/heads/main"] = commit.id


def test_commit_and_path_are_part_of_the_inputs_and_the_place_is_not(fetch: Fetch, server: GitServer) -> None:
    commit = fetch(server.url("shop.git")).termination.commit
    assert commit
    git = GitScript(url="https://one.example.com/a.git", revision="main", path="train.py")
    task = train_task("file:///store", "sha256:0", estimator=None, git=git)

    def hashed(**fields: str) -> str:
        return inputs_hash(msgspec.structs.replace(task, git=msgspec.structs.replace(git, **fields)), commit)

    assert hashed() == hashed(url="https://other.example.com/a.git") == hashed(revision=commit.commit)
    assert hashed() != hashed(path="other.py")
    assert hashed() != inputs_hash(task, msgspec.structs.replace(commit, commit="0" * 40))
