"""A query of a real PostgreSQL server becomes a version: types, order, what it must not do."""

import hmac
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import PII_SALT

from .database import Database
from .harness import ingest_report


def rows(database: Database, manifest: DatasetManifest) -> pa.Table:
    parts = [split.data.digest for name, split in manifest.splits.items() if name == "train"]
    return pq.read_table(io.BytesIO(database.store.get_bytes(parts[0]))).sort_by("id")


def test_each_type_becomes_one_of_ours(database: Database) -> None:
    ended = database.query("SELECT * FROM things")
    assert ended.code == 0, ended
    manifest = database.dataset(ended)
    assert {column.name: column.type for column in manifest.columns} == {
        "id": "integer",
        "seats": "integer",
        "price": "number",
        "speed": "number",
        "account": "integer",
        "name": "string",
        "colour": "string",
        "key": "string",
        "more": "string",
        "at": "timestamp",
        "local": "timestamp",
        "day": "timestamp",
        "clock": "string",
        "late": "boolean",
    }
    assert manifest.rows == 600
    assert [(source.path, source.bytes > 0) for source in manifest.sources] == [("source.sql", True)]
    assert ended.message.startswith("600 rows of a query: ")
    first = rows(database, manifest).slice(0, 1).to_pylist()[0]
    number = first["id"]
    assert first["account"] == number * 1000000007
    assert first["price"] == number * 0.25
    assert first["more"] == f'{{"n": {number}}}'
    assert first["clock"] == "10:20:30"
    assert len(first["key"]) == 36


def test_personal_columns_are_dropped_and_hashed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PII_SALT, "0123456789abcdef")
    query = "SELECT id, late, name, account, seats, price FROM things"
    plain = rows(database, database.dataset(database.query(query))).slice(0, 1).to_pylist()[0]
    manifest = database.dataset(database.query(query, pii={"name": "Drop", "account": "Hash"}))
    assert [column.name for column in manifest.columns] == ["id", "late", "account", "seats", "price"]
    first = rows(database, manifest).slice(0, 1).to_pylist()[0]
    assert first["account"] == hmac.digest(b"0123456789abcdef", str(plain["account"]).encode(), "sha256").hex()
    assert (first["seats"], first["price"]) == (plain["seats"], plain["price"])


def test_timestamps_are_utc_whatever_the_role_says(database: Database) -> None:
    database.server.psql("ALTER ROLE postgres SET timezone = 'America/New_York'")
    try:
        query = "SELECT id, late, seats, at, at::text AS said FROM things"
        first = rows(database, database.dataset(database.query(query))).slice(0, 1).to_pylist()[0]
    finally:
        database.server.psql("ALTER ROLE postgres RESET timezone")
    assert first["said"].endswith("+00")
    assert first["at"].isoformat(" ") + "+00" == first["said"]


def test_same_rows_in_another_order_are_the_same_version(database: Database) -> None:
    query = "SELECT id, late, seats, speed, name, at FROM things"
    one = ingest_report(database.query(f"{query} ORDER BY id")).manifest
    assert ingest_report(database.query(f"{query} ORDER BY md5(id::text);  ")).manifest == one
    twice = f"{query} UNION ALL {query} WHERE id < 3 ORDER BY 1"
    fields = {"id": None, "prepare_sql": "SELECT * EXCLUDE (id) FROM source"}
    again = ingest_report(database.query(twice, **fields)).manifest
    assert ingest_report(database.query(f"{twice} DESC", **fields)).manifest == again
    assert ingest_report(database.query(query, **fields)).manifest != again
    assert ingest_report(database.query(f"{query} WHERE id <> 9")).manifest != one


def test_a_changed_value_that_prepare_leaves_out_still_changes_the_lineage(database: Database) -> None:
    prepare = {"prepare_sql": "SELECT id, late, seats FROM source"}
    one = database.dataset(database.query("SELECT id, late, seats, speed FROM things", **prepare))
    other = database.dataset(database.query("SELECT id, late, seats, speed * 2 AS speed FROM things", **prepare))
    assert one.splits == other.splits
    assert one.sources[0].digest != other.sources[0].digest


def test_what_a_number_cannot_keep_is_told(database: Database) -> None:
    ended = database.query("SELECT id, late, id / 3.0 AS third, price FROM things")
    assert ingest_report(ended).warnings == [
        "column 'third': 600 values of numeric have more than 15 digits, of which a number keeps about that many; "
        'write "third"::text to keep all'
    ]


def test_infinite_moments_are_missing_and_told(database: Database) -> None:
    ended = database.query(
        "SELECT id, late, seats, CASE WHEN id < 4 THEN 'infinity'::timestamptz ELSE at END AS until, "
        "CASE WHEN id < 3 THEN '-infinity'::date ELSE day END AS day FROM things"
    )
    assert ended.code == 0, ended
    assert ingest_report(ended).warnings == [
        "column 'until': 3 infinite moments are taken as missing",
        "column 'day': 2 infinite moments are taken as missing",
    ]
    assert [column.nullable for column in database.dataset(ended).columns] == [False, False, False, True, True]


def test_stated_types_hold_for_the_columns_of_a_query(database: Database) -> None:
    ended = database.query("SELECT id, late, seats, price FROM things", types={"seats": "string", "price": "string"})
    first = rows(database, database.dataset(ended)).slice(0, 1).to_pylist()[0]
    assert isinstance(first["seats"], str)
    assert first["price"] == f"{first['id'] * 0.25:.2f}"


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("ARRAY[id, 2]", "an array of int4"),
        ("'x'::bytea", "bytea"),
        ("'10.0.0.1'::inet", "inet"),
        ("interval '1 day'", "interval"),
        ("'1.5'::money", "money"),
        ("int4range(1, 2)", "of a type that is not known here"),
    ],
)
def test_a_type_that_is_none_of_ours_is_refused_by_its_column(database: Database, column: str, kind: str) -> None:
    ended = database.query(f"SELECT id, late, seats, {column} AS odd FROM things")
    assert (ended.code, ended.reason) == (1, "InvalidColumn")
    assert ended.message.startswith(f"column 'odd' of source.sql is {kind}: make it text")


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM things",
        "DELETE FROM things RETURNING *",
        "WITH gone AS (DELETE FROM things RETURNING *) SELECT * FROM gone",
        "SELECT 1; DROP TABLE things",
        "SELECT * FROM things) TO STDOUT; DROP TABLE things; --",
        "DROP TABLE things",
        "COMMIT",
        "SET TRANSACTION READ WRITE",
        "SELECT set_config('transaction_read_only', 'off', false), things.* FROM things",
        "COPY things TO STDOUT",
        "",
        ";",
        "-- nothing",
    ],
)
def test_anything_but_one_reading_statement_is_refused(database: Database, query: str) -> None:
    ended = database.query(query)
    assert (ended.code, ended.reason) == (1, "InvalidSQL"), ended
    assert "source.sql.query" in ended.message
    assert database.server.psql("SELECT count(*) FROM things") == "600"


def test_comments_and_a_semicolon_are_part_of_a_statement(database: Database) -> None:
    query = "-- all of them\nSELECT * /* ; */ FROM things WHERE name <> ';' OR name IS NULL -- the end"
    assert database.query(query).code == 0
    assert database.query("SELECT * FROM things;\n").code == 0


def test_two_columns_of_one_name_are_refused(database: Database) -> None:
    ended = database.query('SELECT id, late, seats AS x, price AS "X" FROM things')
    assert (ended.code, ended.reason) == (1, "InvalidFile")
    assert "source.sql: 'x' and 'X' differ by case only" in ended.message


def test_no_rows_are_no_version(database: Database) -> None:
    ended = database.query("SELECT * FROM things WHERE id < 0")
    assert (ended.code, ended.reason) == (1, "EmptyDataset")
