"""CSV as people bring it: no record lost, no type guessed against the values, and what was guessed is told."""

from typing import Any

import pytest

from modelward_contracts.dialect import CsvDialect
from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.reports import IngestReport

from .harness import Ended, Pod, ingest_report
from .test_ingest import table
from .test_ingest_bad import refused

ROWS = 60


def rows(header: str, row: str, **odd: str) -> str:
    """`row` with {n} and {y} filled in; a keyword r7 replaces row 7's text."""
    lines = [odd.get(f"r{n}", row.format(n=n, m=n % 10, y="ab"[n % 2])) for n in range(ROWS)]
    return "\n".join([header, *lines]) + "\n"


def take(pod: Pod, data: str | bytes, name: str = "data.csv", **fields: Any) -> IngestReport:
    (pod.paths.source / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return ingest_report(ingest(pod, **fields))


def ingest(pod: Pod, **fields: Any) -> Ended:
    return pod.ingest(**({"label": "y", "id": None, "path": "**/*"} | fields))


def types(report: IngestReport) -> dict[str, str]:
    return {column.name: column.type for column in report.columns}


def values(pod: Pod, report: IngestReport, column: str) -> list[Any]:
    manifest = pod.store.get_json(report.manifest, DatasetManifest)
    return [value for split in manifest.splits.values() for value in table(pod, split.data.digest)[column].to_pylist()]


@pytest.mark.parametrize("marker", ["NA", "?", "-", "N/A", "null", "#N/A", "NaN", ".", ""])
def test_marker_among_numbers_is_missing_and_told(pod: Pod, marker: str) -> None:
    report = take(pod, rows("x,z,y", "{n}.5,{m},{y}", r7=f"{marker},1,a", r9=f"{marker},2,b"))
    assert types(report)["x"] == "number"
    assert values(pod, report, "x").count(None) == 2
    assert any(repr(marker) in warning for warning in report.warnings) == bool(marker)


def test_marker_among_texts_stays_text_and_is_told(pod: Pod) -> None:
    report = take(pod, rows("x,z,y", "w{n},{m},{y}", r7="NA,1,a"))
    assert values(pod, report, "x").count("NA") == 1
    assert any("keeps 'NA'" in warning for warning in report.warnings)


@pytest.mark.parametrize("value", ["broken", '"1,234"', '"3,5"', "12 kg", "2:05:10", "1_000", "0x1F"])
def test_other_value_among_numbers_is_refused_with_its_place_or_taken_by_a_field(pod: Pod, value: str) -> None:
    text, bare = rows("x,z,y", "{n},{m},{y}", r7=f"{value},1,a"), value.strip('"')
    pod.csv(text)
    refused(pod, ingest(pod), "InvalidColumn", repr(bare), "data.csv, row 9", "1 such value", "types")
    assert types(take(pod, text, types={"x": "string"}))["x"] == "string"
    report = take(pod, text, csv=CsvDialect(null_values=[bare]))
    assert (types(report)["x"], values(pod, report, "x").count(None)) == ("integer", 1)


def test_type_that_changes_in_the_last_row_of_the_second_file_is_refused_there(pod: Pod) -> None:
    pod.csv(rows("x,z,y", "{n},{m},{y}"), "a.csv")
    pod.csv("x,z,y\n" + "5,1,a\n" * 9 + "five,1,b\n", "b.csv")
    refused(pod, ingest(pod), "InvalidColumn", "'five' in b.csv, row 11")


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("10-01-{m}", "string"),
        ("00{n}", "string"),
        ("1e{m}", "number"),
        (" {n} ", "integer"),
        ("90071992547409{n:02d}", "integer"),
        ("99999999999999999999{n}", "string"),
        ("NO", "string"),
        ("F", "string"),
        ("yes", "string"),
        ("TRUE", "boolean"),
        ("2:05:1{m}", "string"),
        ("2024-01-1{m}", "timestamp"),
        ("2024-01-1{m}T10:00:00Z", "timestamp"),
        ("1{m}/02/2024", "timestamp"),
        ("02.1{m}.2024", "timestamp"),
        ("02/03/202{m}", "string"),
        ("", "string"),
    ],
)
def test_type_is_that_of_all_values(pod: Pod, value: str, kind: str) -> None:
    assert types(take(pod, rows("x,z,y", value + ",{m}.5,{y}")))["x"] == kind


def test_time_zones_are_not_dropped(pod: Pod) -> None:
    report = take(pod, rows("x,z,y", "2024-01-01T10:00:00+02:00,{m},{y}"))
    assert {value.isoformat() for value in values(pod, report, "x")} == {"2024-01-01T08:00:00"}


def test_whole_numbers_beyond_doubles_stay_exact(pod: Pod) -> None:
    report = take(pod, rows("x,z,y", "{n}9007199254740993,{m},{y}".replace("{n}", "1"), r1="9223372036854775807,1,b"))
    assert {19007199254740993, 9223372036854775807} == set(values(pod, report, "x"))


def test_first_column_with_hashes_loses_no_row(pod: Pod) -> None:
    assert take(pod, rows("x,z,y", "#{n},{m},{y}")).rows == ROWS


def test_folder_names_are_no_columns(pod: Pod) -> None:
    for year in (2023, 2024):
        pod.csv(rows("year,z,y", "1999,{m},{y}"), f"year={year}/a.csv")
    report = ingest_report(ingest(pod, path="**/*.csv"))
    assert set(values(pod, report, "year")) == {1999}


def test_files_with_other_separators_are_read_each_in_its_own_way_and_told(pod: Pod) -> None:
    pod.csv(rows("x,z,y", "1,{m},{y}"), "a.csv")
    report = take(pod, rows("y;x;z", "{y};2;{m}"), "b.csv")
    assert (report.rows, types(report)["x"]) == (2 * ROWS, "integer")
    assert any("b.csv has the delimiter ';'" in warning for warning in report.warnings)


def test_decimal_commas_between_semicolons_are_numbers_and_told_as_guessed(pod: Pod) -> None:
    report = take(pod, rows('"a, net";b;y', "{m},5;{n};{y}"))
    assert types(report)["a, net"] == "number"
    assert set(values(pod, report, "a, net")) == {n + 0.5 for n in range(10)}
    assert report.csv is not None
    assert (report.csv.delimiter, report.csv.decimal) == (";", ",")
    assert {"delimiter", "decimal"} <= set(report.guessed)


def test_stated_dialect_holds(pod: Pod) -> None:
    text = "made by hand\n" + rows("x|z|y", "'1.234,{m}'|%7|{y}", r3="% a remark", r4="'3|4'|6|b").replace(
        "'3|4'", "'34'"
    )
    stated = CsvDialect(delimiter="|", quote="'", decimal=",", thousands=".", skip_lines=1, comment="%")
    report = take(pod, text.replace("%7", "7"), csv=stated)
    assert (report.rows, types(report)["x"]) == (ROWS - 1, "number")
    assert {1234.5, 34.0} <= set(values(pod, report, "x"))
    assert report.guessed == ["header", "encoding"]


def test_file_without_header_loses_no_row(pod: Pod) -> None:
    report = take(pod, rows("0,0,a", "{n},{m},{y}"), csv=CsvDialect(header=False), label="column3")
    assert (report.rows, list(types(report))[:3]) == (ROWS + 1, ["column1", "column2", "column3"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(pod: Pod, encoding: str, ending: str) -> None:
    data = rows("größe,z,y", '"é ""{m}""\n;",{m},{y}', r5='"é",\t1,a').replace("\n", ending).encode(encoding)
    stated = CsvDialect(encoding=encoding if encoding == "windows-1252" else None)
    report = take(pod, data, csv=stated)
    assert report.rows == ROWS
    assert {"é", f'é "1"{ending};'} <= set(values(pod, report, "größe"))


def test_mixed_line_ends_blank_lines_and_trailing_delimiters(pod: Pod) -> None:
    text = rows("x,z,y,", "{n},{m},{y},", r3="3,3,a,\r", r5="\n5,5,a,\r\n")
    report = take(pod, text)
    assert (report.rows, list(types(report))) == (ROWS, ["x", "z", "y", "row_id"])


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (rows("x,z,y", "{n},{m},{y}").encode("utf-16-le"), ("row 1", "NUL", "utf-16-le")),
        (b"x,x,y\n1,2,a\n", ("'x'", "twice", "header: false")),
        (b"x,X,y\n1,2,a\n", ("'X'", "differs only by case")),
        (b"PK\x03\x04 ...", ("Excel",)),
        (b"PAR1....", ("format: parquet",)),
        (b"\n\n", ("holds no line",)),
        (rows("x,z,y", "{n},{m},{y}", r7='"7,1,a').encode(), ("row 9", "never closed")),
        (rows("z,y", "car {n},{m},{y}").encode(), ("row 2", "row names")),
    ],
)
def test_what_cannot_be_read_is_named(pod: Pod, data: bytes, parts: tuple[str, ...]) -> None:
    (pod.paths.source / "bad.csv").write_bytes(data)
    refused(pod, ingest(pod), "InvalidFile", "bad.csv", *parts)


def test_header_only_has_no_rows(pod: Pod) -> None:
    pod.csv("x,z,y\n")
    refused(pod, ingest(pod), "EmptyDataset", "no rows")


def test_stated_type_of_no_column_is_refused(pod: Pod) -> None:
    pod.csv(rows("price,z,y", "{n},{m},{y}"))
    refused(pod, ingest(pod, types={"prise": "number"}), "ColumnMissing", "columns.types", "did you mean 'price'?")


def test_stated_types_are_held(pod: Pod) -> None:
    text = rows("code,when,flag,y", "00{n},{m}1.12.2024,yes,{y}".replace("{m}1", "31"))
    report = take(pod, text, types={"code": "integer", "when": "%d.%m.%Y", "flag": "boolean"})
    assert types(report) | {"row_id": ""} == {
        "code": "integer", "when": "timestamp", "flag": "boolean", "y": "string", "row_id": "",
    }  # fmt: skip
    pod.csv(rows("code,when,flag,y", "1,2,x,{y}", r4="1.5,2,x,a"))
    refused_again = ingest(pod, types={"code": "integer"})
    assert "'1.5' in data.csv, row 6" in refused_again.message
