"""Ingest: good data becomes one version with the same digests every time."""

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.manifests import DatasetManifest

from .harness import Pod, ingest_report
from .sets import breast_cancer, things


def table(pod: Pod, digest: str) -> pa.Table:
    return pq.read_table(io.BytesIO(pod.store.get_bytes(digest)))


@pytest.mark.usefixtures("kept")
def test_every_row_is_in_exactly_one_split_and_labels_stay_apart(pod: Pod) -> None:
    pod.csv(things())
    manifest = pod.dataset(pod.ingest())
    ids: list[str] = []
    for name, split in manifest.splits.items():
        data = table(pod, split.data.digest)
        ids += data["id"].to_pylist()
        assert ("late" in data.column_names) == (name == "train")
        assert data["id"].to_pylist() == sorted(data["id"].to_pylist())
        if split.labels is not None:
            labels = table(pod, split.labels.digest)
            assert labels.column_names == ["id", "late"]
            assert labels["id"].to_pylist() == data["id"].to_pylist()
    assert sorted(ids) == [f"x{number:04d}" for number in range(600)]
    assert [manifest.splits[name].labels is None for name in ("train", "validation", "test")] == [True, False, False]
    assert 80 < manifest.splits["test"].rows < 160
    assert 30 < manifest.splits["validation"].rows < 90


def test_columns_have_types_and_say_whether_they_have_gaps(pod: Pod) -> None:
    pod.csv(things())
    manifest = pod.dataset(pod.ingest(time="at"))
    assert {column.name: (column.type, column.nullable) for column in manifest.columns} == {
        "id": ("string", False),
        "speed (km/h)": ("number", False),
        "gusts": ("number", True),
        "seats": ("integer", False),
        "full": ("boolean", False),
        "carrier": ("string", False),
        "to": ("string", True),
        "at": ("timestamp", False),
        "late": ("integer", False),
    }
    assert (manifest.task, manifest.classes, manifest.time) == ("classification", ["0", "1"], "at")


def test_same_rows_in_other_order_and_files_give_the_same_bytes(pod: Pod) -> None:
    header, *rows = things().splitlines()
    pod.csv("\n".join([header, *rows]))
    one = pod.dataset(pod.ingest())
    pod.csv("\n".join([header, *reversed(rows[300:])]), "b.csv")
    pod.csv("\n".join([header, *rows[:300]]), "data.csv")
    other = pod.dataset(pod.ingest())
    assert other.splits == one.splits
    assert other.statistics == one.statistics
    assert [file.path for file in other.sources] == ["b.csv", "data.csv"]


@pytest.mark.usefixtures("kept")
def test_same_source_again_gives_the_same_version(pod: Pod) -> None:
    pod.csv(things())
    assert ingest_report(pod.ingest()).manifest == ingest_report(pod.ingest()).manifest


def test_added_rows_move_no_row_to_another_side(pod: Pod) -> None:
    pod.csv(things(400))
    before = pod.dataset(pod.ingest())
    pod.csv(things(600))
    after = pod.dataset(pod.ingest())

    def ids(manifest: DatasetManifest) -> set[str]:
        return set(table(pod, manifest.splits["test"].data.digest)["id"].to_pylist())

    assert ids(before) == {name for name in ids(after) if name < "x0400"}


def test_data_without_id_gets_row_numbers_and_is_split_by_content(pod: Pod) -> None:
    header, *rows = breast_cancer().splitlines()
    pod.csv("\n".join([header, *rows]))
    one = pod.dataset(pod.ingest(label="diagnosis", id=None))
    pod.csv("\n".join([header, *reversed(rows)]))
    other = pod.dataset(pod.ingest(label="diagnosis", id=None))
    assert one.id == "row_id"
    assert one.splits == other.splits
    assert one.classes == ["benign", "malignant"]


def test_sql_prepares_the_source(pod: Pod) -> None:
    pod.csv(things())
    sql = "-- half\nSELECT id, seats * 2 AS double, late FROM source WHERE seats < 200;\n"
    manifest = pod.dataset(pod.ingest(prepare_sql=sql))
    assert [column.name for column in manifest.columns] == ["id", "double", "late"]
    assert manifest.rows < 600


def test_parquet_is_read_like_csv(pod: Pod) -> None:
    rows = {"id": list(range(100)), "x": [float(n) for n in range(100)], "late": [n % 2 == 0 for n in range(100)]}
    pq.write_table(pa.table(rows), pod.paths.source / "a.parquet")
    manifest = pod.dataset(pod.ingest(format="parquet", path="**/*.parquet"))
    assert manifest.classes == ["false", "true"]
    assert manifest.rows == 100


def test_inline_data_is_read_from_beside_the_task(pod: Pod) -> None:
    pod.paths.inline.write_text(things())
    manifest = pod.dataset(pod.ingest(source="inline", path=None))
    assert [(file.path, file.bytes) for file in manifest.sources] == [("inline", len(things()))]


@pytest.mark.parametrize(
    ("label", "task", "classes"),
    [
        ("delay", "regression", []),
        ("was_late", "classification", ["false", "true"]),
        ("band", "classification", ["high", "low", "middle"]),
    ],
)
def test_task_follows_from_the_label(pod: Pod, label: str, task: str, classes: list[str]) -> None:
    pod.csv(things(label=label))
    manifest = pod.dataset(pod.ingest(label=label))
    assert (manifest.task, manifest.classes) == (task, classes)


def test_infinite_and_nan_numbers_become_missing(pod: Pod) -> None:
    rows = {"id": list(range(90)), "x": [float("inf"), float("nan"), 1.5] * 30, "late": [0, 1] * 45}
    pq.write_table(pa.table(rows), pod.paths.source / "a.parquet")
    manifest = pod.dataset(pod.ingest(format="parquet", path="*"))
    assert set(table(pod, manifest.splits["train"].data.digest)["x"].to_pylist()) == {None, 1.5}


def test_statistics_are_exact(pod: Pod) -> None:
    pod.csv(things())
    found = pod.store.get_json(pod.dataset(pod.ingest()).statistics.digest, dict)
    assert found["gusts"]["nulls"] == 86
    assert found["late"]["distinct"] == 2
    assert sum(entry["count"] for entry in found["carrier"]["top"]) == 600
    assert found["at"]["minimum"] == "2013-01-01 00:00:00"


def test_source_is_left_as_it_was(pod: Pod, tmp_path: Path) -> None:
    pod.csv(things())
    before = (pod.paths.source / "data.csv").stat()
    pod.ingest()
    assert [path.name for path in pod.paths.source.iterdir()] == ["data.csv"]
    assert (pod.paths.source / "data.csv").stat().st_mtime_ns == before.st_mtime_ns
