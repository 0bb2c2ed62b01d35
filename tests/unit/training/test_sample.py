"""A dry run goes through all steps on few rows, which stay beside their labels, and leaves no result."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from modelward_contracts.verdicts import run_key
from modelward_training.sample import thin

from .harness import Pod, ingest_report, publish_report, train_task
from .sets import breast_cancer


@pytest.mark.parametrize(
    ("total", "rows"), [(1000, 100), (1000, 999), (7, 3), (10, 10), (5, 10), (0, 10), (100_003, 77)]
)
def test_rows_are_evenly_spaced_and_as_many_as_asked_for(tmp_path: Path, total: int, rows: int) -> None:
    path = tmp_path / "train.parquet"
    table = pa.table({"id": pa.array(range(total), pa.int64()), "text": pa.array([f"é{n}" for n in range(total)])})
    pq.write_table(table, path, row_group_size=999)
    thin(path, rows)
    found = pq.read_table(path)
    ids = found["id"].to_pylist()
    assert found.schema.equals(table.schema)
    assert len(ids) == min(total, rows)
    assert ids == sorted(set(ids))
    gaps = {b - a for a, b in pairwise(ids)}
    assert not gaps or max(gaps) - min(gaps) <= 1
    assert [path.name for path in tmp_path.iterdir()] == ["train.parquet"]


def test_dry_run_measures_the_model_on_its_sample_and_leaves_no_result(pod: Pod) -> None:
    pod.csv(breast_cancer())
    digest = ingest_report(pod.ingest(label="diagnosis", id=None)).manifest
    task = train_task(pod.url, digest, sample=40)
    for step in ("fetch", "train"):
        assert pod.step(step, task).code == 0
    splits = {name: pq.read_table(pod.paths.input / f"{name}.parquet") for name in ("train", "validation", "test")}
    assert {name: split.num_rows for name, split in splits.items()} == {"train": 40, "validation": 40, "test": 40}
    report = publish_report(pod.step("publish", task))
    assert report.sample == 40
    assert report.parity["rows"] == 80
    assert report.metrics["accuracy"] > 0.8, "labels lie beside their rows"
    assert pod.store.read_record(run_key(report.inputs_hash), dict) is None
    whole = train_task(pod.url, digest)
    assert pod.step("fetch", whole).reason == "Fetched", "the dry run's result is nobody's"
    assert pq.read_metadata(pod.paths.input / "train.parquet").num_rows > 300
