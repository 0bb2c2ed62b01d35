"""A DatasetVersion from an ingest's report. Owned by nothing: it outlives its Dataset."""

from msgspec import to_builtins

from modelward.api import GROUP, VERSION
from modelward.api.dataset import Dataset
from modelward.names import Manifest, child_name, labels
from modelward_contracts.manifests import Column
from modelward_contracts.reports import IngestReport


def dataset_version_name(dataset: str, digest: str) -> str:
    """By content, so that the same content is the same version."""
    return child_name(dataset, digest.removeprefix("sha256:")[:10])


def dataset_version(dataset: Dataset, report: IngestReport) -> Manifest:
    """Its parent is the version that the Dataset had before."""
    latest, columns = dataset.status.latest_version, dataset.spec.columns
    spec = {
        "datasetName": dataset.metadata.name,
        "digest": report.manifest,
        "rows": report.rows,
        "bytes": report.bytes,
        "splitRows": {"train": 0, "validation": 0, "test": 0} | report.split_rows,
        "id": report.id,
        "classes": report.classes,
        "columns": [_column(column, report) for column in report.columns],
        "warnings": report.warnings,
        "sources": [{"path": s.path, "bytes": s.bytes, "digest": s.digest} for s in report.sources],
        "sourceFiles": report.source_files,
    }
    if report.csv:
        spec["csv"] = to_builtins(report.csv)
    if report.boundaries:
        spec["splitBoundaries"] = to_builtins(report.boundaries)
    if columns.group:
        spec["group"] = columns.group
    if columns.label:
        spec |= {"label": columns.label, "task": report.task}
    if columns.time:
        spec["time"] = columns.time
    if report.parents:
        spec["parents"] = [
            {"dataset": each.dataset, "version": dataset_version_name(each.dataset, each.digest), "digest": each.digest}
            for each in report.parents
        ]
    if latest is None:
        spec["newRows"] = report.rows
    elif latest.digest != report.manifest:
        spec |= {"parent": latest.name, "newRows": report.rows - latest.rows}
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "DatasetVersion",
        "metadata": {
            "name": dataset_version_name(dataset.metadata.name, report.manifest),
            "namespace": dataset.metadata.namespace,
            "labels": labels("dataset-version", dataset=dataset.metadata.name),
        },
        "spec": spec,
    }


def _column(column: Column, report: IngestReport) -> Manifest:
    told: Manifest = to_builtins(column)
    found = report.statistics.get(column.name)
    return told | {"statistics": to_builtins(found)} if found else told
