"""Sources behind a URL, on real servers: the same version as from a volume, and each file read once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster.certs import Authority
from modelward_contracts.tasks import SOURCE_VARIABLE
from objectstore import ObjectStore, WebServer

from .harness import Ended, Pod, ingest_report
from .sets import things


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with ObjectStore(tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def bucket(store: ObjectStore, request: pytest.FixtureRequest) -> Iterator[str]:
    name = f"b{abs(hash(request.node.name))}"
    store.bucket(name)
    store.forget()
    yield name
    store.erase(name)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path / "authority")
    made.server("server", ["localhost"], ["127.0.0.1"])
    return made


class Reader:
    """Ingests from a URL, with a Secret of the given keys."""

    def __init__(self, pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pod, self._patch = pod, monkeypatch
        # What the store is opened with is in the same environment, and no source may be read with it.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "of-the-store")
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://store.invalid")

    def __call__(self, url: str, keys: dict[str, str] | None = None, local: bool = True, **fields: object) -> Ended:
        for key, value in (keys or {}).items():
            self._patch.setenv(SOURCE_VARIABLE + key, value)
        secret = "reader" if keys else None
        ended = self.pod.ingest(source="url", url=url, secret=secret, local_addresses=local, **fields)
        for key in keys or {}:
            self._patch.delenv(SOURCE_VARIABLE + key)
        return ended


@pytest.fixture
def read(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> Reader:
    return Reader(pod, monkeypatch)


def months() -> dict[str, str]:
    header, *rows = things().splitlines()
    return {f"2013-{n:02}.csv": "\n".join([header, *rows[n * 100 : n * 100 + 100]]) + "\n" for n in range(6)}


def put(store: ObjectStore, bucket: str, files: dict[str, str], folder: str = "") -> None:
    store.filesystem().pipe({f"{bucket}/{folder}{name}": text.encode() for name, text in files.items()})


def test_the_same_files_of_a_volume_and_of_s3_are_the_same_version(
    pod: Pod, read: Reader, store: ObjectStore, bucket: str
) -> None:
    for name, text in months().items():
        pod.csv(text, name)
    put(store, bucket, months() | {"notes.txt": "no data", "2013-older/2013-00.csv": "x"}, "raw/2013/")
    ended = read(f"s3://{bucket}/raw/2013/2013-*.csv", store.environment)
    assert ingest_report(ended).manifest == ingest_report(pod.ingest(path="2013-*.csv")).manifest
    assert len(store.requests("GetObject")) == 6


def test_the_same_file_of_a_volume_and_of_a_web_server_is_the_same_version(
    pod: Pod, read: Reader, tmp_path: Path, authority: Authority
) -> None:
    pod.csv(things(), "things.csv")
    keys = {"ca.crt": authority.certificate.read_text()}
    with WebServer(pod.paths.source, certificate=authority.folder / "server.crt") as web:
        ended = read(web.url("things.csv?month=1"), keys)
        assert [method for method, *_ in web.requests] == ["HEAD", "GET"]
    assert ingest_report(ended).manifest == ingest_report(pod.ingest(path="*.csv")).manifest


def test_files_of_folders_come_in_the_same_order_from_a_volume_and_from_s3(
    pod: Pod, read: Reader, store: ObjectStore, bucket: str
) -> None:
    files = dict(zip(("a/b.csv", "a-b.csv", "a.csv", "a/-/b.csv"), months().values(), strict=False))
    for name, text in files.items():
        pod.csv(text, name)
    put(store, bucket, files)
    ended = read(f"s3://{bucket}/**/*.csv", store.environment)
    assert len(ingest_report(ended).sources) == 4
    assert ingest_report(ended).manifest == ingest_report(pod.ingest(path="**/*.csv")).manifest


def test_one_object_and_folders_in_folders_are_found(pod: Pod, read: Reader, store: ObjectStore, bucket: str) -> None:
    put(store, bucket, months(), "a b/+c/")
    put(store, bucket, months(), "a b/")
    assert ingest_report(read(f"s3://{bucket}/a b/2013-01.csv", store.environment)).rows == 100
    ended = read(f"s3://{bucket}/**/2013-02.csv", store.environment, id=None)
    assert [file.path for file in ingest_report(ended).sources] == ["a b/+c/2013-02.csv", "a b/2013-02.csv"]


def test_a_signed_url_that_answers_get_alone_is_read(pod: Pod, read: Reader, store: ObjectStore, bucket: str) -> None:
    put(store, bucket, {"things.csv": things()})
    signed = store.filesystem().sign(f"{bucket}/things.csv", expiration=600)
    ended = read(signed)
    assert ingest_report(ended).rows == 600
    assert ingest_report(ended).sources[0].path == "things.csv"


def test_a_redirect_is_followed_and_no_password_goes_to_another_host(pod: Pod, read: Reader, tmp_path: Path) -> None:
    pod.csv(things(), "things.csv")
    basic = "Basic dXNlcjpwYXNz"
    with WebServer(pod.paths.source) as other, WebServer(pod.paths.source, password=basic) as web:
        web.answers["moved.csv"] = (307, {"Location": other.url("things.csv")})
        keys = {"HTTP_HOST": web.host, "HTTP_USERNAME": "user", "HTTP_PASSWORD": "pass"}
        assert ingest_report(read(web.url("things.csv"), keys)).rows == 600
        assert ingest_report(read(web.url("moved.csv"), keys)).rows == 600
        assert {given for *_, given in web.requests} == {basic}
        assert {given for *_, given in other.requests} == {None}


def test_no_password_goes_where_a_redirect_leaves_tls(pod: Pod, read: Reader, authority: Authority) -> None:
    pod.csv(things(), "things.csv")
    basic = "Basic dXNlcjpwYXNz"
    with (
        WebServer(pod.paths.source) as plain,
        WebServer(pod.paths.source, certificate=authority.folder / "server.crt", password=basic) as web,
    ):
        web.answers["moved.csv"] = (302, {"Location": plain.url("things.csv")})
        keys = {"HTTP_HOST": "127.0.0.1", "HTTP_USERNAME": "user", "HTTP_PASSWORD": "pass"}
        ended = read(web.url("moved.csv"), keys | {"ca.crt": authority.certificate.read_text()})
        assert ingest_report(ended).rows == 600
        assert {given for *_, given in web.requests} == {basic}
        assert {given for *_, given in plain.requests} == {None}


def test_a_private_authority_is_trusted_for_s3(read: Reader, tmp_path: Path, authority: Authority) -> None:
    with ObjectStore(tmp_path / "tls", certificate=authority.folder / "server.crt") as store:
        fs = store.filesystem(client_kwargs={"verify": str(authority.certificate)})
        fs.mkdir("raw")
        fs.pipe_file("raw/things.csv", things().encode())
        refused = read("s3://raw/things.csv", store.environment)
        assert (refused.reason, refused.code, refused.termination.retryable) == ("CertificateNotTrusted", 1, True)
        assert "the Secret of spec.secretName as ca.crt" in refused.message
        keys = store.environment | {"ca.crt": authority.certificate.read_text()}
        assert ingest_report(read("s3://raw/things.csv", keys)).rows == 600
