"""What goes wrong on the way to a source: a reason, one sentence that names file, key or host, and who can mend it."""

import socket
import time
from pathlib import Path

import pytest

from localcluster.certs import Authority
from modelward_training.ingest.remote.trouble import told
from objectstore import ObjectStore, WebServer

from .harness import Pod, ingest_report
from .sets import things
from .test_remote import Reader, authority, bucket, put, read, store

__all__ = ["authority", "bucket", "read", "store"]

NOW, LATER, NEVER = (75, True), (1, True), (1, False)
"""Exit code, which the Job goes by, and what the operator is told: tried again at once, later, or not at all."""


@pytest.mark.parametrize(
    ("url", "keys", "reason", "said", "again"),
    [
        (
            "s3://{bucket}/none-*.csv",
            {},
            "SourceNotFound",
            "no file matches s3://{bucket}/none-*.csv; {bucket}/ holds things.csv",
            NEVER,
        ),
        (
            "s3://{bucket}/none.csv",
            {},
            "SourceNotFound",
            "there is no s3://{bucket}/none.csv; {bucket}/ holds things.csv",
            NEVER,
        ),
        ("s3://no-such-bucket-1/*.csv", {}, "SourceNotFound", "no such bucket", NEVER),
        (
            "s3://{bucket}/*.csv",
            {"AWS_SECRET_ACCESS_KEY": "wrong"},
            "AccessDenied",
            "Secret reader: AWS_SECRET_ACCESS_KEY is not the secret of the access key",
            LATER,
        ),
        ("s3://{bucket}/things.csv", {"AWS_SECRET_ACCESS_KEY": "wrong"}, "AccessDenied", "things.csv", LATER),
        (
            "s3://{bucket}/*.csv",
            {"AWS_ACCESS_KEY_ID": "nobody"},
            "AccessDenied",
            "there is no access key of the id in AWS_ACCESS_KEY_ID",
            LATER,
        ),
        (
            "s3://{bucket}/*.csv",
            {"AWS_SECRET_ACCESS_KEY": ""},
            "SecretKeyMissing",
            "the Secret reader has no key AWS_SECRET_ACCESS_KEY, beside AWS_ACCESS_KEY_ID",
            LATER,
        ),
        (
            "s3://{bucket}/*.csv",
            {"AWS_ACCESS_KEY_ID": ""},
            "SecretKeyMissing",
            "the Secret reader has no key AWS_ACCESS_KEY_ID",
            LATER,
        ),
        (
            "s3://{bucket}/*.csv",
            {"AWS_ENDPOINT_URL": "minio:9000"},
            "InvalidUrl",
            "AWS_ENDPOINT_URL 'minio:9000' is no URL of a server",
            LATER,
        ),
        (
            "s3://{bucket}/*.csv",
            {"ca.crt": "none"},
            "InvalidCertificate",
            "ca.crt of the Secret reader holds no certificate",
            LATER,
        ),
        ("s3://{bucket}/**.csv", {}, "InvalidUrl", "is no pattern: Invalid pattern: '**'", NEVER),
        ("gs://{bucket}/*.csv", {}, "PackageMissing", "gs:// needs the Python package gcsfs", NEVER),
        ("abfs://{bucket}/*.csv", {}, "PackageMissing", "abfs:// needs the Python package adlfs", NEVER),
    ],
)
def test_an_object_store_that_cannot_be_read_is_told_by_reason(
    read: Reader, store: ObjectStore, bucket: str, url: str, keys: dict[str, str], reason: str, said: str, again: object
) -> None:
    put(store, bucket, {"things.csv": things()})
    ended = read(url.format(bucket=bucket), store.environment | keys)
    assert (ended.reason, (ended.code, ended.termination.retryable)) == (reason, again), ended
    assert said.format(bucket=bucket) in ended.message
    assert ended.message.count("things.csv") <= 2


def test_without_a_secret_nothing_but_what_is_public_is_read(
    read: Reader, store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the store is opened with, in the same environment, is of no use to a source."""
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    put(store, bucket, {"things.csv": things()})
    ended = read(f"s3://{bucket}/things.csv", {"AWS_ENDPOINT_URL": store.endpoint})
    assert (ended.reason, ended.termination.retryable) == ("AccessDenied", True)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "local:///etc/passwd",
        "memory://a.csv",
        "dir::file:///etc",
        "simplecache::s3://b/a.csv",
        "github://o:r@/a.csv",
        "data:text/csv,a",
        "/etc/passwd",
    ],
)
def test_what_lies_in_the_container_itself_is_no_source(read: Reader, url: str) -> None:
    ended = read(url)
    assert (ended.reason, ended.termination.retryable) == ("InvalidUrl", False)
    assert "s3://, gs://, gcs://, abfs://, abfss://, az://, https://, http://" in ended.message


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "2130706433",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "0x7f.0.0.1",
        "[::7f00:1]",
    ],
)
def test_this_machine_and_its_link_are_no_place_for_sources(read: Reader, host: str) -> None:
    for url, keys in (
        (f"http://{host}/a.csv", {}),
        ("s3://raw/a.csv", {"AWS_ENDPOINT_URL": f"http://{host}:9"}),
    ):
        ended = read(url, keys, local=False)
        assert (ended.reason, ended.termination.retryable) == ("AddressRefused", False), ended
        assert "sources.allowLocalAddresses" in ended.message


def test_a_redirect_to_this_machine_is_refused(read: Reader, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first host is a public one as far as can be told; where it sends to is not."""
    from modelward_training.ingest.remote import addresses

    pod.csv(things(), "things.csv")
    with WebServer(pod.paths.source) as web:
        resolved = socket.getaddrinfo
        known = {"data.example": "127.0.0.1"}
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: resolved(known.get(host, host), *a, **k))
        checked, check = [], addresses.check

        def but_the_first(host: str, address: str) -> None:
            checked.append(host)
            if host != "data.example":
                check(host, address)

        monkeypatch.setattr(addresses, "check", but_the_first)
        web.answers["moved.csv"] = (302, {"Location": f"http://localhost:{web.port}/things.csv"})
        ended = read(f"http://data.example:{web.port}/moved.csv", local=False)
        assert ended.reason == "AddressRefused"
        assert "localhost is at" in ended.message
        assert checked == ["data.example", "localhost"]


def test_web_servers_that_do_not_give_the_file_are_told_by_reason(
    read: Reader, pod: Pod, tmp_path: Path, authority: Authority
) -> None:
    pod.csv(things(), "things.csv")
    with WebServer(pod.paths.source, password="Basic dXNlcjpwYXNz") as web:
        for path, answer in (
            ("busy.csv", (503, {})),
            ("teapot.csv", (418, {})),
            ("loop.csv", (302, {"Location": "loop.csv"})),
        ):
            web.answers[path] = answer
        web.answers["file.csv"] = (302, {"Location": "file:///etc/passwd"})
        web.answers["bad.csv"] = (302, {"Location": "http://[bad/a.csv"})
        web.answers["old.csv"] = (403, {})
        expired = "old.csv?X-Amz-Date=20200101T000000Z&X-Amz-Expires=60&X-Amz-Signature=sesame"
        user = {"HTTP_HOST": "127.0.0.1", "HTTP_USERNAME": "user"}
        for path, keys, reason, said, again in (
            ("none.csv", user | {"HTTP_PASSWORD": "pass"}, "SourceNotFound", "has no such file (404)", NEVER),
            ("things.csv", user | {"HTTP_PASSWORD": "wrong"}, "AccessDenied", "401 Unauthorized", LATER),
            ("things.csv", {}, "AccessDenied", "without credentials", LATER),
            ("things.csv", user, "SecretKeyMissing", "no key HTTP_PASSWORD", LATER),
            ("things.csv", {"HTTP_TOKEN": "x"}, "SecretKeyMissing", "no key HTTP_HOST", LATER),
            ("things.csv", user | {"HTTP_HOST": "other"}, "SecretForOtherHost", "for the host other", LATER),
            ("busy.csv", {}, "SourceUnavailable", "answered 503", NOW),
            ("teapot.csv", {}, "InvalidUrl", "answered 418", NEVER),
            ("loop.csv", {}, "SourceUnavailable", "redirects more than 5 times", NOW),
            ("file.csv", {}, "InvalidUrl", "redirects to file:///etc/passwd", NEVER),
            (expired, {}, "UrlExpired", "the signed URL has expired", NEVER),
            ("bad.csv", {}, "InvalidUrl", "redirects to", NEVER),
            ("2013-*.csv", {}, "InvalidUrl", "lists no files", NEVER),
            ("a b/é.csv", user | {"HTTP_PASSWORD": "pass"}, "SourceNotFound", "has no such file (404)", NEVER),
        ):
            ended = read(web.url(path), keys)
            assert (ended.reason, (ended.code, ended.termination.retryable)) == (reason, again), (path, ended)
            assert said in ended.message, ended
            assert "sesame" not in ended.message
            assert path.partition("?")[0] in ended.message or again == LATER
    with WebServer(pod.paths.source, certificate=authority.folder / "server.crt") as web:
        ended = read(web.url("things.csv"))
        assert (ended.reason, ended.termination.retryable) == ("CertificateNotTrusted", True)
        assert f"the certificate of 127.0.0.1:{web.port} is not trusted" in ended.message


@pytest.mark.parametrize("url", ["http://host:99999/a.csv", "https://me:secret@host/a.csv", "http:///a.csv"])
def test_a_url_that_names_no_host_as_one_may_is_refused(read: Reader, url: str) -> None:
    assert read(url).reason == "InvalidUrl"


def test_a_host_that_is_not_there_is_tried_again(read: Reader, store: ObjectStore, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        free = taken.getsockname()[1]
    for url, keys, reason in (
        (f"http://127.0.0.1:{free}/a.csv", {}, "ConnectionRefused"),
        ("https://no-such-host.invalid/a.csv", {}, "HostNotFound"),
        ("s3://raw/*.csv", store.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{free}"}, "ConnectionRefused"),
        ("s3://raw/*.csv", store.environment | {"AWS_ENDPOINT_URL": "http://no-such-host.invalid"}, "HostNotFound"),
    ):
        ended = read(url, keys)
        assert (ended.reason, ended.code, ended.termination.retryable) == (reason, 75, True), ended


def test_a_server_that_says_nothing_is_given_up(
    read: Reader, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelward_training.ingest.remote import open as opening
    from modelward_training.ingest.remote import web

    monkeypatch.setattr(web, "READ_SECONDS", 0.2)
    monkeypatch.setattr(opening, "READ_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        begun = time.monotonic()
        for url, keys in (
            (f"http://127.0.0.1:{port}/a.csv", {}),
            ("s3://raw/a.csv", store.environment | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}),
        ):
            ended = read(url, keys)
            assert (ended.reason, ended.code) == ("SourceTimeout", 75), ended
        assert time.monotonic() - begun < 60


def test_a_body_that_ends_early_is_not_taken_for_the_file(read: Reader, pod: Pod) -> None:
    pod.csv(things(), "things.csv")
    with WebServer(pod.paths.source, short=1) as web:
        ended = read(web.url("things.csv"))
    size = len(things())
    assert (ended.reason, ended.code) == ("SourceUnavailable", 75)
    assert f"sent {size - 1} of {size} bytes" in ended.message


def test_a_file_that_changes_while_it_is_read_makes_no_version(
    read: Reader, store: ObjectStore, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import s3fs

    get_file = s3fs.S3FileSystem.get_file

    def and_changed(self: object, place: str, path: str, **more: object) -> None:
        get_file(self, place, path, **more)
        put(store, bucket, {"things.csv": things() + "x9999,1,1,1,true,AA,BOS,2013-01-01,0\n"})

    put(store, bucket, {"things.csv": things()})
    monkeypatch.setattr(s3fs.S3FileSystem, "get_file", and_changed)
    ended = read(f"s3://{bucket}/*.csv", store.environment)
    assert (ended.reason, ended.code) == ("SourceChanged", 75)


def test_a_truncated_gzip_is_not_tried_again(read: Reader, store: ObjectStore, bucket: str) -> None:
    import gzip

    data = gzip.compress(things().encode())[:-100]
    store.filesystem().pipe_file(f"{bucket}/things.csv.gz", data)
    ended = read(f"s3://{bucket}/*.gz", store.environment)
    assert (ended.reason, ended.code, ended.termination.retryable) == ("InvalidFile", 1, False)
    assert "things.csv.gz cannot be read" in ended.message


def test_a_version_is_made_once_what_was_missing_is_there(read: Reader, store: ObjectStore, bucket: str) -> None:
    put(store, bucket, {"things.csv": things()})
    store.kill()
    try:
        assert read(f"s3://{bucket}/things.csv", store.environment).reason == "ConnectionRefused"
    finally:
        store.start()
    assert ingest_report(read(f"s3://{bucket}/things.csv", store.environment)).rows == 600


class AsAzureHasIt(Exception):
    def __init__(self, status_code: int) -> None:
        super().__init__(f"the server said {status_code}")
        self.status_code = status_code


class AsGoogleHasIt(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(f"the server said {code}")
        self.code = code


@pytest.mark.parametrize(
    ("error", "reason", "retryable"),
    [
        (AsAzureHasIt(403), "AccessDenied", False),
        (AsAzureHasIt(404), "SourceNotFound", False),
        (AsAzureHasIt(503), "SourceUnavailable", True),
        (AsGoogleHasIt(401), "AccessDenied", False),
        (AsGoogleHasIt(429), "SourceUnavailable", True),
        (OSError("Forbidden: https://storage/b/raw/o\nno right"), "AccessDenied", False),
        (FileNotFoundError("b/raw/o"), "SourceNotFound", False),
    ],
)
def test_answers_of_other_clouds_are_told_by_reason(error: Exception, reason: str, retryable: bool) -> None:
    found = told(error, "gs://raw/2013.csv", "Google Cloud Storage", "reader")
    assert (found.reason, found.retryable) == (reason, retryable)
    assert "gs://raw/2013.csv" in found.message
    assert "Google Cloud Storage" in found.message
