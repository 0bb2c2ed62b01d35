"""What the files do not say is told, the label decides nothing about the split, and our names are never the users'."""

import io
from collections import Counter
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.tasks import CsvOptions
from modelward_training.ingest.validate import check_columns
from modelward_training.outcome import JobError

from .harness import Ended, Pod, ingest_report, ingest_task


def rows(pod: Pod, ended: Ended) -> pd.DataFrame:
    """All splits' rows together, with their labels."""
    manifest, parts = pod.dataset(ended), []
    for split in manifest.splits.values():
        blobs = [blob for blob in (split.data, split.labels) if blob]
        data, *labels = (pd.read_parquet(io.BytesIO(pod.store.get_bytes(blob.digest))) for blob in blobs)
        parts.append(data.merge(labels[0], on=manifest.id) if labels else data)
    return pd.concat(parts).sort_values(manifest.id, ignore_index=True)


def parquet(pod: Pod, table: pa.Table, name: str = "a.parquet") -> None:
    pq.write_table(table, pod.paths.source / name)


def test_dialect_types_and_guesses_stand_in_report_and_manifest(pod: Pod) -> None:
    pod.csv("price;size;late\n" + "".join(f"{n % 9},5;NA;{'ab'[n % 2]}\n{n % 7},25;{n % 5};a\n" for n in range(60)))
    ended = pod.ingest(id=None, types={"size": "number"}, csv=CsvOptions(encoding="utf-8"))
    report = ingest_report(ended)
    assert report.csv == pod.dataset(ended).csv
    assert report.csv
    assert (report.csv.delimiter, report.csv.decimal, report.csv.encoding) == (";", ",", "utf-8")
    assert report.csv.guessed == ["delimiter", "header", "decimal"]
    assert {c.name: (c.type, c.guessed) for c in report.columns} == {
        "price": ("number", True),
        "size": ("number", False),
        "late": ("string", True),
        "row_id": ("integer", False),
    }
    assert report.warnings[:2] == [
        "numbers are read with a decimal comma; `csv: {decimal: …}` says otherwise",
        "NA, ? and the like are read as missing in 'size' (60)",
    ]


def test_more_or_longer_columns_than_a_version_holds_are_refused(pod: Pod) -> None:
    with pytest.raises(JobError, match=r"there are 1000 columns, of which 999 fit: choose them in prepare.sql"):
        check_columns(ingest_task(pod.url, id=None), {"late": "integer"} | {f"x{n}": "integer" for n in range(999)})
    pod.csv(f"late,{'x' * 257}\n1,2\n0,3\n")
    assert "has 257 characters: rename the column in prepare.sql" in pod.ingest(id=None).message


def test_label_does_not_decide_a_row_s_side(pod: Pod) -> None:
    """Four kinds of inputs, each with both labels: every split must show the same odds."""
    pod.csv("plan,late\n" + "".join(f"p{n % 4},{'yes' if n % 10 < 7 else 'no'}\n" for n in range(2000)))
    manifest = pod.dataset(pod.ingest(id=None))
    for name in "validation", "test":
        blob = manifest.splits[name].labels  # type: ignore[index]
        assert blob
        labels = pd.read_parquet(io.BytesIO(pod.store.get_bytes(blob.digest)))["late"]
        assert 0.6 < (labels == "yes").mean() < 0.8
    assert 300 < manifest.splits["test"].rows < 500
    assert 130 < manifest.splits["validation"].rows < 270


def test_other_labels_leave_every_row_on_its_side(pod: Pod) -> None:
    def sides(label: str) -> dict[int, str]:
        pod.csv("x,late\n" + "".join(f"{n},{label if n % 3 else 'c'}\n" for n in range(300)))
        manifest = pod.dataset(pod.ingest(id=None))
        tables = {
            k: pd.read_parquet(io.BytesIO(pod.store.get_bytes(v.data.digest))) for k, v in manifest.splits.items()
        }
        return {int(x): name for name, table in tables.items() for x in table["x"]}

    assert sides("a") == sides("b")


def test_same_rows_many_times_in_any_order_are_the_same_version(pod: Pod) -> None:
    lines = [f"p{n % 3},{'yes' if n % 7 else 'no'}\n" for n in range(200)]
    pod.csv("plan,late\n" + "".join(lines))
    one = pod.dataset(pod.ingest(id=None)).splits
    pod.csv("plan,late\n" + "".join(reversed(lines)))
    assert pod.dataset(pod.ingest(id=None)).splits == one


def test_class_without_a_test_row_and_odd_shares_are_told(pod: Pod) -> None:
    pod.csv("x,late\n" + "".join(f"{n % 5},{'ab'[n % 2]}\n" for n in range(99)) + "1,rare\n")
    told = ingest_report(pod.ingest(id=None)).warnings
    assert sum("1 of 3 classes of 'late' has no row for" in text and text.endswith(": rare") for text in told) == 2
    pod.csv("x,late\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(12)))
    told = ingest_report(pod.ingest(id=None, salt="c")).warnings
    assert any("% were asked: rows are few" in text for text in told)


@pytest.mark.parametrize("order", [1, 7])
def test_column_that_only_counts_is_told(pod: Pod, order: int) -> None:
    pod.csv("n,x,late\n" + "".join(f"{1000 + n * order % 60},{n * n % 17},{'ab'[n % 2]}\n" for n in range(60)))
    assert any("'n' only counts: 1000 to 1059" in text for text in ingest_report(pod.ingest(id=None)).warnings)


def test_columns_may_have_our_names_and_those_of_sql(pod: Pod) -> None:
    names = [
        "ROW_ID",
        "_row_id",
        "rowid",
        "~split",
        "~hash",
        "split",
        "hash",
        "inputs",
        "c0",
        "c1",
        "select",
        'a"b',
        "raw",
    ]
    header = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    pod.csv(
        header + ",late\n" + "".join(",".join([f"v{n % 23}"] * len(names)) + f",{'ab'[n % 2]}\n" for n in range(90))
    )
    ended = pod.ingest(id=None)
    found = rows(pod, ended)
    assert set(found.columns) == {*names, "late", "__row_id"}
    assert pod.dataset(ended).id == ingest_report(ended).id == "__row_id"
    assert sorted(found["__row_id"]) == list(range(1, 91))
    assert all(Counter(found[name]) == Counter(f"v{n % 23}" for n in range(90)) for name in names)
    assert {c.name for c in pod.dataset(pod.ingest(id=None, prepare_sql="SELECT * FROM source")).columns} == set(
        found.columns
    )


def test_columns_with_our_names_can_be_label_and_id(pod: Pod) -> None:
    pod.csv("rowid,x,~split\n" + "".join(f"r{n},{n % 9},{'ab'[n % 2]}\n" for n in range(90)))
    manifest = pod.dataset(pod.ingest(id="rowid", label="~split"))
    assert (manifest.id, manifest.label, manifest.classes, manifest.rows) == ("rowid", "~split", ["a", "b"], 90)


@pytest.mark.parametrize(
    ("labels", "task", "classes"),
    [
        (["yes", "no"], "classification", ["no", "yes"]),
        (["true", "false"], "classification", ["false", "true"]),
        (["T", "F"], "classification", ["F", "T"]),
        (["NA", "DE"], "classification", ["DE", "NA"]),
        (["0", "1"], "classification", ["0", "1"]),
        (["0.0", "1.0"], "classification", ["0", "1"]),
        (["007", "008"], "classification", ["007", "008"]),
        (["1.5", "2.5"], "regression", []),
    ],
)
def test_labels_stay_what_they_are(pod: Pod, labels: list[str], task: str, classes: list[str]) -> None:
    pod.csv("x,late\n" + "".join(f"{n % 9},{labels[n % 2]}\n" for n in range(90)))
    manifest = pod.dataset(pod.ingest(id=None))
    assert (manifest.task, manifest.classes) == (task, classes)


def test_missing_number_in_the_label_makes_no_classes_of_it(pod: Pod) -> None:
    pod.csv("x,late\n" + "".join(f"{n % 9},{'NA' if n % 30 == 7 else n * 1.5}\n" for n in range(90)))
    ended = pod.ingest(id=None)
    assert (ended.reason, "missing in 3 of 90 rows, first in row 8" in ended.message) == ("InvalidLabel", True)
    assert pod.dataset(pod.ingest(id=None, prepare_sql="FROM source WHERE late IS NOT NULL")).task == "regression"


def test_header_of_numbers_only_may_be_a_row_and_that_is_told(pod: Pod) -> None:
    pod.csv("0.5,3,1\n" + "".join(f"{n % 7}.5,{n % 5},{n % 2}\n" for n in range(80)))
    told = ingest_report(pod.ingest(label="1", id=None)).warnings
    assert "the columns' names are numbers (0.5, 3, 1): if that is a row of data, write `csv: {header: false}`" in told
    stated = pod.ingest(label="1", id=None, csv=CsvOptions(header=True))
    assert not any("are numbers" in text for text in ingest_report(stated).warnings)


def test_header_alone_is_no_data(pod: Pod) -> None:
    pod.csv("x,late\n")
    ended = pod.ingest(id=None)
    assert (ended.reason, ended.message) == ("EmptyDataset", "data.csv has no rows, only the names of columns")
    pod.csv("x,late\n", "more.csv")
    assert pod.ingest(id=None).message.startswith("data.csv and 1 more files have no rows")
    pod.csv("x,late\n" + "1,a\n2,b\n" * 40, "more.csv")
    assert pod.dataset(pod.ingest(id=None)).rows == 80


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"x": [n % 9 for n in range(90)], **columns, "late": ["ab"[n % 2] for n in range(90)]})


@pytest.mark.parametrize("index", [None, "passenger"])
def test_index_that_pandas_saved_is_no_column(pod: Pod, index: str | None) -> None:
    saved = frame().sample(frac=1, random_state=1).rename_axis(index)
    saved.to_parquet(pod.paths.source / "a.parquet")
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert set(rows(pod, ended).columns) == {"x", "late", "row_id"}
    assert f"{index or '__index_level_0__'!s}" in ingest_report(ended).warnings[0]
    if index:
        assert pod.dataset(pod.ingest(id=index, format="parquet", path="*")).id == index


def test_parquet_types_are_kept_as_far_as_there_are_such(pod: Pod) -> None:
    moment = pd.date_range("2013-01-01", periods=90, tz="America/New_York")
    data = frame(
        small=pd.Series(range(90), dtype="uint8") % 7,
        decimal=pd.array([f"{n % 8}.25" for n in range(90)], dtype="string[pyarrow]"),
        text=pd.Categorical(["NA", "7", "b"] * 30),
        moment=moment,
        flag=[True, False, None] * 30,
        nothing=[None] * 90,
        float16=pd.Series([n % 5 / 2 for n in range(90)], dtype="float16"),
    )
    table = pa.Table.from_pandas(data, preserve_index=False)
    place = table.column_names.index("decimal")
    table = table.set_column(place, "decimal", table["decimal"].cast(pa.decimal128(10, 2)))
    parquet(pod, table)
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert {c.name: c.type for c in pod.dataset(ended).columns} == {
        "x": "integer",
        "small": "integer",
        "decimal": "number",
        "text": "string",
        "moment": "timestamp",
        "flag": "boolean",
        "nothing": pod.dataset(ended).columns[6].type,
        "float16": "number",
        "late": "string",
        "row_id": "integer",
    }
    found = rows(pod, ended)
    assert found["moment"].min() == pd.Timestamp("2013-01-01 05:00")
    assert set(found["text"]) == {"NA", "7", "b"}
    assert found["decimal"].sum() == pytest.approx(sum(n % 8 + 0.25 for n in range(90)))


@pytest.mark.parametrize(
    ("column", "parts"),
    [
        (pa.array([[1]] * 90), ("'odd' holds", "prepare.sql")),
        (pa.array([{"a": 1}] * 90), ("'odd' holds STRUCT", "prepare.sql")),
        (pa.array([b"x"] * 90), ("'odd' holds BLOB",)),
        (pa.array([2**64 - 1] * 90, pa.uint64()), ("64 bits", "columns.types")),
    ],
)
def test_parquet_that_no_column_type_holds_is_named(pod: Pod, column: pa.Array, parts: tuple[str, ...]) -> None:
    parquet(pod, pa.table({"x": list(range(90)), "odd": column, "late": ["a", "b"] * 45}))
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert ended.reason == "InvalidColumn"
    for part in parts:
        assert part in ended.message


def test_parquet_files_must_agree_or_be_told_how(pod: Pod) -> None:
    parquet(pod, pa.table({"x": [1, 2] * 45, "late": ["a", "b"] * 45}))
    parquet(pod, pa.table({"x": ["1", "z"] * 45, "late": ["a", "b"] * 45}), "b.parquet")
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert (ended.reason, "'x' is BIGINT in a.parquet and VARCHAR in b.parquet" in ended.message) == (
        "InvalidFile",
        True,
    )
    stated = pod.ingest(id=None, format="parquet", path="*", types={"x": "string"})
    assert {c.name: c.type for c in pod.dataset(stated).columns}["x"] == "string"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pa.timestamp("us"), pa.timestamp("ns")),
        (pa.timestamp("ns"), pa.timestamp("ms", "America/New_York")),
        (pa.date32(), pa.timestamp("us")),
    ],
)
def test_parquet_timestamps_of_any_kind_go_together_as_utc(pod: Pod, one: pa.DataType, other: pa.DataType) -> None:
    days = pa.array(range(90), pa.int32()).cast(pa.date32())
    for kind, name in (one, "a.parquet"), (other, "b.parquet"):
        parquet(pod, pa.table({"x": days.cast(pa.timestamp("s")).cast(kind), "late": ["a", "b"] * 45}), name)
    found = rows(pod, pod.ingest(id=None, format="parquet", path="*"))
    assert sorted(found["x"]) == sorted([*pd.date_range("1970-01-01", periods=90)] * 2)


def test_parquet_struct_can_be_had_as_json(pod: Pod) -> None:
    nested = [{"a": n, "b": [None, 'say "hi"']} for n in range(90)]
    parquet(pod, pa.table({"x": nested, "late": ["a", "b"] * 45}))
    sql = "SELECT (x->>'$.a')::INT AS a, x->>'$.b[1]' AS b, late FROM source"
    found = rows(pod, pod.ingest(id=None, format="parquet", path="*", types={"x": "string"}, prepare_sql=sql))
    assert (sorted(found["a"]), set(found["b"])) == ([*range(90)], {'say "hi"'})


def test_what_parquet_itself_has_no_type_for_is_told(pod: Pod) -> None:
    parquet(pod, pa.table({"x": pa.array(range(90), pa.duration("s")), "late": ["a", "b"] * 45}))
    told = ingest_report(pod.ingest(id=None, format="parquet", path="*")).warnings
    assert any("'x' is duration[s] to Arrow" in text for text in told)


def test_parquet_column_without_a_name_is_refused_by_its_place(pod: Pod) -> None:
    parquet(pod, pa.table([[1, 2] * 45, ["a", "b"] * 45], names=["", "late"]))
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert (ended.reason, ended.message) == ("InvalidFile", "a.parquet: column 1 has no name: give it one")


def test_parquet_integers_beside_floats_are_numbers(pod: Pod) -> None:
    parquet(pod, pa.table({"x": [1, 2] * 45, "late": ["a", "b"] * 45}))
    parquet(pod, pa.table({"late": ["a", "b"] * 45, "x": [1.5, None] * 45}), "b.parquet")
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert Counter(rows(pod, ended)["x"].dropna()) == {1.0: 45, 2.0: 45, 1.5: 45}


def test_names_that_differ_by_case_only_are_refused(pod: Pod) -> None:
    parquet(pod, pa.table({"x": [1] * 90, "X": [2] * 90, "late": ["a", "b"] * 45}))
    ended = pod.ingest(id=None, format="parquet", path="*")
    assert (ended.reason, "'x' and 'X' differ by case only" in ended.message) == ("InvalidFile", True)
