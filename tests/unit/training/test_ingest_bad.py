"""Ingest: each kind of bad input ends in one clear sentence, is not retried, and leaves nothing in the store."""

import errno
from typing import Any

import pytest

from .harness import Ended, Pod
from .sets import things

GOOD = "id,x,late\n" + "".join(f"{n},{n}.5,{n % 2}\n" for n in range(60))


def refused(pod: Pod, ended: Ended, reason: str, *parts: str) -> None:
    assert (ended.code, ended.reason, ended.termination.retryable) == (1, reason, False), ended
    for part in parts:
        assert part in ended.message
    assert not list((pod.root / "store").rglob("*.json"))
    assert ended.termination.report is None


def test_pattern_without_a_file_says_what_is_there(pod: Pod) -> None:
    pod.csv(GOOD, "2013/flights-01.csv")
    refused(pod, pod.ingest(path="2013-*.csv"), "SourceNotFound", "'2013-*.csv'", "2013/flights-01.csv")


def test_empty_volume_is_named(pod: Pod) -> None:
    refused(pod, pod.ingest(), "SourceNotFound", "no files at all")


@pytest.mark.parametrize("path", ["/etc/passwd", "../store/*"])
def test_path_out_of_the_volume_is_refused(pod: Pod, path: str) -> None:
    refused(pod, pod.ingest(path=path), "SourceNotFound", "below the volume's root")


def test_link_out_of_the_volume_is_refused(pod: Pod) -> None:
    (pod.paths.source / "x.csv").symlink_to("/etc/hostname")
    refused(pod, pod.ingest(), "InvalidFile", "x.csv links to a file outside")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", ("bad.csv is empty",)),
        ("id,x,late\n1,2,0\n3,4,5,6,1\n", ("bad.csv, line 3", "5 fields where the header has 3")),
        ("id,x,late\n1,2,0\n3,1\n", ("bad.csv, line 3", "2 fields")),
        ('id,x,late\n1,2,0\n3,"4,1\n5,6,0\n', ("bad.csv, line 3", "never closed")),
        ("id,x\n1,2\n", ("bad.csv lacks the column 'late' that a.csv has",)),
    ],
)
def test_bad_csv_names_file_and_row(pod: Pod, text: str, parts: tuple[str, ...]) -> None:
    pod.csv(GOOD, "a.csv")
    pod.csv(text, "bad.csv")
    refused(pod, pod.ingest(), "InvalidFile", *parts)


def test_csv_in_another_encoding_names_file_and_row(pod: Pod) -> None:
    (pod.paths.source / "bad.csv").write_bytes(GOOD.encode() + "70,café,1\n".encode("latin-1"))
    refused(pod, pod.ingest(), "InvalidFile", "bad.csv, line 62", "not UTF-8", "0xe9", "windows-1252")


def test_file_that_is_no_parquet_is_named(pod: Pod) -> None:
    pod.csv("no parquet, but long enough to hold a footer", "a.parquet")
    refused(pod, pod.ingest(format="parquet", path="*"), "InvalidFile", "a.parquet is not readable as Parquet")


@pytest.mark.parametrize(
    ("fields", "reason", "parts"),
    [
        (
            {"label": "Late"},
            "ColumnMissing",
            ("columns.label", "'Late'", "did you mean 'late'? The columns are 'id', 'x', 'late'"),
        ),
        ({"id": "key"}, "ColumnMissing", ("columns.id: there is no column 'key': the columns are 'id', 'x', 'late'",)),
        ({"time": "at"}, "ColumnMissing", ("columns.time", "'at'")),
        ({"forbidden": ["x"]}, "ForbiddenColumn", ("'x'", "leave it out")),
        ({"prepare_sql": "SELECT id, late FROM source"}, "ColumnMissing", ("no column to predict from",)),
        ({"prepare_sql": "SELECT 1; SELECT 2"}, "InvalidSQL", ("one SELECT",)),
        ({"prepare_sql": "DROP TABLE source"}, "InvalidSQL", ("one SELECT",)),
        ({"prepare_sql": "SELEC 1"}, "InvalidSQL", ("syntax error",)),
        (
            {"prepare_sql": "SELECT nope FROM source"},
            "InvalidSQL",
            ("nope", "in `source`, the columns are 'id', 'x', 'late'"),
        ),
        ({"prepare_sql": "SELECT * FROM read_csv('/etc/passwd')"}, "InvalidSQL", ("disabled",)),
        ({"prepare_sql": "SELECT * FROM 'https://example.com/a.parquet'"}, "InvalidSQL", ()),
        ({"prepare_sql": "SELECT * FROM source WHERE id < 0"}, "EmptyDataset", ("no rows",)),
        ({"prepare_sql": "SELECT *, [1, 2] AS l FROM source"}, "InvalidColumn", ("'l'", "INTEGER[]", "prepare.sql")),
        ({"prepare_sql": "SELECT * FROM source LIMIT 2"}, "EmptyDataset", ("split",)),
        ({"prepare_sql": "SELECT x, late, x AS id FROM source"}, "InvalidId", ("'id' is a number",)),
        ({"prepare_sql": "SELECT * REPLACE (if(id = 7, NULL, id) AS id) FROM source"}, "MissingId", ("row 8",)),
        ({"prepare_sql": "SELECT * REPLACE (if(id = 7, 3, id) AS id) FROM source"}, "DuplicateId", ("3", "4 and 8")),
        (
            {"prepare_sql": "SELECT * REPLACE (if(id IN (7, 9), NULL, late) AS late) FROM source"},
            "InvalidLabel",
            ("2 of 60 rows", "row 8", 'WHERE "late" IS NOT NULL'),
        ),
        ({"prepare_sql": "SELECT * REPLACE (1 AS late) FROM source"}, "InvalidLabel", ("one class",)),
        ({"label": "x", "task": "classification"}, "InvalidLabel", ("task: regression",)),
        (
            {"prepare_sql": "SELECT * REPLACE (late::VARCHAR AS late) FROM source", "task": "regression"},
            "InvalidLabel",
            ("regression needs numbers",),
        ),
    ],
)
def test_data_that_is_not_what_the_dataset_says(
    pod: Pod, fields: dict[str, Any], reason: str, parts: tuple[str, ...]
) -> None:
    pod.csv(GOOD)
    refused(pod, pod.ingest(**fields), reason, *parts)


def test_file_changed_while_it_is_read_is_read_again(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    pod.csv(GOOD)
    monkeypatch.setattr("modelward_training.ingest.load.load", lambda *_: pod.csv(GOOD + "99,1,1\n"))
    ended = pod.ingest()
    assert (ended.code, ended.reason, ended.termination.retryable) == (75, "SourceChanged", True)


@pytest.mark.usefixtures("on_disk")
def test_full_store_is_retried_and_named(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    pod.csv(things())
    monkeypatch.setattr("os.fsync", full)
    ended = pod.ingest()
    assert (ended.code, ended.reason, ended.termination.retryable) == (75, "StoreFull", True)
    assert "enlarge its volume" in ended.message
    assert not [path for path in pod.stored.rglob("*") if path.is_file()]


def test_long_message_is_cut_and_stays_a_message(pod: Pod) -> None:
    pod.csv("id,late," + ",".join(f"spalte_ü_{n:060d}" for n in range(60)) + "\n1,1" + ",0" * 60 + "\n")
    ended = pod.ingest(label="nope")
    assert ended.reason == "ColumnMissing"
    assert ended.message.endswith("…")
