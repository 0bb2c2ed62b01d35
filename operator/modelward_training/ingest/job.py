"""The ingest step: one Dataset's source to one DatasetVersion in the store."""
# ruff: noqa: S608 - internal names only; the user's own SQL runs behind locked doors

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from msgspec import UNSET

from modelward_contracts.manifests import Blob, Column, DatasetManifest, SourceFile, Split
from modelward_contracts.reports import (
    MAX_FAILURES,
    MAX_WARNING,
    MAX_WARNINGS,
    ColumnStatistics,
    Failure,
    IngestReport,
    ParentVersion,
)
from modelward_contracts.store import Store
from modelward_contracts.tasks import IngestTask
from modelward_contracts.wire import digest_of
from modelward_training.outcome import Done, JobError, progress, report
from modelward_training.paths import Paths

from . import answer, bring, drift, expectations, handoff, last_look, load, split, validate
from .columns import Source
from .prepare import Table, prepare
from .statistics import counters, shortened, statistics

MAX_SOURCES = 1000


def run(paths: Paths) -> Done:
    task = paths.task(IngestTask)
    store = Store(task.store, task.namespace)
    with tempfile.TemporaryDirectory(prefix="modelward-") as scratch:
        source = _prepared(paths, Path(scratch)) if task.container else bring.look(task, paths, store, Path(scratch))
        same = last_look.as_before(store, task, source.listing)
        if same is not None:
            return report(store, same, "Unchanged", f"{same.source_files} files are as they were: none was read")
        brought = source.bring()
        made = _made(task, store, brought, Path(scratch))
    return _report(store, task, made, source.listing)


def _prepared(paths: Paths, scratch: Path) -> bring.There:
    """By the user's container, which runs whatever the source is like."""
    handed = handoff.read(paths)
    files = answer.take(paths.output, scratch / "answer")
    return bring.There(None, lambda: bring.Brought(files, handed.sources, handed.csv, handed.warnings))


def _made(task: IngestTask, store: Store, brought: bring.Brought, scratch: Path) -> "Made":
    folder = scratch / load.READABLE
    folder.mkdir(exist_ok=True)
    with load.connect(scratch) as con:
        progress(f"reading {sum(file.size for file in brought.files)} bytes", 0.3)
        read = load.answer(con, brought, task) if task.container else load.brought(con, brought, task, store, scratch)
        load.lock(con, folder)
        try:
            return _version(con, task, store, [*brought.described, *read.answers], read, folder)
        except duckdb.Error as error:
            raise _resources(error) from error


@dataclass(frozen=True)
class Made:
    manifest: DatasetManifest
    warnings: list[str]
    failures: list[Failure]
    """Not part of the version: other expectations of the same data make no other one."""
    statistics: dict[str, ColumnStatistics]


def _version(
    con: duckdb.DuckDBPyConnection,
    task: IngestTask,
    store: Store,
    sources: list[SourceFile],
    read: Source,
    folder: Path,
) -> Made:
    table = prepare(con, task, read)
    validate.check_columns(task, table.types)
    expectations.check_columns(task, table.types)
    valid = validate.check_rows(con, task, table)
    failures = expectations.check(con, task, table, datetime.now(UTC))
    progress(f"splitting {valid.rows} rows", 0.6)
    id_column, boundaries = split.assign(con, task, table)
    columns = _columns(con, table, read)
    splits = {name: _stored(con, store, task, id_column, table, name, folder) for name in split.names(task)}
    described = statistics(con, table)
    manifest = DatasetManifest(
        dataset=task.dataset,
        task=valid.task,
        columns=columns,
        label=task.label or "",
        id=id_column,
        time=task.time,
        classes=valid.classes,
        rows=valid.rows,
        splits=splits,  # type: ignore[arg-type]  # SPLITS holds the literals
        statistics=store.put_json(described),
        salt=task.salt,
        sources=sources,
        csv=read.csv,
        group=task.group or UNSET,
        boundaries=boundaries or UNSET,
    )
    inputs = {name: value for name, value in described.items() if name not in manifest.no_inputs}
    unbalanced = split.unbalanced(con, task, table, valid.classes)
    moved, uncompared = drift.compare(con, task, store, table, digest_of(manifest))
    warnings = [*read.warnings, *table.warnings, *counters(inputs), *unbalanced, *uncompared]
    return Made(manifest, warnings, [*failures, *moved], shortened(described, table.types))


def _stored(
    con: duckdb.DuckDBPyConnection,
    store: Store,
    task: IngestTask,
    id_column: str,
    table: Table,
    name: str,
    folder: Path,
) -> Split:
    files = split.write(con, name, task, id_column, table, folder)
    labels: Blob | None = store.put_file(files.labels) if files.labels else None
    return Split(rows=files.rows, data=store.put_file(files.data), labels=labels)


def _columns(con: duckdb.DuckDBPyConnection, table: Table, read: Source) -> list[Column]:
    nulls = con.execute(
        "SELECT " + ", ".join(f"bool_or({table.sql(name)} IS NULL)" for name in table.types) + " FROM rows"
    ).fetchone()
    assert nulls is not None
    return [
        Column(name=name, type=kind, nullable=nullable, guessed=name in read.guessed)
        for (name, kind), nullable in zip(table.types.items(), nulls, strict=True)
    ]


def _report(store: Store, task: IngestTask, made: Made, listing: str | None) -> Done:
    manifest = made.manifest
    value = IngestReport(
        manifest=store.put_json(manifest).digest,
        task=manifest.task,
        rows=manifest.rows,
        bytes=sum(part.data.bytes + (part.labels.bytes if part.labels else 0) for part in manifest.splits.values()),
        split_rows={name: part.rows for name, part in manifest.splits.items()},
        columns=manifest.columns,
        id=manifest.id,
        csv=manifest.csv,
        boundaries=manifest.boundaries or None,
        warnings=_bounded(made.warnings),
        expectations=expectations.count(task),
        failed=len(made.failures),
        failures=made.failures[:MAX_FAILURES],
        classes=manifest.classes,
        sources=manifest.sources[:MAX_SOURCES],
        source_files=len(manifest.sources),
        parents=[ParentVersion(dataset=each.dataset, digest=each.digest) for each in task.parents],
        statistics=made.statistics,
    )
    shares = ", ".join(f"{rows} {name}" for name, rows in value.split_rows.items())
    if boundaries := value.boundaries:
        shares += f"; validation from {boundaries.validation}, test from {boundaries.test} on"
    wrong = f"; {value.failed} of {value.expectations} expectations are not met" if value.failed else ""
    files = {"sql": "a query", "datasets": f"{len(task.parents)} datasets"}.get(task.source, "")
    files = files or f"{len(manifest.sources)} files"
    done = report(store, value, "Ingested", f"{manifest.rows} rows of {files}: {shares}{wrong}")
    assert done.report is not None
    last_look.remember(store, task, listing, value.manifest, done.report)
    return done


def _bounded(warnings: list[str]) -> list[str]:
    more = len(warnings) - MAX_WARNINGS
    kept = warnings if more <= 0 else [*warnings[: MAX_WARNINGS - 1], f"and {more + 1} warnings more"]
    return [text if len(text) <= MAX_WARNING else text[: MAX_WARNING - 1] + "…" for text in kept]


def _resources(error: duckdb.Error) -> JobError:
    text = str(error).splitlines()[0]
    if isinstance(error, duckdb.OutOfMemoryException):
        return JobError("OutOfMemory", f"the data does not fit: give ingest more memory ({text})")
    if "No space left" in str(error):
        return JobError("VolumeFull", "the ingest's working volume is full: make it larger", retryable=True)
    return JobError("InternalError", f"unexpected error of DuckDB: {text}")
