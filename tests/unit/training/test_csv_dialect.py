"""Reading CSV: every record is read once, whatever the files look like, or the file and line are named."""

import bz2
import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from modelward_training.outcome import JobError

from .reading import read, zstd

ROWS = "x,y\n" + "".join(f"{n}.5,{'ab'[n % 2]}\n" for n in range(20))


@pytest.mark.parametrize(
    ("content", "csv"),
    [
        (ROWS, {}),
        (ROWS.replace(",", ";"), {}),
        (ROWS.replace(",", "\t"), {}),
        (ROWS.replace(",", "|"), {}),
        (ROWS.replace(",", ":"), {"delimiter": ":"}),
        (ROWS.replace("\n", "\r\n"), {}),
        (ROWS.replace("\n", "\r"), {}),
        (ROWS.replace("3.5,b\n", "3.5,b\r\n"), {}),
        (ROWS.rstrip("\n"), {}),
        (ROWS.replace("\n", "\n\n"), {}),
        ("\ufeff" + ROWS, {}),
        ('\ufeff"x",y' + ROWS[3:], {}),
        (ROWS.encode("utf-16"), {}),
        (b"\xfe\xff" + ROWS.encode("utf-16-be"), {}),
        (ROWS.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (gzip.compress(ROWS.encode(), mtime=0), {}),
        (bz2.compress(ROWS.encode()), {}),
        (zstd(ROWS), {}),
        (zstd(ROWS[:50]) + zstd(ROWS[50:]), {}),
        (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstd(ROWS), {}),
        (gzip.compress(ROWS[:50].encode(), mtime=0) + gzip.compress(ROWS[50:].encode(), mtime=0), {}),
        ("made by hand\n;;\n" + ROWS, {"skip_lines": 2}),
        ("# made by hand\n" + ROWS.replace("\n5.5,b", "\n# here\n5.5,b"), {"comment": "#"}),
        (ROWS[4:], {"header": False}),
        ('"x","y"\n' + "".join(f'"{n}.5","{"ab"[n % 2]}"\n' for n in range(20)), {}),
        ("sep=;\n" + ROWS.replace(",", ";"), {}),
        (("\ufeffsep=~\r\n" + ROWS.replace(",", "~").replace("\n", "\r\n")).encode("utf-16-le"), {}),
        ('"sep=,"\n' + ROWS, {}),
        ("sep=;\n" + ROWS.replace(",", ";"), {"skip_lines": 1}),
        ("\ufeff\ufeff" + ROWS, {}),
        ('\ufeff\ufeff"x","y"' + ROWS[3:], {}),
        (ROWS.replace("\n", ",\n"), {}),
        (ROWS.replace("\n", ",\n").replace("x,y,", "x,y"), {}),
    ],
)
def test_same_rows_in_any_dress_are_read_alike(tmp_path: Path, content: str | bytes, csv: dict[str, Any]) -> None:
    found = read(tmp_path, content, csv=csv)
    assert list(found.columns.values()) == [[n + 0.5 for n in range(20)], ["a", "b"] * 10]
    assert list(found.types.values()) == ["DOUBLE", "VARCHAR"]
    assert list(found.columns) == (["column1", "column2"] if csv.get("header") is False else ["x", "y"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(ROWS.encode(), mtime=0)[:-9], "its compressed data breaks off"),
        (gzip.compress(ROWS.encode(), mtime=0)[:40], "its compressed data breaks off"),
        (gzip.compress(ROWS.encode(), mtime=0) + b"more", "Not a gzipped file"),
        (gzip.compress(ROWS.encode(), mtime=0)[:-6] + b"\0" * 6, "CRC check failed"),
        (gzip.compress(ROWS.encode(), mtime=0)[:30] + b"\xff" * 60, "invalid"),
        (bz2.compress(ROWS.encode())[:-9], "its compressed data breaks off"),
        (zstd(ROWS)[:-9], "its compressed data breaks off"),
        (zstd(ROWS) + zstd(ROWS)[:9], "its compressed data breaks off"),
    ],
)
def test_damaged_compressed_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    with pytest.raises(JobError) as raised:
        read(tmp_path, content)
    assert raised.value.reason == "InvalidFile"
    assert raised.value.message.startswith("a.csv cannot be read: ")
    assert said in raised.value.message


def test_delimiter_is_found_outside_quotes_and_numbers(tmp_path: Path) -> None:
    names = read(tmp_path, '"Price, net";"Area, m2";y\n' + "".join(f"{n};{n};b\n" for n in range(9)))
    assert list(names.columns) == ["Price, net", "Area, m2", "y"]
    unquoted = read(tmp_path, "Price, net;Area, m2;y\n" + "".join(f"{n},5;{n},25;b\n" for n in range(9)))
    assert list(unquoted.types.values()) == ["DOUBLE", "DOUBLE", "VARCHAR"]
    assert "a.csv is read as separated by ';', which is a guess among several" in unquoted.told


def test_each_file_has_its_own_delimiter_order_and_line_ends(tmp_path: Path) -> None:
    found = read(tmp_path, "x,y\n1,a\n", "y;x\r\nb;2\r\n", "x\ty\n3\tc\n".encode("utf-16"))
    assert found.columns == {"x": [1, 2, 3], "y": ["a", "b", "c"]}
    assert "b.csv is read as separated by ';', a.csv by ','" in found.told
    assert found.csv
    assert (found.csv.delimiter, found.csv.other_delimiters) == (",", [";", "\t"])
    assert (found.csv.encoding, found.csv.other_encodings) == ("utf-8", ["utf-16"])
    assert found.csv.guessed == ["delimiter", "encoding", "header"]


def test_many_files_of_another_delimiter_are_told_in_one_sentence(tmp_path: Path) -> None:
    found = read(tmp_path, "x,y\n1,a\n", *["x;y\n2;b\n"] * 5)
    assert found.warnings == ["b.csv and 4 more files are read as separated by ';', a.csv by ','"]


def test_folder_names_are_no_columns(tmp_path: Path) -> None:
    for year in 2023, 2024:
        folder = tmp_path / "source" / f"year={year}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(f"year,y\n{year - 10},a\n")
    assert read(tmp_path).columns == {"year": [2013, 2014], "y": ["a", "a"]}


def test_first_column_that_begins_with_a_hash_is_data(tmp_path: Path) -> None:
    found = read(tmp_path, "#price,y\n" + "#N/A,a\n" * 40 + "".join(f"{n}.5,b\n" for n in range(160)))
    assert len(found.columns["#price"]) == 200
    assert found.columns["#price"].count(None) == 40


def test_quotes_hold_line_breaks_delimiters_and_quotes(tmp_path: Path) -> None:
    text = '"a\nb",y\n"1\r\n2","x, ""y"""\n5" pipe,z\n"",""\n' + "w,v\n" * 3000 + '"last\n\nline",v\n'
    found = read(tmp_path, text)
    assert list(found.columns) == ["a\nb", "y"]
    assert found.columns["a\nb"][:3] == ["1\r\n2", '5" pipe', None]
    assert found.columns["y"][:2] == ['x, "y"', "z"]
    assert (len(found.columns["y"]), found.columns["a\nb"][-1]) == (3004, "last\n\nline")


def test_quotes_can_mean_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, 'x,y\n"1,a\n2",b\n', csv={"quote": ""})
    assert found.columns == {"x": ['"1', '2"'], "y": ["a", "b"]}


def test_long_field_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, f"x,y\n{'w' * 3_000_000},a\nv,b\n")
    assert [len(value) for value in found.columns["x"]] == [3_000_000, 1]


def test_delimiter_that_nobody_would_guess_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"the only column is 'x y'; if that is several, write `csv: {delimiter: …}`"):
        read(tmp_path, "x y\n1 2\n3 4\n", types={"y": "string"})


def test_stated_encoding_is_used(tmp_path: Path) -> None:
    found = read(tmp_path, "größe,y\n1,Tür €\n".encode("cp1252"), csv={"encoding": "windows-1252"})
    assert found.columns == {"größe": [1], "y": ["Tür €"]}


def test_names_are_kept_as_they_are(tmp_path: Path) -> None:
    names = ['"', "a'b", "select", "rowid", "split", "hash", "~split", "c1", "source", "größe 温度", "a;b"]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    found = read(tmp_path, header + ",y\n" + "".join(f"{n}," * len(names) + "k\n" for n in (7, 3)))
    assert found.columns == {name: [7, 3] for name in names} | {"y": ["k", "k"]}


def test_nameless_column_that_counts_is_left_out_and_told(tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * n % 7},k\n" for n in range(12))
    for name in "", "Unnamed: 0":
        found = read(tmp_path, f"{name},x,y\n{rows}", f"{name},x,y\n{rows}")
        assert list(found.columns) == ["x", "y"]
        assert "counts the rows: it is left out" in found.told
    kept = read(tmp_path, f",x,y\n{rows}", f",x,y\n{rows}", prepare_sql="SELECT column1, x, y FROM source")
    assert list(kept.columns) == ["column1", "x", "y"]


def test_nameless_column_that_says_something_is_kept(tmp_path: Path) -> None:
    assert list(read(tmp_path, ",x,y\nMazda,1,k\nFiat,2,k\n").columns) == ["column1", "x", "y"]


def tar(name: str, content: str) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content.encode()))
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "csv", "parts"),
    [
        (ROWS + "1,2,3\n", {}, ("a.csv, line 22", "3 fields where the header has 2")),
        (ROWS + "\n\n1\n", {}, ("a.csv, line 24", "1 field where the header has 2")),
        ('x,y\n"a\nb",1\nc\n', {}, ("a.csv, line 4", "1 field")),
        ('x,y\n1,"a\n2,b\n', {}, ("a.csv, line 2", "never closed")),
        ('x,y\n1,"a"b\n', {}, ("a.csv, line 2", "written twice")),
        (ROWS + "1,a\0b\n", {}, ("a.csv, line 22", "NUL")),
        (ROWS.encode("utf-16-le"), {}, ("a.csv, line 1", "NUL", "utf-16")),
        (ROWS.encode() + "1,café\n".encode("cp1252"), {}, ("line 22", "not UTF-8", "0xe9", "windows-1252")),
        (ROWS.encode() + b"\x81,\xff\n", {"encoding": "cp1252"}, ("line 22", "not cp1252", "0x81", "another csv.enc")),
        (gzip.compress(ROWS.encode() + b"1,\xe9\n", mtime=0), {}, ("line 22", "not UTF-8", "0xe9")),
        (ROWS.replace("a", "\u00e9").encode("utf-16-le"), {}, ("not UTF-8", "encoding: utf-16-le")),
        (ROWS, {"encoding": "klingon"}, ("csv.encoding", "'klingon'")),
        (ROWS, {"encoding": "idna"}, ("csv.encoding", "'idna'")),
        ("x,x,y\n1,2,3\n", {}, ("'x' stands twice", "header: false")),
        ("x,X,y\n1,2,3\n", {}, ("'x' and 'X' differ by case only",)),
        ("\n\n", {}, ("a.csv holds no line",)),
        ("   \n  \n", {}, ("no column has a name",)),
        (gzip.compress(gzip.compress(ROWS.encode(), mtime=0), mtime=0), {}, ("compressed twice",)),
        (tar("a.csv", ROWS), {}, ("archive",)),
        (gzip.compress(tar("a.csv", ROWS), mtime=0), {}, ("archive",)),
        ("<!DOCTYPE HTML>\n<html><body>Sign in</body></html>\n", {}, ("a.csv is a page for a browser",)),
        ("\n <html>\n", {}, ("a.csv is a page for a browser",)),
        ('<?xml version="1.0"?>\n<rows/>\n', {}, ("XML",)),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {}, ("old Excel workbook",)),
        (b"SQLite format 3\0", {}, ("SQLite",)),
        (b"%PDF-1.7\n", {}, ("PDF",)),
        (b"PK\x03\x04rest", {}, ("Excel",)),
        (b"PAR1 rest", {}, ("format: parquet",)),
        ("version https://git-lfs.github.com/spec/v1\n", {}, ("git lfs pull",)),
        (gzip.compress(ROWS.encode(), mtime=0)[:60], {}, ("a.csv cannot be read",)),
    ],
)
def test_what_cannot_be_read_is_named(
    tmp_path: Path, content: str | bytes, csv: dict[str, Any], parts: tuple[str, ...]
) -> None:
    with pytest.raises(JobError) as failed:
        read(tmp_path, content, csv=csv)
    assert failed.value.reason == "InvalidFile"
    for part in parts:
        assert part in failed.value.message


@pytest.mark.parametrize(
    ("begins", "line", "part"),
    [
        ("x,y\n1,2\n3,", "4", "a.csv, line 3 is longer than 16 MiB"),
        (
            'x,y\n1,2\n3,"',
            "4" * 4095 + "\n",
            'a.csv, line 3: the quote " that opens here or below is not closed within 16 MiB',
        ),
        ("x,y\n1,2\n3,", '"' + "4" * 4092 + '\n",', "a.csv, line 3: the quote"),
    ],
    ids=["line", "quote", "record"],
)
@pytest.mark.parametrize("packed", [False, True])
def test_record_without_end_is_not_read_into_memory(
    tmp_path: Path, begins: str, line: str, part: str, packed: bool
) -> None:
    (tmp_path / "source").mkdir()
    path = tmp_path / "source" / "a.csv"
    with gzip.open(path, "wt", compresslevel=1) if packed else path.open("w") as stream:
        stream.write(begins)
        for _ in range(80):
            stream.write(line * ((1 << 20) // len(line)))
    tracemalloc.start()
    with pytest.raises(JobError) as failed:
        read(tmp_path, csv={"delimiter": ","})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part in failed.value.message
    assert peak < 200 << 20


@pytest.mark.parametrize("packed", [False, True])
def test_unreadable_bytes_far_down_are_named_with_their_line(tmp_path: Path, packed: bool) -> None:
    content = b"x,y\n" + b"1.5,a\n" * 69_999 + b"2.5,\xc3\x28\n" + b"1.5,a\n" * 9
    with pytest.raises(JobError, match=r"a\.csv, line 70001: the text is not UTF-8 .*byte 0xc3"):
        read(tmp_path, gzip.compress(content, mtime=0) if packed else content)
