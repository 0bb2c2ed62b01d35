"""A DatasetVersion from an ingest's report. Owned by nothing: it outlives its Dataset."""

from modelward.api import GROUP, VERSION
from modelward.api.dataset import Dataset
from modelward.names import Manifest, child_name, labels
from modelward_contracts.dialect import CsvDialect
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
        "task": report.task,
        "rows": report.rows,
        "bytes": report.bytes,
        "splitRows": report.split_rows,
        "label": columns.label,
        "id": report.id,
        "classes": report.classes,
        "columns": [{"name": c.name, "type": c.type, "nullable": c.nullable} for c in report.columns],
        "sources": [{"path": s.path, "bytes": s.bytes, "digest": s.digest} for s in report.sources],
        "sourceFiles": report.source_files,
    }
    if report.csv:
        spec["csv"] = _csv(report.csv, report.guessed)
    if report.warnings:
        spec["warnings"] = report.warnings
    if columns.time:
        spec["time"] = columns.time
    if latest and latest.digest != report.manifest:
        spec["parent"] = latest.name
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


def _csv(read: CsvDialect, guessed: list[str]) -> Manifest:
    found = {
        "header": read.header,
        "delimiter": read.delimiter,
        "quote": read.quote,
        "encoding": read.encoding,
        "decimal": read.decimal,
        "thousands": read.thousands,
        "nullValues": read.null_values,
        "skipLines": read.skip_lines,
        "comment": read.comment,
        "guessed": guessed,
    }
    return {field: value for field, value in found.items() if value is not None}
