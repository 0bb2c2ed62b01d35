"""What goes wrong between us and a database is told by its reason; only what is not ours to mend is tried again."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from modelward_training.ingest import query
from postgresql import Server, server

from .database import THINGS, Database

ALL = "SELECT * FROM things"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT nope\nFROM things", 'in line 1, column 8: column "nope" does not exist'),
        ("SELECT *\n  FROM nope", 'in line 2, column 8: relation "nope" does not exist'),
        ("SELEC 1", 'in line 1, column 1: syntax error at or near "SELEC"'),
        ("SELECT id FROM things WHERE $1", "in line 1, column 29: there is no parameter $1"),
        ("EXPLAIN SELECT 1", 'in line 1, column 1: syntax error at or near "EXPLAIN"'),
        ("SELECT 1 / (id - 500) FROM things", ": division by zero"),
    ],
)
def test_a_wrong_query_is_told_with_its_place(database: Database, text: str, said: str) -> None:
    ended = database.query(text)
    assert (ended.code, ended.reason) == (1, "InvalidSQL"), ended
    assert ended.message.startswith("source.sql.query failed")
    assert ended.message.endswith(said)


def test_a_value_at_fault_is_shown_unless_columns_are_personal(database: Database) -> None:
    text = "SELECT name::int FROM things WHERE name IS NOT NULL"
    assert 'invalid input syntax for type integer: "Thing 1"' in database.query(text).message
    message = database.query(text, pii={"name": "Drop"}).message
    assert message.endswith('invalid input syntax for type integer: "…"')


@pytest.mark.parametrize(
    ("changed", "reason", "said"),
    [
        ({"PGPASSWORD": "wrong"}, "AccessDenied", 'password authentication failed for user "postgres"'),
        ({"PGUSER": "nobody"}, "AccessDenied", 'password authentication failed for user "nobody"'),
        ({"PGDATABASE": "nope"}, "SourceNotFound", 'database "nope" does not exist'),
        ({"PGSSLMODE": "require"}, "CertificateNotTrusted", "server does not support SSL"),
        ({"PGSSLMODE": "always"}, "InvalidCredentials", 'invalid sslmode value: "always"'),
        ({"PGPORT": "x"}, "InvalidCredentials", "the database's port 'x' is no port"),
        ({"PGHOST": ""}, "SecretKeyMissing", "the Secret reader names no database"),
        ({"PGHOST": "/run/postgresql"}, "AddressRefused", "is a socket"),
        ({"DATABASE_URL": "mysql://a:s3cr3t@b/c"}, "InvalidCredentials", "DATABASE_URL in the Secret reader is not"),
    ],
)
def test_a_wrong_secret_is_told_and_not_tried_again(
    database: Database, changed: dict[str, str], reason: str, said: str
) -> None:
    ended = database.query(ALL, database.server.environment | changed)
    assert (ended.code, ended.reason) == (1, reason), ended
    assert said in ended.message
    assert "s3cr3t" not in ended.message


def test_a_role_without_the_right_is_told(database: Database) -> None:
    database.server.psql("CREATE ROLE reader LOGIN PASSWORD 'r'")
    try:
        ended = database.query(ALL, database.server.environment | {"PGUSER": "reader", "PGPASSWORD": "r"})
    finally:
        database.server.psql("DROP ROLE reader")
    assert (ended.code, ended.reason) == (1, "AccessDenied")
    assert "permission denied for table things" in ended.message


def test_a_server_that_is_not_there_is_tried_again(database: Database) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        ended = database.query(ALL, database.server.environment | {"PGPORT": str(free.getsockname()[1])})
    assert (ended.code, ended.reason) == (75, "ConnectionRefused")
    assert "Connection refused" in ended.message
    ended = database.query(ALL, database.server.environment | {"PGHOST": "nowhere.invalid"})
    assert (ended.code, ended.reason) == (75, "HostNotFound")
    assert "'nowhere.invalid'" in ended.message


def test_a_query_that_takes_too_long_ends_and_is_not_tried_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(query, "SECONDS", 1)
    ended = database.query("SELECT *, pg_sleep(1)::text FROM things")
    assert (ended.code, ended.reason) == (1, "QueryTimeout")


def test_a_server_that_goes_away_in_the_middle_is_tried_again(database: Database) -> None:
    def end() -> None:
        wanted = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'COPY%'"
        for _ in range(100):
            if database.server.psql(wanted) == "t":
                return
            time.sleep(0.1)

    ending = threading.Thread(target=end)
    ending.start()
    ended = database.query("SELECT *, repeat('x', 10000), pg_sleep(0.01)::text FROM things, generate_series(1, 100)")
    ending.join()
    assert (ended.code, ended.reason) == (75, "SourceUnavailable"), ended
    assert not list((database.root / "store").glob("**/sha256/*"))


def test_the_node_and_the_pod_itself_are_refused_unless_allowed(database: Database) -> None:
    port = database.server.environment["PGPORT"]
    for host in ("127.0.0.1", "localhost", "169.254.169.254", "0.0.0.0", "::ffff:127.0.0.1", "2130706433"):
        secret = {"PGHOST": host, "PGPORT": port, "PGUSER": "postgres"}
        ended = database.query(ALL, secret, local_addresses=False)
        assert (ended.code, ended.reason) == (1, "AddressRefused"), (host, ended)
    secret = {"uri": f"postgresql://postgres@[::1]:{port},example.invalid:{port}/postgres"}
    assert database.query(ALL, secret, local_addresses=False).reason == "AddressRefused"


def test_a_url_says_it_all(database: Database) -> None:
    said = database.server.environment
    password = "pass%27word%20%5C%201"
    places = f"127.0.0.1:1,127.0.0.1:{said['PGPORT']}"
    for key in ("DATABASE_URL", "uri"):
        url = f"postgresql://postgres:{password}@{places}/postgres?options=-csearch_path%3Dpublic&sslmode=disable"
        assert database.query(ALL, {key: url, "PGDATABASE": "nope"}).code == 0
    refused = database.query(ALL, {"uri": f"postgres://postgres:{password}@{places}/postgres?service=x"})
    assert (refused.reason, refused.message) == (
        "InvalidCredentials",
        "uri in the Secret reader sets 'service', which is not taken: leave it out",
    )


@pytest.fixture(scope="module")
def with_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    """A server whose certificate is its own, and that certificate."""
    folder = tmp_path_factory.mktemp("tls")
    subject = ["-subj", "/CN=db", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "rsa:2048", *files, *subject], check=True)
    with server(tls=folder) as running:
        running.psql(*THINGS.split(";"))
        yield running, (folder / "cert.pem").read_text()


def test_a_certificate_is_trusted_as_the_secret_says(database: Database, with_tls: tuple[Server, str]) -> None:
    running, certificate = with_tls
    verified = running.environment | {"PGSSLMODE": "verify-full"}
    for secret in (verified, verified | {"PGSSLROOTCERT": "system"}):
        ended = database.query(ALL, secret)
        assert (ended.code, ended.reason) == (1, "CertificateNotTrusted"), ended
    assert database.query(ALL, verified | {"ca.crt": certificate}).code == 0
    assert database.query(ALL, verified | {"PGHOST": "localhost", "PGSSLROOTCERT": certificate}).code == 1
    ended = database.query(ALL, verified | {"PGSSLROOTCERT": "/etc/ssl/ca.pem"})
    assert (ended.reason, ended.code) == ("InvalidCredentials", 1)
