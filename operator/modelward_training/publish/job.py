"""The publish step: take, examine, compare, measure, judge, describe, store."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from msgspec import UNSET

from modelward_contracts.manifests import DatasetManifest, ModelManifest
from modelward_contracts.reports import GateResult, PublishReport
from modelward_contracts.store import Store
from modelward_contracts.tasks import COMMIT_FILE, Commit, TrainTask
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import canonical, decode, digest_of
from modelward_training.gates import judge
from modelward_training.outcome import Done, JobError, progress, report
from modelward_training.paths import Paths

from . import evaluate, intake, metrics, parity
from .classes import texts
from .evaluate import HeldOut
from .examined import HELD_OUT, Examined
from .profile import profile

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Code:
    """What was run, of a script."""

    script: bytes | None
    """The text of a ConfigMap."""
    commit: Commit | None
    """Of a git repository."""


def run(paths: Paths) -> Done:
    task = paths.task(TrainTask)
    store = Store(task.store, task.namespace)
    dataset = store.get_json(task.dataset, DatasetManifest)
    with tempfile.TemporaryDirectory(prefix="modelward-") as private:
        folder = Path(private)
        intake.take(paths.output, folder)
        _fetch(store, dataset, folder)
        progress("checking the model and running it on held-out rows", 0.2)
        examined = evaluate.examine(folder)
        parts = {split: evaluate.held_out(folder, split, examined.signature) for split in HELD_OUT}
        return _publish(task, _code(task, paths), store, dataset, folder, examined, parts)


def inputs_hash(task: TrainTask, commit: Commit | None = None) -> str:
    """Of all that decides what a training yields; `commit`: of a script out of git, wherever its repository is."""
    decisive = {
        "model": task.model_name,
        "dataset": task.dataset,
        "estimator": task.estimator,
        "image": task.image,
        "command": task.command,
        "environment": task.environment,
        "parameters": task.parameters,
        "seed": task.seed,
    }
    if task.script:
        decisive["script"] = task.script
    if task.git and commit:
        decisive["git"] = {"commit": commit.commit, "path": task.git.path}
    return digest_of(decisive)


def _fetch(store: Store, dataset: DatasetManifest, folder: Path) -> None:
    """From the store and not from the volume, which `train` could write to."""
    for name, split in dataset.splits.items():
        store.get_file(split.data.digest, folder / f"{name}.parquet")
    (folder / "dataset.json").write_bytes(canonical(dataset))


def _code(task: TrainTask, paths: Paths) -> Code:
    """From where `train` could not write to."""
    commit = decode((paths.handoff / COMMIT_FILE).read_bytes(), Commit) if task.git else None
    return Code(paths.script_text.read_bytes() if task.script else None, commit)


def _publish(
    task: TrainTask,
    code: Code,
    store: Store,
    dataset: DatasetManifest,
    folder: Path,
    examined: Examined,
    parts: dict[str, HeldOut],
) -> Done:
    held_out = list(parts.values())
    if dataset.task == "regression":
        compared = parity.regression(held_out, examined.tolerance)
    else:
        compared = parity.classification(held_out, examined.tolerance, dataset.classes)
    measured = {split: _measure(store, dataset, split, part) for split, part in parts.items()}
    progress("describing inputs and outputs", 0.7, measured["test"])
    outputs = {
        tensor.name: np.concatenate([part.outputs[tensor.name] for part in parts.values()])
        for tensor in examined.signature.outputs
    }
    manifest = ModelManifest(
        model_name=task.model_name,
        task=dataset.task,
        model=store.put_file(folder / intake.MODEL),
        signature=examined.signature,
        profile=store.put_json(profile(examined.signature, folder / "train.parquet", outputs)),
        golden=store.put_json(examined.golden),
        dataset=task.dataset,
        batching=examined.batching,
        inputs_hash=inputs_hash(task, code.commit),
        script=store.put_bytes(code.script) if code.script is not None else UNSET,
    )
    return _report(task, code.commit, store, manifest, examined, measured, compared)


def _report(
    task: TrainTask,
    commit: Commit | None,
    store: Store,
    manifest: ModelManifest,
    examined: Examined,
    measured: dict[str, dict[str, float]],
    compared: dict[str, float],
) -> Done:
    costs = {f"latency_{name}_seconds": value for name, value in examined.latency_seconds.items()}
    costs |= {"model_bytes": float(manifest.model.bytes), "memory_bytes": float(examined.memory_bytes)}
    notes = [*examined.notes, *_moving(task, commit)]
    gates = judge(task.gates, {**measured["test"], **costs})
    digest = store.put_json(manifest).digest
    value = PublishReport(
        manifest=digest,
        model=manifest.model.digest,
        model_bytes=manifest.model.bytes,
        task=manifest.task,
        signature=manifest.signature,
        metrics=measured["test"],
        validation_metrics=measured["validation"],
        parity=compared,
        latency_seconds=examined.latency_seconds,
        memory_bytes=examined.memory_bytes,
        gates=gates,
        batching=manifest.batching,
        inputs_hash=manifest.inputs_hash,
        commit=commit or UNSET,
        notes=notes,
    )
    failed = [_missed(gate, manifest) for gate in gates if not gate.passed]
    message = "; ".join(failed) or ", ".join(f"{name} {number:.4g}" for name, number in measured["test"].items())
    message = "; ".join([message, *notes])
    done = report(store, value, "GateFailed" if failed else "Published", message)
    store.write_record(run_key(manifest.inputs_hash), {"manifest": digest, "report": done.report})
    return done


def _moving(task: TrainTask, commit: Commit | None) -> list[str]:
    """What was trained with is one commit; what the run says is a name that may mean another by now."""
    if not task.git or not commit or not commit.branch:
        return []
    return [f"the script is that of branch {task.git.revision} at commit {commit.commit}, and a branch moves"]


def _missed(gate: GateResult, manifest: ModelManifest) -> str:
    if gate.value is not None:
        return f"{gate.metric} is {gate.value:.6g} and not {gate.bound}"
    why = "the test rows do not allow it"
    if manifest.task == "classification" and manifest.signature.probability_output is None:
        why = "model.onnx gives no probabilities"
    return f"{gate.metric} is not measured, because {why}, and so not {gate.bound}"


def _measure(store: Store, dataset: DatasetManifest, split: str, part: HeldOut) -> dict[str, float]:
    truth = _labels(store, dataset, split)
    if dataset.task == "regression":
        return metrics.regression(truth.astype(float), part.predicted)
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    known = np.array([numbers[name] for name in texts(truth)])
    return metrics.classification(known, part.predicted, part.probabilities, len(dataset.classes))


def _labels(store: Store, dataset: DatasetManifest, split: str) -> Array:
    """The held-out labels, in the order of the ids, which is the data's too."""
    blob = dataset.splits[split].labels  # type: ignore[index]  # a name out of HELD_OUT
    if blob is None:
        raise JobError("InvalidDataset", f"the dataset version has no labels for {split}: ingest it again")
    with tempfile.TemporaryDirectory() as folder:
        store.get_file(blob.digest, Path(folder) / "labels.parquet")
        table = pq.read_table(Path(folder) / "labels.parquet")
    return np.asarray(table[dataset.label].to_numpy())
