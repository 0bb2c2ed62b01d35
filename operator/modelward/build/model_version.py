"""A ModelVersion from a training's report. Owned by nothing: deleting a run never takes a serving model away."""

from typing import Any

from msgspec import UNSET
from msgspec.structs import asdict

from modelward.api import GROUP, VERSION
from modelward.api.evaluation import RESULTS, BaselineResult, EvaluationSpec, GateResult, Importance, SliceResult
from modelward.api.model_version import NOTE, NOTES, Searched
from modelward.api.training_run import PinnedDataset, TrainedAs, TrainingRun, TrainingRunSpec
from modelward.names import DEFINITION, REGISTERED_MODEL, Manifest, labels
from modelward.settings import Settings
from modelward_contracts import reports
from modelward_contracts.manifests import Tensor
from modelward_contracts.reports import MAX_IMPORTANCE, MAX_PACKAGES, MAX_SLICES, PublishReport


def model_version(
    run: TrainingRun, pinned: PinnedDataset, report: PublishReport, number: int, settings: Settings
) -> Manifest:
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
            "gates": [_gate(gate).wire() for gate in report.gates[:RESULTS]],
            **_evaluation(report),
            "notes": [note[:NOTE] for note in report.notes[:NOTES]],
            "store": settings.store_url,
            "asked": _asked(run.spec),
            "lineage": _lineage(run, pinned, report, settings),
        },
    }


def _tensor(tensor: Tensor) -> dict[str, Any]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": tensor.shape}


def _gate(gate: reports.GateResult) -> GateResult:
    return GateResult(**{name: value for name, value in asdict(gate).items() if value not in (UNSET, "")})


def _evaluation(report: PublishReport) -> dict[str, Any]:
    """What reports of earlier releases lack is left out."""
    found: dict[str, Any] = {
        "slices": [SliceResult(**asdict(each)).wire() for each in report.slices[:MAX_SLICES]],
        "baselines": [BaselineResult(**asdict(each)).wire() for each in report.baselines],
        "importance": [Importance(**asdict(each)).wire() for each in report.importance[:MAX_IMPORTANCE]],
        "evaluation": report.evaluation,
    }
    return {name: value for name, value in found.items() if value}


def _batching(report: PublishReport) -> dict[str, Any]:
    told = report.batching
    return {"batching": {"rowsIndependent": told.rows_independent, "reason": told.reason[:1024]}} if told else {}


def _asked(spec: TrainingRunSpec) -> dict[str, Any]:
    evaluation = {} if spec.evaluation == EvaluationSpec() else {"evaluation": spec.evaluation.wire()}
    return {"gates": [gate.wire() for gate in spec.gates]} | evaluation


def _lineage(run: TrainingRun, pinned: PinnedDataset, report: PublishReport, settings: Settings) -> dict[str, Any]:
    lineage: dict[str, Any] = {
        "trainingRun": run.metadata.name,
        "trainingRunUid": run.metadata.uid,
        "datasetVersion": pinned.name,
        "datasetDigest": pinned.digest,
        "inputsHash": report.inputs_hash,
        "platformImage": settings.training_image,
        "packages": dict(list(report.packages.items())[:MAX_PACKAGES]),
    }
    trained_as = TrainedAs(**{name: getattr(run.spec, name) for name in TrainedAs.model_fields})
    lineage["trainedAs"] = trained_as.wire()
    if run.spec.cause:
        lineage["cause"] = run.spec.cause.wire()
    if run.spec.container:
        lineage["image"] = run.spec.container.image
    if run.spec.estimator:
        lineage["estimator"] = run.spec.estimator.name
    if run.status.script:
        commit = {"commit": report.commit.commit} if report.commit else {}
        lineage["script"] = run.status.script.wire() | commit
    if report.search:
        lineage["search"] = Searched(**asdict(report.search)).wire()
    return lineage
