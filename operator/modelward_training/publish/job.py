"""The publish step: take, examine, compare, measure, describe, evaluate, store."""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from msgspec import UNSET

from modelward_contracts.inputs import StoredRun, inputs_hash
from modelward_contracts.manifests import DatasetManifest, ModelManifest
from modelward_contracts.reports import MAX_IMPORTANCE, MAX_SLICES, PublishReport
from modelward_contracts.store import Store, file_digest
from modelward_contracts.tasks import COMMIT_FILE, Commit, TrainTask
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import canonical, decode
from modelward_training.gates import costs
from modelward_training.outcome import Done, JobError, progress, report
from modelward_training.paths import COLUMNS_FILE, Paths
from modelward_training.sample import get_rows
from modelward_training.search import publish as trials

from . import evaluation, intake, isolated, metrics, parity
from .classes import texts
from .evaluation import Evaluated
from .examined import ASKED, HELD_OUT, Asked, Examined
from .isolated import HeldOut
from .metrics import Answers
from .packages import versions
from .profile import profile

Array = np.ndarray[Any, Any]
NOT_COMPARED = "parity is not compared: an imported model comes without predictions of the model that it was made of"


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
        _take(task, paths, folder)
        output = trials.keep(store, folder) if task.trial else None
        _fetch(task, store, dataset, folder)
        (folder / ASKED).write_bytes(canonical(_asked(task, paths)))
        progress("checking the model and running it on held-out rows", 0.2)
        examined = isolated.examine(folder)
        parts = {split: isolated.held_out(folder, split, examined.signature) for split in HELD_OUT}
        code = _code(task, paths)
        if output:
            size = (folder / intake.MODEL).stat().st_size
            alone = costs(examined.latency_seconds, size, examined.memory_bytes)
            _compared(task, dataset, examined, parts)
            measured = metrics.values(_answers(task, store, dataset, "validation", parts["validation"]))
            return trials.trial(task, store, paths, code.commit, output, measured, alone)
        return _publish(task, code, store, dataset, folder, examined, parts)


def _compared(
    task: TrainTask, dataset: DatasetManifest, examined: Examined, parts: dict[str, HeldOut]
) -> dict[str, float]:
    """The model with what `train` says that it predicts. Empty where there is nothing to compare with."""
    if task.imported:
        return {}
    held_out = list(parts.values())
    if dataset.task == "regression":
        return parity.regression(held_out, examined.tolerance)
    return parity.classification(held_out, examined.tolerance, dataset.classes)


def _take(task: TrainTask, paths: Paths, folder: Path) -> None:
    """An imported model comes without predictions, and is the one that `fetch` has looked at."""
    if not task.imported:
        intake.take(paths.output, folder)
        return
    intake.take(paths.output, folder, [intake.MODEL])
    found = file_digest(folder / intake.MODEL)
    if found != task.imported.digest:
        raise JobError("DigestMismatch", f"model.onnx has the digest {found}, and {task.imported.digest} was fetched")


def _asked(task: TrainTask, paths: Paths) -> Asked:
    columns = paths.input / COLUMNS_FILE if task.imported and task.imported.mlflow else None
    return Asked(
        importance_rows=evaluation.asked(task).importance_rows,
        seed=task.seed,
        native=not task.imported,
        columns=decode(columns.read_bytes(), list[str]) if columns else [],
    )


def _fetch(task: TrainTask, store: Store, dataset: DatasetManifest, folder: Path) -> None:
    """From the store and not from the volume, which `train` could write to."""
    for name, split in dataset.splits.items():
        get_rows(store, split.data.digest, folder / f"{name}.parquet", task.sample)
    (folder / "dataset.json").write_bytes(canonical(dataset))


def _code(task: TrainTask, paths: Paths) -> Code:
    """From where `train` could not write to."""
    commit = decode((paths.handoff / COMMIT_FILE).read_bytes(), Commit) if task.git else None
    beside = task.script and not task.reproduces
    return Code(paths.script_text.read_bytes() if beside else None, commit)


def _publish(
    task: TrainTask,
    code: Code,
    store: Store,
    dataset: DatasetManifest,
    folder: Path,
    examined: Examined,
    parts: dict[str, HeldOut],
) -> Done:
    compared = _compared(task, dataset, examined, parts)
    answers = {split: _answers(task, store, dataset, split, part) for split, part in parts.items()}
    measured = {split: metrics.values(each) for split, each in answers.items()}
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
    alone = costs(examined.latency_seconds, manifest.model.bytes, examined.memory_bytes)
    progress("comparing it with others", 0.8)
    evaluated = evaluation.evaluate(task, store, dataset, folder, manifest, answers["test"], alone)
    return _report(task, code.commit, store, manifest, examined, measured, compared, evaluated)


def _report(
    task: TrainTask,
    commit: Commit | None,
    store: Store,
    manifest: ModelManifest,
    examined: Examined,
    measured: dict[str, dict[str, float]],
    compared: dict[str, float],
    evaluated: Evaluated,
) -> Done:
    told = [*examined.notes, *evaluated.notes, *_moving(task, commit)]
    record, notes = evaluated.record, [*told, NOT_COMPARED] if task.imported else told
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
        gates=record.gates,
        batching=manifest.batching,
        inputs_hash=manifest.inputs_hash,
        commit=commit or UNSET,
        notes=notes,
        slices=record.slices[:MAX_SLICES],
        baselines=record.baselines,
        importance=record.importance[:MAX_IMPORTANCE],
        evaluation=store.put_json(record).digest,
        packages=versions(),
        sample=task.sample,
        search=trials.result(task, store, commit) or UNSET,
    )
    failed = [gate.message for gate in record.gates if not gate.passed]
    message = "; ".join(failed) or ", ".join(f"{name} {number:.4g}" for name, number in measured["test"].items())
    message = "; ".join([message, *notes])
    done = report(store, value, "GateFailed" if failed else "Published", message)
    if task.registers and done.report:
        result = StoredRun(manifest=digest, report=done.report, run=task.run)
        store.write_record(run_key(manifest.inputs_hash), result)
    return done


def _moving(task: TrainTask, commit: Commit | None) -> list[str]:
    """What was trained with is one commit; what the run says is a name that may mean another by now."""
    if not task.git or not commit or not commit.branch:
        return []
    return [f"the script is that of branch {task.git.revision} at commit {commit.commit}, and a branch moves"]


def _answers(task: TrainTask, store: Store, dataset: DatasetManifest, split: str, part: HeldOut) -> Answers:
    truth = _labels(task, store, dataset, split)
    if dataset.task == "regression":
        return Answers(truth.astype(float), part.predicted)
    numbers = {name: number for number, name in enumerate(dataset.classes)}
    known = np.array([numbers[name] for name in texts(truth)])
    return Answers(known, part.predicted, part.probabilities, len(dataset.classes))


def _labels(task: TrainTask, store: Store, dataset: DatasetManifest, split: str) -> Array:
    """The held-out labels, in the order of the ids, which is the data's too."""
    blob = dataset.splits[split].labels  # type: ignore[index]  # a name out of HELD_OUT
    if blob is None:
        raise JobError("InvalidDataset", f"the dataset version has no labels for {split}: ingest it again")
    with tempfile.TemporaryDirectory() as folder:
        get_rows(store, blob.digest, Path(folder) / "labels.parquet", task.sample)
        table = pq.read_table(Path(folder) / "labels.parquet")
    return np.asarray(table[dataset.label].to_numpy())
