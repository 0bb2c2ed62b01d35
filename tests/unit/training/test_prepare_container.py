"""What a user's container makes of a source: it finds tables, and what it leaves behind is not believed."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from modelward_contracts.tasks import PII_SALT, Parent
from modelward_training.ingest import answer

from .harness import Ended, Pod, ingest_report, ingest_task
from .sets import things


class Prepared(Pod):
    def source(self, **fields: Any) -> Ended:
        return self.step("source", ingest_task(self.url, container=True, **fields))

    def checked(self, **fields: Any) -> Ended:
        return self.step("ingest", ingest_task(self.url, container=True, **fields))

    def put(self, table: pa.Table, name: str = "out.parquet") -> Path:
        path = self.paths.output / name
        path.parent.mkdir(exist_ok=True)
        pq.write_table(table, path)
        return path


@pytest.fixture
def prepared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Prepared:
    pod = Prepared(tmp_path / "pod", capsys)
    pod.csv(things().replace(",", ";"))
    ended = pod.source()
    assert ended.code == 0, ended
    return pod


def test_container_finds_typed_tables_and_its_answer_becomes_the_version(prepared: Prepared) -> None:
    assert [path.name for path in prepared.paths.input.iterdir()] == ["source.parquet"]
    table = pq.read_table(prepared.paths.input / "source.parquet")
    assert table.num_rows == 600
    assert table.schema.field("at").type == pa.timestamp("us")
    doubled = table.append_column("double", pc.multiply(table["seats"], 2)).select(["id", "double", "late"])
    prepared.put(doubled)
    ended = prepared.checked()
    assert ended.code == 0, ended
    manifest = prepared.dataset(ended)
    assert [(column.name, column.type, column.guessed) for column in manifest.columns] == [
        ("id", "string", False),
        ("double", "integer", False),
        ("late", "integer", False),
    ]
    assert [source.path for source in manifest.sources] == ["data.csv"]
    assert manifest.csv
    assert manifest.csv.delimiter == ";"


def test_the_same_answer_in_other_files_and_another_order_is_the_same_version(prepared: Prepared) -> None:
    table = pq.read_table(prepared.paths.input / "source.parquet")
    whole = prepared.put(table)
    one = ingest_report(prepared.checked()).manifest
    whole.unlink()
    prepared.put(table.slice(300), "out.parquet/part-0.parquet")
    prepared.put(table.slice(0, 300), "out.parquet/part-1.parquet")
    (prepared.paths.output / "out.parquet" / "_SUCCESS").touch()
    assert ingest_report(prepared.checked()).manifest == one


def test_stated_types_are_of_the_sources_columns(prepared: Prepared) -> None:
    stated: dict[str, Any] = {"types": {"seats": "string"}}
    assert prepared.source(**stated).code == 0
    table = pq.read_table(prepared.paths.input / "source.parquet")
    assert table.schema.field("seats").type == pa.string()
    prepared.put(table.rename_columns([{"seats": "places"}.get(name, name) for name in table.column_names]))
    ended = prepared.checked(**stated)
    assert ended.code == 0, ended


def test_personal_columns_are_hashed_before_the_container_sees_them(
    prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    stated: dict[str, Any] = {"pii": {"carrier": "Hash", "to": "Drop"}}
    with monkeypatch.context() as patch:
        patch.setenv(PII_SALT, "nobody can guess this salt")
        assert prepared.source(**stated).code == 0
    table = pq.read_table(prepared.paths.input / "source.parquet")
    assert "to" not in table.column_names
    assert {len(value) for value in table["carrier"].to_pylist()} == {64}
    prepared.put(table)
    ended = prepared.checked(**stated)
    assert ended.code == 0, ended
    assert "carrier" in [column.name for column in prepared.dataset(ended).columns]


def test_each_parent_is_a_file_of_its_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pod = Prepared(tmp_path / "pod", capsys)
    pod.csv(things())
    digest = ingest_report(pod.ingest()).manifest
    parents = [Parent(dataset=name, table=f"{name}_table", digest=digest) for name in ("a", "b")]
    for given in (parents, parents[:1]):
        for path in pod.paths.input.glob("*"):
            path.unlink()
        fields = {"source": "datasets", "parents": given, "path": None}
        assert pod.source(**fields).code == 0
        assert sorted(path.stem for path in pod.paths.input.iterdir()) == [parent.table for parent in given]
    pod.put(pq.read_table(pod.paths.input / "a_table.parquet"))
    ended = pod.checked(**fields)
    assert ended.code == 0, ended
    assert [source.digest for source in pod.dataset(ended).sources] == [digest]


def test_no_answer_says_what_the_folder_holds(prepared: Prepared) -> None:
    (prepared.paths.output / "out.csv").write_text("a,b\n")
    ended = prepared.checked()
    assert (ended.code, ended.reason) == (1, "NoOutput")
    assert "the output folder holds out.csv: write one" in ended.message


def test_a_file_that_is_no_parquet_is_named(prepared: Prepared) -> None:
    (prepared.paths.output / "bad.parquet").write_text("a,b\n")
    ended = prepared.checked()
    assert (ended.code, ended.reason) == (1, "InvalidFile")
    assert "bad.parquet is not readable as Parquet" in ended.message


@pytest.mark.parametrize("kind", ["link", "link to a folder", "pipe", "folder of a link", "output is a link"])
def test_anything_but_a_regular_file_is_refused(prepared: Prepared, kind: str) -> None:
    path = prepared.paths.output / "out.parquet"
    outside = prepared.root / "outside"
    outside.mkdir()
    pq.write_table(pa.table({"secret": [1]}), outside / "a.parquet")
    match kind:
        case "link":
            path.symlink_to(outside / "a.parquet")
        case "link to a folder":
            path.symlink_to(outside)
        case "pipe":
            os.mkfifo(path)
        case "folder of a link":
            path.mkdir()
            (path / "a.parquet").symlink_to(outside / "a.parquet")
        case _:
            prepared.paths.output.rmdir()
            prepared.paths.output.symlink_to(outside)
    ended = prepared.checked()
    assert (ended.code, ended.reason) == (1, "InvalidOutput"), ended


def test_too_many_or_too_large_files_are_refused(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    table = pa.table({"id": ["a"], "late": [1], "x": [1.5]})
    for number in range(3):
        prepared.put(table, f"{number}.parquet")
    monkeypatch.setattr(answer, "MAX_FILES", 2)
    assert prepared.checked().message == "prepare.container wrote more than the 2 files that are taken"
    monkeypatch.setattr(answer, "MAX_FILES", 3)
    monkeypatch.setattr(answer, "MAX_BYTES", 1000)
    assert prepared.checked().reason == "InvalidOutput"


def test_names_of_files_are_no_patterns(prepared: Prepared) -> None:
    table = pq.read_table(prepared.paths.input / "source.parquet")
    prepared.put(table.slice(0, 300), "[ab]*'.parquet")
    prepared.put(table.slice(300), "a.parquet")
    ended = prepared.checked()
    assert ended.code == 0, ended
    assert prepared.dataset(ended).rows == 600


def test_columns_that_differ_between_files_are_named(prepared: Prepared) -> None:
    table = pq.read_table(prepared.paths.input / "source.parquet")
    prepared.put(table.slice(0, 300), "a.parquet")
    prepared.put(table.slice(300).drop_columns(["seats"]), "b.parquet")
    ended = prepared.checked()
    assert (ended.code, ended.reason) == (1, "InvalidFile")
    assert "b.parquet lacks the column 'seats' that a.parquet has" in ended.message


def test_nothing_handed_over_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ended = Prepared(tmp_path / "pod", capsys).checked()
    assert (ended.code, ended.reason) == (1, "InvalidTask")
