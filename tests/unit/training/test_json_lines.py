"""JSON lines: one object a line, every line once, values as they are written; or the file, line and key are named."""

import bz2
import gzip
import json
import lzma
from pathlib import Path
from typing import Any

import pytest

from modelward_training.outcome import JobError

from .harness import Pod
from .reading import Read, read, zstd

ROWS = "".join(f'{{"x":{n}.5,"y":"{"ab"[n % 2]}"}}\n' for n in range(20))


def lines(folder: Path, *files: bytes | str, **fields: Any) -> Read:
    return read(folder, *files, ending="jsonl", format="jsonl", **fields)


def refused(folder: Path, *files: bytes | str, **fields: Any) -> str:
    with pytest.raises(JobError) as raised:
        lines(folder, *files, **fields)
    assert raised.value.reason in ("InvalidFile", "InvalidColumn")
    return raised.value.message


@pytest.mark.parametrize(
    "content",
    [
        ROWS,
        ROWS.rstrip("\n"),
        "\ufeff" + ROWS,
        ROWS.replace("\n", "\r\n"),
        "\n" + ROWS.replace("\n", "\n \t\n\n"),
        ROWS.replace(":", " : ").replace(",", "\t,"),
        ROWS.replace('"x"', '"\\u0078"'),
        gzip.compress(ROWS.encode(), mtime=0),
        bz2.compress(ROWS.encode()),
        lzma.compress(ROWS.encode()),
        zstd(ROWS),
        zstd(ROWS[:200]) + zstd(ROWS[200:]),
        gzip.compress(ROWS[:200].encode(), mtime=0) + gzip.compress(ROWS[200:].encode(), mtime=0),
    ],
)
def test_same_lines_in_any_dress_are_read_alike(tmp_path: Path, content: str | bytes) -> None:
    found = lines(tmp_path, content)
    assert found.columns == {"x": [n + 0.5 for n in range(20)], "y": ["a", "b"] * 10}
    assert found.types == {"x": "DOUBLE", "y": "VARCHAR"}
    assert found.warnings == []


def test_values_are_what_is_written(tmp_path: Path) -> None:
    found = lines(
        tmp_path,
        '{"whole":9223372036854775807,"big":123456789012345678901234567890,"part":0.1,"flag":true,"text":"007"}\n'
        '{"whole":-9223372036854775808,"big":1,"part":1e3,"flag":false,"text":" é\\n\\ud83d\\ude00"}\n'
        '{"whole":null,"part":7,"text":""}\n',
    )
    assert found.types == {"whole": "BIGINT", "big": "VARCHAR", "part": "DOUBLE", "flag": "BOOLEAN", "text": "VARCHAR"}
    assert found.columns == {
        "whole": [2**63 - 1, -(2**63), None],
        "big": ["123456789012345678901234567890", "1", None],
        "part": [0.1, 1000.0, 7.0],
        "flag": [True, False, None],
        "text": ["007", " é\n😀", ""],
    }
    assert found.warnings == [
        "column 'big': 1 whole numbers take more than 64 bits, so it is taken for text; columns.types says otherwise"
    ]


def test_key_that_a_line_lacks_is_missing_there(tmp_path: Path) -> None:
    found = lines(tmp_path, '{"x":1,"y":"a"}\n{"y":"b","z":true}\n{}\n')
    assert found.columns == {"x": [1, None, None], "y": ["a", "b", None], "z": [None, True, None]}


def test_key_that_a_whole_file_lacks_is_told_with_both_files(tmp_path: Path) -> None:
    message = refused(tmp_path, '{"x":1,"y":"a"}\n', '{"y":"b"}\n')
    assert "b.jsonl lacks the column 'x' that a.jsonl has" in message


def test_dates_are_read_as_such_where_all_text_is_dates(tmp_path: Path) -> None:
    found = lines(tmp_path, '{"at":"2013-01-02T03:04:05+01:00","z":"2013-01-02"}\n{"at":"","z":"x"}\n')
    assert found.types == {"at": "TIMESTAMP", "z": "VARCHAR"}
    assert [str(value) for value in found.columns["at"]] == ["2013-01-02 02:04:05", "None"]


def test_nan_and_infinity_are_missing_numbers_and_told(tmp_path: Path) -> None:
    found = lines(tmp_path, '{"x":NaN,"z":1}\n{"x":1.5,"z":-Infinity}\n{"x":2}\n')
    assert found.columns == {"x": [None, 1.5, 2.0], "z": [1.0, float("-inf"), None]}  # prepare takes infinity out
    assert found.warnings == ["NA, ? and the like are read as missing in 'x' (1)"]


def test_numbers_in_quotes_stay_text_and_are_told(tmp_path: Path) -> None:
    content = '{"x":"12","y":"a"}\n{"x":"13.5","y":"b"}\n{"x":"NA","y":"b"}\n'
    assert lines(tmp_path, content).types["x"] == "VARCHAR"
    found = lines(tmp_path, content.replace("NA", "14"))
    assert found.warnings == ["numbers in quotes are text, as all are of 'x': columns.types makes numbers of them"]
    found = lines(tmp_path, content, types={"x": "number"})
    assert (found.types["x"], found.columns["x"]) == ("DOUBLE", [12.0, 13.5, None])


def test_numbers_here_and_text_there_are_refused_with_values_and_places(tmp_path: Path) -> None:
    files = '{"x":5,"y":1}\n{"x":6,"y":1}\n', '\n{"x":7,"y":1}\n{"x":"n/a","y":1}\n'
    message = refused(tmp_path, *files)
    assert "column 'x' mixes 3 numbers (5 is the first, in line 1 of a.jsonl) and 1 text ('n/a' is the first, in " in (
        message
    )
    assert "line 3 of b.jsonl): write `columns: {types: {x: string}}`" in message
    assert lines(tmp_path, *files, types={"x": "string"}).columns["x"] == ["5", "6", "7", "n/a"]
    assert lines(tmp_path, *files, types={"x": "integer"}).columns["x"] == [5, 6, 7, None]
    assert "mixes 1 boolean (true is" in refused(tmp_path, '{"x":true}\n', '{"x":"true"}\n')
    assert "mixes 1 number (1 is" in refused(tmp_path, '{"x":true}\n', '{"x":1}\n')


def test_value_that_is_not_of_the_stated_type_is_named_with_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, '{"x":5}\n{"x":"five"}\n', types={"x": "number"})
    assert message == (
        "column 'x': 1 of 2 values are not numbers: 'five' (1×, first in line 2 of a.jsonl); correct columns.types, "
        "or mend the file"
    )
    assert "1.5" in refused(tmp_path, '{"x":5}\n{"x":1.5}\n', types={"x": "integer"})
    assert "'true' (1×, first in line 2" in refused(tmp_path, '{"x":5}\n{"x":true}\n', types={"x": "number"})


def test_nested_values_are_refused_by_name_until_they_are_stated_to_be_text(tmp_path: Path) -> None:
    content = '{"who":{"id": 12345678901234567890.10, "tags":[1]},"y":"a"}\n{"who":null,"y":"b"}\n'
    message = refused(tmp_path, content)
    assert "column 'who' holds objects or lists, first in line 1 of a.jsonl" in message
    assert "{types: {who: string}}" in message
    assert "who->>'$.name'" in message
    assert "holds objects" in refused(tmp_path, content, types={"who": "number"})
    found = lines(tmp_path, content, types={"who": "string"})
    assert found.columns["who"] == ['{"id": 12345678901234567890.10, "tags":[1]}', None]


@pytest.mark.parametrize(
    ("content", "parts"),
    [
        ('[{"x":1},\n{"x":2}]\n', ("a.jsonl is JSON, not JSON lines", "jq -c '.[]'")),
        ('{\n  "x": 1\n}\n', ("line 1", "ends within an object", "one object a line")),
        ('{"x":1}\n{"x":2', ("line 2", "the file ends within an object")),
        ('{"x":1}\n{"x":"ab', ("line 2", "the file ends within an object")),
        ('{"x":1}\n\n{"x":2,}\n', ("line 3", "no JSON at character")),
        ('{"x":1}\n{"x":01}\n', ("line 2", "no JSON at character")),
        ("{'x':1}\n", ("line 1", "no JSON at character 2")),
        ('{"x":1}{"x":2}\n', ("line 1", "no JSON at character 8")),
        ('{"x":1}\n5\n', ("line 2", "a single value stands where an object is expected")),
        ('{"x":1}\n[1]\n', ("line 2", "a list stands where an object is expected")),
        ('{"x":1}\n{"x":2,"y":3,"x":4}\n', ("line 2", "the key 'x' stands twice")),
        ('{"x":"a:b","y":3,"\\u0078":4}\n', ("line 1", "the key 'x' stands twice")),
        ('{"x":"\\ud800"}\n', ("line 1", "surrogate")),
        ('{"x":"a\\u0000b"}\n', ("line 1", "NUL")),
        ('{"x":"a\tb"}\n', ("line 1", "no JSON at character 8")),
        ('{"":1}\n', ("the key '' is no name",)),
        (f'{{"{"k" * 100_000}":1}}\n', ("is no name",)),
        ('{"x":1,"X":2}\n', ("a.jsonl: 'x' and 'X' differ by case only",)),
        ("\n\n", ("a.jsonl holds no line",)),
        ('{"x":' * 50_000, ("line 1", "nested too deeply")),
        ("[" * 50_000, ("is JSON, not JSON lines",)),
        ('{"x":1}\n' + "[" * 50_000, ("line 2", "nested too deeply")),
        (ROWS.encode("utf-16"), ("UTF-16",)),
        (b'{"x":"caf\xe9"}\n', ("line 1", "not UTF-8", "0xe9")),
        (gzip.compress(ROWS.encode(), mtime=0)[:-9], ("a.jsonl cannot be read: its compressed data breaks off",)),
        (zstd(ROWS)[:-9], ("a.jsonl cannot be read: its compressed data breaks off",)),
        (zstd(ROWS) + zstd(ROWS)[:20], ("its compressed data breaks off",)),
        (zstd(ROWS) + b"and more", ("a.jsonl cannot be read",)),
        (b"PAR1" + b"\0" * 50, ("is Parquet: write `format: parquet`",)),
        ("".join(f'{{"k{n}":1}}\n' for n in range(2001)), ("more than 2000 keys", "'k2000'")),
    ],
)
def test_line_that_is_no_object_is_named(tmp_path: Path, content: str | bytes, parts: tuple[str, ...]) -> None:
    message = refused(tmp_path, content)
    for part in parts:
        assert part in message
    assert len(message) < 400


def test_unreadable_bytes_far_down_are_named_with_their_line(tmp_path: Path) -> None:
    content = b'{"x":1}\n' * 70_000 + b'{"x":"\xff"}\n' + b'{"x":1}\n' * 10
    assert "a.jsonl, line 70001: the text is not UTF-8" in refused(tmp_path, content)
    assert "a.jsonl, line 70001" in refused(tmp_path, gzip.compress(content, mtime=0))


def test_line_without_end_takes_no_memory_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    path = tmp_path / "source" / "a.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"x":"')
        stream.truncate(1 << 30)
    assert "a.jsonl, line 1 is longer than 16 MiB" in refused(tmp_path)


def test_rows_are_as_many_as_lines_over_several_batches(tmp_path: Path) -> None:
    rows = [{"n": n, **({"rare": n} if n % 15_000 == 14_999 else {})} for n in range(45_000)]
    found = lines(tmp_path, "".join(json.dumps(row) + "\n" for row in rows))
    assert found.columns["n"] == list(range(45_000))
    assert [n for n in found.columns["rare"] if n is not None] == [14_999, 29_999, 44_999]


def test_version_of_json_lines_is_that_of_the_same_lines_compressed_but_for_the_file(pod: Pod) -> None:
    content = "".join(
        json.dumps({"id": f"k{n}", "late": n % 3 == 0, "user": {"plan": "ab"[n % 2]}}) + "\n" for n in range(90)
    )
    fields = {
        "format": "jsonl",
        "path": "*",
        "types": {"user": "string"},
        "prepare_sql": "SELECT id, late, user->>'$.plan' AS plan FROM source",
    }
    (pod.paths.source / "a").write_text(content)
    plain = pod.dataset(pod.ingest(**fields))
    (pod.paths.source / "a").write_bytes(zstd(content))
    packed = pod.dataset(pod.ingest(**fields))
    assert plain.splits == packed.splits
    assert {column.name: column.type for column in plain.columns} == {
        "id": "string",
        "late": "boolean",
        "plan": "string",
    }
    assert plain.csv is None
