"""A column that one file has and another lacks is refused by name, or has no value there and is told."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_training.outcome import JobError

from .reading import Read, read

FORMATS = ("csv", "jsonl", "parquet")


def put(folder: Path, form: str, files: dict[str, dict[str, list[Any]]]) -> None:
    (folder / "source").mkdir(exist_ok=True)
    for name, columns in files.items():
        path = folder / "source" / name
        rows = list(zip(*columns.values(), strict=True))
        match form:
            case "csv":
                lines = [",".join(map(str, row)) for row in [tuple(columns), *rows]]
                path.write_text("\n".join(lines) + "\n")
            case "jsonl":
                path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in rows))
            case "parquet":
                pq.write_table(pa.table(columns), path)


def together(folder: Path, form: str, files: dict[str, dict[str, list[Any]]], **fields: Any) -> Read:
    put(folder, form, files)
    return read(folder, format=form, **fields)


@pytest.mark.parametrize("form", FORMATS)
def test_file_without_a_column_is_named_with_the_column(tmp_path: Path, form: str) -> None:
    files = {"a": {"x": [1], "y": ["a"]}, "b": {"y": ["b"]}, "c": {"x": [3], "y": ["c"]}}
    with pytest.raises(JobError) as raised:
        together(tmp_path, form, files)
    assert "b lacks the column 'x' that a has" in raised.value.message
    assert "`columns: {missing: AsNull}`" in raised.value.message


@pytest.mark.parametrize("other", [" x", "X", "x\u0323\u0307"])
def test_name_that_looks_like_another_is_told(tmp_path: Path, other: str) -> None:
    name = "\u1e8b\u0323" if len(other) == 3 else "x"
    with pytest.raises(JobError) as raised:
        together(tmp_path, "csv", {"a": {name: [1], "y": ["a"]}, "b": {other: [1], "y": ["b"]}})
    assert f"({name!r} is not the same" in raised.value.message or f"({other!r} is not the same" in raised.value.message


@pytest.mark.parametrize("form", FORMATS)
def test_column_that_files_lack_has_no_value_there_and_is_told(tmp_path: Path, form: str) -> None:
    files = {
        "a": {"x": [1, 2], "y": ["a", "b"]},
        "b": {"y": ["c"], "new": [0.5]},
        "c": {"new": [1.5], "x": [9], "y": ["d"]},
    }
    found = together(tmp_path, form, files, missing_as_null=True)
    assert found.columns == {"x": [1, 2, None, 9], "y": ["a", "b", "c", "d"], "new": [None, None, 0.5, 1.5]}
    assert found.types == {"x": "BIGINT", "y": "VARCHAR", "new": "DOUBLE"}
    assert found.warnings == [
        "'x' is missing, and so without a value, in b",
        "'new' is missing, and so without a value, in a",
    ]


def test_many_files_are_told_in_one_sentence(tmp_path: Path) -> None:
    files = {"a": {"x": [1], "z": [1], "y": ["a"]}} | {f"b{n:03}": {"y": ["b"]} for n in range(30)}
    found = together(tmp_path, "csv", files, missing_as_null=True)
    assert found.warnings == [
        "'x', 'z' are missing, and so without a value, in b000, b001, b002, b003, b004 and 25 more files"
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_names_that_differ_by_case_only_are_refused_across_files(tmp_path: Path, form: str) -> None:
    files = {"a": {"x": [1], "y": ["a"]}, "b": {"X": [1], "y": ["a"]}}
    with pytest.raises(JobError, match="'x' and 'X' differ by case only"):
        together(tmp_path, form, files, missing_as_null=True)


@pytest.mark.parametrize("form", FORMATS)
def test_file_of_other_data_is_refused(tmp_path: Path, form: str) -> None:
    files = {"a": {"x": [1], "y": ["a"]}, "b": {"5": [6], "z": ["a"]}}
    with pytest.raises(JobError, match="b has no column of a"):
        together(tmp_path, form, files, missing_as_null=True)


@pytest.mark.parametrize("as_null", [False, True])
def test_parquet_column_without_any_value_in_one_file_is_of_the_other_files_type(tmp_path: Path, as_null: bool) -> None:
    files: dict[str, dict[str, list[Any]]] = {"a": {"x": [None], "y": ["a"]}, "b": {"x": ["text"], "y": ["b"]}}
    found = together(tmp_path, "parquet", files, missing_as_null=as_null)
    assert found.columns == {"x": [None, "text"], "y": ["a", "b"]}


def test_parquet_column_of_two_types_is_refused_with_the_files_that_have_it(tmp_path: Path) -> None:
    files = {"a": {"y": ["a"]}, "b": {"x": [5], "y": ["b"]}, "c": {"x": ["five"], "y": ["b"]}}
    with pytest.raises(JobError, match="the column 'x' is BIGINT in b and VARCHAR in c"):
        together(tmp_path, "parquet", files, missing_as_null=True)
    found = together(tmp_path, "parquet", files, missing_as_null=True, types={"x": "string"})
    assert found.columns["x"] == [None, "5", "five"]


def test_nameless_index_of_one_file_is_known_wherever_it_stands(tmp_path: Path) -> None:
    first = "x,y\n" + "".join(f"{n % 3},a\n" for n in range(20))
    second = "x,y,\n" + "".join(f"{n % 3},a,\n" for n in range(20))
    found = read(tmp_path, first, second, missing_as_null=True)
    assert list(found.columns) == ["x", "y"]
    assert "the column 'column3' has no name and no value" in found.told
