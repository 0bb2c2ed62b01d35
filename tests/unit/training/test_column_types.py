"""One rule over all values says what a column is; what it cannot know is told with value, line and count."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from modelward_training.outcome import JobError

from .reading import Read, read

W, N, S, B, T = "BIGINT", "DOUBLE", "VARCHAR", "BOOLEAN", "TIMESTAMP"


def column(folder: Path, values: list[str], **fields: Any) -> tuple[str, list[Any], Read]:
    rows = "".join(f'"{value}",k\n' for value in values)
    found = read(folder, "x,y\n" + rows, **fields)
    content = [str(value) if isinstance(value, datetime) else value for value in found.columns["x"]]
    return found.types["x"], content, found


@pytest.mark.parametrize(
    ("values", "kind", "first", "told"),
    [
        (["1", "+2", "-3", "0"], W, 1, None),
        ([" 1 ", "2\t"], W, 1, None),
        (["1.5", "2", ".5", "5."], N, 1.5, None),
        (["1e5", "2E-3"], N, 1e5, None),
        (["9007199254740993", "1"], W, 9007199254740993, None),
        (["9223372036854775807"], W, 2**63 - 1, None),
        (["9223372036854775808", "1"], S, "9223372036854775808", "more than 64 bits"),
        (["1_000", "2_000"], S, "1_000", None),
        (["0x1F", "0x20"], S, "0x1F", None),
        (["007", "123"], S, "007", "begin with 0"),
        (["0.5", "00.7"], N, 0.5, None),
        (["10-01-01", "11-02-02"], S, "10-01-01", None),
        (["1.2.3", "1.2.4"], S, "1.2.3", None),
        (["10.0.0.1", "10.0.0.2"], S, "10.0.0.1", None),
        (["5551234567", "555 123 4567"], S, "5551234567", "50% of its values are numbers"),
        (["12%", "13%"], S, "12%", "look like numbers"),
        (["$12.50", "$1,300.00"], S, "$12.50", "look like numbers"),
        (["1,234", "2,345"], S, "1,234", "look like numbers"),
        (["1,5", "2,25"], N, 1.5, "decimal comma"),
        (["1,5", "?", "1,234"], N, 1.5, "decimal comma"),
        (["yes", "no"], S, "yes", None),
        (["T", "F"], S, "T", None),
        (["F", "F"], S, "F", None),
        (["NO", "SE"], S, "NO", None),
        (["0", "1"], W, 0, None),
        (["true", "False", "TRUE"], B, True, None),
        (["True", "NA", "False"], B, True, "missing in 'x' (1)"),
        (["2013-01-02", "2014-1-2", "NA"], T, "2013-01-02 00:00:00", "missing in 'x' (1)"),
        (["2013-01-02 03:04", "2013-01-02T03:04:05.6"], T, "2013-01-02 03:04:00", None),
        (["2013-01-02T03:04:05Z", "2013-01-02T03:04:05+02:00"], T, "2013-01-02 03:04:05", None),
        (["2013-01-02 03:00:00+02:00"], T, "2013-01-02 01:00:00", None),
        (["9007199254740993", "0.5"], N, 2.0**53, "1 whole numbers of more than 15 digits are rounded"),
        (["1\u202f234,5", "2\u202f345,6"], S, "1\u202f234,5", "look like numbers"),
        (["\u22121", "\u22122"], S, "\u22121", "look like numbers"),
        (["true", "false", "maybe"], S, "true", "67% of its values are true or false"),
        (["01/02/2013", "02/02/2013"], S, "01/02/2013", "strptime"),
        (["31.12.2013", "01.01.2014 05:06"], S, "31.12.2013", "strptime"),
        (["02-Jan-2013", "31 December 2013"], S, "02-Jan-2013", "strptime"),
        (["Wed, 02 Jan 2013 03:04:05 GMT"], S, "Wed, 02 Jan 2013 03:04:05 GMT", "strptime"),
        (["2013-01-02 03:04:05,123", "2013-01-02 03:04:05 PM"], S, "2013-01-02 03:04:05,123", "strptime"),
        (["20130102T030405Z"], S, "20130102T030405Z", "strptime"),
        (["2013-01", "2013-02"], S, "2013-01", None),
        (["2013-01-02", "01/02/2013"], S, "2013-01-02", "50% of its values are dates"),
        (["2:05:10", "23:10:00"], S, "2:05:10", None),
        (["NA", "n/a", "?", "-", "null", "NaN", "None", "", "3"], W, None, "missing in 'x' (7)"),
        (["1", "inf", "-Infinity"], N, 1.0, None),
        (["NA", "DE", "FR"], S, "NA", None),
        (["?", "abc", "-"], S, "?", None),
        (["", "", ""], N, None, "has no value at all"),
        (["NA", "NA"], N, None, "nothing but markers"),
        (["a", "b", "c"] * 20 + ["123"], S, "a", None),
        (["123"] * 7 + ["A/5 21171"] * 3, S, "123", "70% of its values are numbers"),
        ([" padded ", "x"], S, " padded ", None),
        (["٣", "٤"], S, "٣", None),
    ],
)
def test_type_follows_from_all_values(
    tmp_path: Path, values: list[str], kind: str, first: Any, told: str | None
) -> None:
    found, content, whole = column(tmp_path, values)
    assert (found, content[0]) == (kind, first)
    assert len(content) == len(values)
    assert (told in whole.told) if told else whole.told == ""


def test_zone_is_reckoned_with(tmp_path: Path) -> None:
    _, content, _ = column(tmp_path, ["2013-01-02T03:04:05Z", "2013-01-02T03:04:05+02:00", "2013-01-02 03:04:05"])
    assert content == ["2013-01-02 03:04:05", "2013-01-02 01:04:05", "2013-01-02 03:04:05"]


@pytest.mark.parametrize(
    ("odd", "parts"),
    [
        ("calm", ("1 of 101 values are not numbers", "'calm'", "line 52 of a.csv", "nullValues", "{x: string}")),
        ("1,234", ("'1,234'", "csv.thousands or csv.decimal")),
        ("3,5", ("'3,5'", "csv.thousands or csv.decimal")),
        ("$5", ("'$5'",)),
        ("12 km", ("'12 km'",)),
        ("1_000", ("'1_000'",)),
        ("2:05:10", ("'2:05:10'",)),
        ("1,2,3", ("'1,2,3'",)),
    ],
)
def test_odd_value_among_numbers_is_named_with_its_line(tmp_path: Path, odd: str, parts: tuple[str, ...]) -> None:
    with pytest.raises(JobError) as failed:
        column(tmp_path, [*(str(n) for n in range(50)), odd, *(f"{n}.5" for n in range(50))])
    assert failed.value.reason == "InvalidColumn"
    for part in ("column 'x'", *parts):
        assert part in failed.value.message


def test_odd_value_is_found_wherever_it_is(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"1 of 70001 values .*'here' \(1×, first in line 70002 of a.csv\)"):
        read(tmp_path, "x,y\n" + "7,k\n" * 70_000 + "here,k\n")
    with pytest.raises(JobError, match=r"first in line 3 of b.csv\), 'c' \(1×\)"):
        read(tmp_path, "x,y\n" + "7,k\n" * 100, 'x,y\n8,"k\nk"\nb,k\nb,k\nc,k\n'.replace('"k\nk"', "k"))


def test_line_counts_those_within_quotes(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"first in line 5 of b.csv"):
        read(tmp_path, "x,y\n" + "7,k\n" * 100, 'x,y\n8,"k\nk"\n\nb,k\n')


def test_odd_date_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"1 of 31 values are not dates: '2013-02-30' \(1×, first in line 32"):
        column(tmp_path, [f"2013-03-{day:02}" for day in range(1, 31)] + ["2013-02-30"])


def test_all_faulty_columns_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"column 'a'.*column 'b'.*column 'c'.*; 1 more"):
        read(tmp_path, "a,b,c,d,y\n" + "1,2,3,4,k\n" * 20 + "p,q,r,s,k\n")


@pytest.mark.parametrize(
    "labels", [["1"] * 6 + ["unknown"] * 4, ["10%", "12%"] * 5, ["2013-01-01"] * 6 + ["later"] * 4]
)
def test_label_that_is_half_numbers_is_no_set_of_classes(tmp_path: Path, labels: list[str]) -> None:
    with pytest.raises(JobError, match="column 'y'"):
        read(tmp_path, "x,y\n" + "".join(f"1,{label}\n" for label in labels))


@pytest.mark.parametrize(
    ("values", "fields", "kind", "expected"),
    [
        (["1", "calm", "2"], {"csv": {"null_values": ["calm"]}}, W, [1, None, 2]),
        (["1", "-999", "2"], {"csv": {"null_values": ["-999"]}}, W, [1, None, 2]),
        (["a", "none given", "NA"], {"csv": {"null_values": ["none given"]}}, S, ["a", None, "NA"]),
        (["1,234", "5", "1,234.5"], {"csv": {"thousands": ","}}, N, [1234.0, 5.0, 1234.5]),
        (["1.234,5", "5"], {"csv": {"thousands": ".", "decimal": ","}}, N, [1234.5, 5.0]),
        (["1'234", "5"], {"csv": {"thousands": "'"}}, N, [1234.0, 5.0]),
        (["1,234", "5,0"], {"csv": {"decimal": ","}}, N, [1.234, 5.0]),
        (["007", "12"], {"types": {"x": "integer"}}, W, [7, 12]),
        (["3.0", "12", "NA"], {"types": {"x": "integer"}}, W, [3, 12, None]),
        (["1", "2"], {"types": {"x": "string"}}, S, ["1", "2"]),
        (["NA", "2"], {"types": {"x": "string"}}, S, ["NA", "2"]),
        (["1", "2"], {"types": {"x": "number"}}, N, [1.0, 2.0]),
        (["yes", "no", "?", "1", "F"], {"types": {"x": "boolean"}}, B, [True, False, None, True, False]),
        (["2013-01-01", "-"], {"types": {"x": "timestamp"}}, T, ["2013-01-01 00:00:00", None]),
        (["9223372036854775808"], {"types": {"x": "number"}}, N, [2.0**63]),
    ],
)
def test_what_is_stated_holds(
    tmp_path: Path, values: list[str], fields: dict[str, Any], kind: str, expected: list[Any]
) -> None:
    found, content, _ = column(tmp_path, values, **fields)
    assert (found, content) == (kind, expected)


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        ("1.5", "integer", "whole numbers"),
        ("9223372036854775808", "integer", "whole numbers"),
        ("x", "number", "numbers"),
        ("perhaps", "boolean", "booleans"),
        ("1/2/2013", "timestamp", "dates"),
    ],
)
def test_value_that_is_not_of_the_stated_type_is_named(tmp_path: Path, value: str, kind: str, words: str) -> None:
    with pytest.raises(JobError) as failed:
        column(tmp_path, ["NA", value], types={"x": kind})
    assert f"1 of 2 values are not {words}: '{value}' (1×, first in line 3 of a.csv)" in failed.value.message


def test_advice_names_a_column_with_a_comma_so_that_yaml_takes_it(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"write .*, or columns.types: \{'a, b': string\} if it is text"):
        read(tmp_path, '"a, b",y\n' + "1,k\n" * 20 + "x,k\n")


def test_type_of_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"columns.types: there is no column 'z': the columns are 'x', 'y'"):
        column(tmp_path, ["1"], types={"z": "string"})


def test_points_somewhere_mean_that_commas_are_not_decimal(tmp_path: Path) -> None:
    found = read(tmp_path, "x;z;y\n" + "1,5;2.5;k\n" * 5)
    assert found.types == {"x": S, "z": N, "y": S}
    assert "'x': 5 values look like numbers" in found.told
    assert found.csv
    assert (found.csv.decimal, "decimal" in found.csv.guessed) == (".", False)
