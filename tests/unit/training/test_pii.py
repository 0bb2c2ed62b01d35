"""Columns that tell who somebody is: none of their values is in the store, in the log or in what is told."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.tasks import PII_SALT, Expectation
from modelward_training.outcome import JobError

from .harness import Ended, Pod, ingest_report
from .reading import read

SALT = "0123456789abcdef-of-the-namespace"
PII = {"email": "Drop", "customer": "Hash"}


@pytest.fixture(autouse=True)
def salt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PII_SALT, SALT)


def hashed(value: str) -> str:
    return hmac.new(SALT.encode(), value.encode(), hashlib.sha256).hexdigest()


def table(rows: int = 120) -> dict[str, list[Any]]:
    return {
        "email": [f"anna.{n}@secret.example" for n in range(rows)],
        "customer": [f"cust-{n % 40:04}" for n in range(rows)],
        "x": [n * 0.5 for n in range(rows)],
        "late": [n % 2 for n in range(rows)],
    }


def put(pod: Pod, form: str, columns: dict[str, list[Any]], name: str = "a") -> None:
    path = pod.paths.source / name
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    match form:
        case "csv":
            path.write_text("\n".join([",".join(columns), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
        case "jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        case "parquet":
            pq.write_table(pa.table(columns), path)


def everything(pod: Pod, ended: Ended) -> bytes:
    """What a person or a process could come upon: all files of the store, Parquet unpacked, log and messages."""
    found = [repr(ended).encode()]
    for path in (pod.root / "store").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            found.append(content)
            if content.startswith(b"PAR1"):
                found.append(repr(pq.read_table(path).to_pydict()).encode())
    return b"".join(found)


@pytest.mark.parametrize("form", ["csv", "parquet", "jsonl"])
def test_no_value_is_kept_or_told_in_any_format(pod: Pod, form: str) -> None:
    put(pod, form, table())
    expected = [
        Expectation(column="customer", matches="cust-.*", unique=True, values=["nobody"]),
        Expectation(column="x", minimum=1e6),
    ]
    ended = pod.ingest(format=form, path="*", id=None, pii=PII, expectations=expected)
    report = ingest_report(ended)
    assert [column.name for column in report.columns] == ["customer", "x", "late", "row_id"]
    assert report.columns[0].type == "string"
    assert report.failed == 4
    assert "not shown, as columns.pii names it" in report.failures[0].message
    kept = everything(pod, ended)
    assert b"cust-" not in kept.replace(b"cust-.*", b"")
    assert b"secret.example" not in kept
    assert hashed("cust-0007").encode() in kept
    statistics = pod.store.get_json(pod.dataset(ended).statistics.digest, dict)
    assert statistics["customer"] == {"type": "string", "count": 120, "nulls": 0, "distinct": 40}


def test_value_has_one_hash_however_a_file_writes_it(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    values = {"42": [42, "42", 42.0, " 42 "], "x é": ["x é", " x é"], "9007199254740993": [2**53 + 1, str(2**53 + 1)]}
    for want, written in values.items():
        for value in written:
            fields: dict[str, Any] = {"pii": {"who": "Hash"}, "ending": "a"}
            found = [read(tmp_path, f"who,y\n{value},a\n", **fields)]
            found.append(read(tmp_path, json.dumps({"who": value, "y": "a"}), format="jsonl", **fields))
            pq.write_table(pa.table({"who": [value], "y": ["a"]}), source / "a.a")
            found.append(read(tmp_path, format="parquet", **fields))
            assert [each.columns["who"] for each in found] == [[hashed(want)]] * 3, (want, value)


def test_missing_value_stays_missing(tmp_path: Path) -> None:
    found = read(tmp_path, "who,y\n,a\nnone,b\n7,c\n", pii={"who": "Hash"}, csv={"null_values": ["none"]})
    assert found.columns["who"] == [None, None, hashed("7")]
    found = read(
        tmp_path, '{"who":null,"y":1}\n{"who":NaN,"y":2}\n{"who":true,"y":3}\n', format="jsonl", pii={"who": "Hash"}
    )
    assert found.columns["who"] == [None, None, hashed("true")]


def test_numbers_mixed_with_texts_and_nested_values_are_no_fault_where_they_are_not_kept(tmp_path: Path) -> None:
    content = '{"who":5,"of":{"mail":"a@b"},"y":1}\n{"who":"n/a","of":["c"],"y":2}\n'
    found = read(tmp_path, content, format="jsonl", pii={"who": "Hash", "of": "Drop"})
    assert found.columns == {"who": [hashed("5"), hashed("n/a")], "y": [1, 2]}


def test_rows_of_a_hashed_id_stay_on_their_side_when_data_is_added(pod: Pod) -> None:
    def sides(rows: int) -> dict[str, str]:
        columns = table(rows) | {"customer": [f"c{n}" for n in range(rows)]}
        put(pod, "csv", columns)
        manifest = pod.dataset(pod.ingest(path="*", id="customer", pii=PII))
        return {
            value: name
            for name, split in manifest.splits.items()
            for value in pq.read_table(pod.root / "store" / "demo" / _blob(split.data.digest))["customer"].to_pylist()
        }

    few, many = sides(200), sides(400)
    assert few.items() <= many.items()
    assert hashed("c7") in few


def _blob(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def test_repeated_hashed_id_is_refused_without_the_value(pod: Pod) -> None:
    put(pod, "csv", table())
    ended = pod.ingest(path="*", id="customer", pii=PII)
    assert ended.reason == "DuplicateId"
    assert "a value stands in 3 rows" in ended.message
    assert hashed("cust-0000") not in ended.message


def test_first_line_that_is_data_is_not_told(tmp_path: Path) -> None:
    for header in "anna@secret.example,bob,7,1", "anna@secret.example,bob,bob,1", "email,customers,x,late":
        with pytest.raises(JobError) as raised:
            read(tmp_path, header + "\nb@secret.example,c,8,0\n", pii=PII)
        assert raised.value.reason == "ColumnMissing"
        assert "a.csv has no column 'customer'" in raised.value.message.replace("'email'", "'customer'")
        assert "secret.example" not in raised.value.message
        assert "bob" not in raised.value.message


def test_column_under_another_name_is_refused_and_a_lacking_one_may_be_missing(tmp_path: Path) -> None:
    first = "email,customer,x\na@b.example,c1,1\n"
    fields: dict[str, Any] = {"pii": PII, "missing_as_null": True}
    with pytest.raises(JobError, match=r"b.csv has no column 'customer', and may hold its values under another name"):
        read(tmp_path, first, "email,client,x\na@b.example,c1,1\n", **fields)
    found = read(tmp_path, first, "email,x\na@b.example,2\n", **fields)
    assert found.columns == {"customer": [hashed("c1"), None], "x": [1, 2]}
    assert found.warnings == ["'customer' is missing, and so without a value, in b.csv"]


def test_users_sql_sees_neither_key_nor_values(tmp_path: Path, pod: Pod) -> None:
    put(pod, "csv", table())
    for sql in (
        "SELECT * FROM pii_key",
        "SELECT * FROM raw",
        "SELECT email FROM source",
        f"SELECT x, late, '{PII_SALT}' v, getenv('{PII_SALT}') w FROM source",
        "SELECT * FROM read_text('/proc/self/environ')",
    ):
        ended = pod.ingest(path="*", id=None, pii=PII, prepare_sql=sql)
        assert ended.reason == "InvalidSQL"
        assert SALT not in repr(ended)


@pytest.mark.parametrize("salt", ["", "short"])
def test_salt_that_can_be_guessed_is_refused(pod: Pod, monkeypatch: pytest.MonkeyPatch, salt: str) -> None:
    monkeypatch.setenv(PII_SALT, salt)
    put(pod, "csv", table())
    ended = pod.ingest(path="*", id=None, pii=PII)
    assert ended.reason == "InvalidSalt"
    assert f"the key salt of the Secret modelward-pii holds {len(salt)} bytes" in ended.message
    monkeypatch.delenv(PII_SALT)
    assert pod.ingest(path="*", id=None, pii={"email": "Drop", "customer": "Drop"}).code == 0


def test_another_salt_is_other_data_though_the_files_are_as_they_were(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(pod, "csv", table())
    first = ingest_report(pod.ingest(path="*", id=None, pii=PII))
    assert pod.ingest(path="*", id=None, pii=PII).reason == "Unchanged"
    monkeypatch.setenv(PII_SALT, "another-salt-of-16")
    assert ingest_report(pod.ingest(path="*", id=None, pii=PII)).manifest != first.manifest


def test_long_salt_is_hashed_first_as_the_standard_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PII_SALT, "long" * 40)
    want = hmac.new(b"long" * 40, b"v", hashlib.sha256).hexdigest()
    assert read(tmp_path, "who,y\nv,a\n", pii={"who": "Hash"}).columns["who"] == [want]


def test_file_that_is_written_anew_is_hashed_as_well(tmp_path: Path) -> None:
    """Those that DuckDB cannot have as they lie go through a second file."""
    found = read(tmp_path, "who;y\nv\x85;a\r\nw;b\n".encode("utf-16"), pii={"who": "Hash"}, csv={"delimiter": ";"})
    assert found.columns["who"][1] == hashed("w")
