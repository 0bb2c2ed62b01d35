"""Versions of other Datasets, whole again: each a view over its Parquet files, called as the Dataset says.

All rows are there, those that were held out as well, and the label is a column like any other: a child is split anew,
by its own id and salt.
"""
# ruff: noqa: S608 - names are quoted by `quoted`, paths are ours

from pathlib import Path

import duckdb

from modelward_contracts.manifests import DatasetManifest, SourceFile, Split
from modelward_contracts.store import Store
from modelward_contracts.tasks import IngestTask, Parent
from modelward_training.outcome import progress

from .columns import SOURCE, Source
from .prepare import quoted


def load(con: duckdb.DuckDBPyConnection, task: IngestTask, store: Store, folder: Path) -> Source:
    """Fetch them to `folder`, which SQL must be allowed to read. One alone is called `source` as well."""
    source = Source(names=[], expressions=[], starts=[], tables={})
    for number, parent in enumerate(task.parents):
        progress(f"fetching {parent.dataset}", 0.1 + 0.2 * number / len(task.parents))
        place = folder / str(number)
        place.mkdir(parents=True)
        manifest = store.get_json(parent.digest, DatasetManifest)
        _view(con, parent.table, _rows(manifest, store, parent, place))
        source.tables[parent.table] = "VIEW"
        source.answers.append(_answer(parent, manifest))
    if len(task.parents) == 1 and SOURCE not in source.tables:
        _view(con, SOURCE, f"SELECT * FROM {quoted(task.parents[0].table)}")
        source.tables[SOURCE] = "VIEW"
    source.answers.sort(key=lambda answer: answer.path)
    return source


def _view(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    con.execute(f"CREATE TEMP VIEW {quoted(name)} AS {query}")


def _rows(manifest: DatasetManifest, store: Store, parent: Parent, place: Path) -> str:
    """SQL of all rows, in the columns' order; without the number that was given to rows without an id."""
    shown = [column.name for column in manifest.columns if not (parent.numbered and column.name == manifest.id)]
    parts = [_part(manifest, split, store, shown, place / name) for name, split in sorted(manifest.splits.items())]
    return " UNION ALL ".join(parts)


def _part(manifest: DatasetManifest, split: Split, store: Store, shown: list[str], place: Path) -> str:
    data = place.with_suffix(".parquet")
    store.get_file(split.data.digest, data)
    if split.labels is None:
        return f"SELECT {', '.join(map(quoted, shown))} FROM read_parquet('{data}')"
    labels = place.with_suffix(".labels.parquet")
    store.get_file(split.labels.digest, labels)
    columns = ", ".join(f"{'l' if name == manifest.label else 'd'}.{quoted(name)}" for name in shown)
    key = quoted(manifest.id)
    return f"SELECT {columns} FROM read_parquet('{data}') d JOIN read_parquet('{labels}') l ON d.{key} = l.{key}"


def _answer(parent: Parent, manifest: DatasetManifest) -> SourceFile:
    blobs = [blob for split in manifest.splits.values() for blob in (split.data, split.labels) if blob]
    return SourceFile(path=parent.dataset, bytes=sum(blob.bytes for blob in blobs), digest=parent.digest)
