"""A ModelVersion from a training's report. Owned by nothing: deleting a run never takes a serving model away."""

from typing import Any

from modelward.api import GROUP, VERSION
from modelward.api.model_version import NOTE, NOTES
from modelward.api.training_run import PinnedDataset, TrainingRun
from modelward.names import DEFINITION, REGISTERED_MODEL, Manifest, labels
from modelward_contracts.manifests import Tensor
from modelward_contracts.reports import PublishReport


def model_version(run: TrainingRun, pinned: PinnedDataset, report: PublishReport, number: int) -> Manifest:
    """Labelled with the run's uid, so that a crash makes no second one."""
    metadata, model = run.metadata, run.spec.model_name
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "ModelVersion",
        "metadata": {
            "name": f"{model}-{number}",
            "namespace": metadata.namespace,
            "labels": labels(
                "model-version", model=model, version=str(number), training_run=metadata.name, run_uid=metadata.uid
            )
            | {label: metadata.labels[label] for label in (REGISTERED_MODEL, DEFINITION) if label in metadata.labels},
        },
        "spec": {
            "modelName": model,
            "version": number,
            "digest": report.manifest,
            "model": {"digest": report.model, "bytes": report.model_bytes},
            "task": report.task,
            "signature": {
                "inputs": [_tensor(t) for t in report.signature.inputs],
                "outputs": [_tensor(t) for t in report.signature.outputs],
                "classes": report.signature.classes,
            },
            "metrics": report.metrics,
            "validationMetrics": report.validation_metrics,
            **_batching(report),
            "parity": report.parity,
            "latencySeconds": report.latency_seconds,
            "memoryBytes": report.memory_bytes,
            "gates": [
                {"metric": g.metric, "bound": g.bound, "passed": g.passed}
                | ({"value": g.value} if g.value is not None else {})
                for g in report.gates
            ],
            "notes": [note[:NOTE] for note in report.notes[:NOTES]],
            "lineage": _lineage(run, pinned, report),
        },
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _batching(report: PublishReport) -> dict[str, Any]:
    told = report.batching
    return {"batching": {"rowsIndependent": told.rows_independent, "reason": told.reason[:1024]}} if told else {}


def _lineage(run: TrainingRun, pinned: PinnedDataset, report: PublishReport) -> dict[str, Any]:
    lineage: dict[str, Any] = {
        "trainingRun": run.metadata.name,
        "trainingRunUid": run.metadata.uid,
        "datasetVersion": pinned.name,
        "datasetDigest": pinned.digest,
        "inputsHash": report.inputs_hash,
    }
    if run.spec.cause:
        lineage["cause"] = run.spec.cause.wire()
    if run.spec.container:
        lineage["image"] = run.spec.container.image
    if run.spec.estimator:
        lineage["estimator"] = run.spec.estimator.name
    if run.status.script:
        commit = {"commit": report.commit.commit} if report.commit else {}
        lineage["script"] = run.status.script.wire() | commit
    return lineage
