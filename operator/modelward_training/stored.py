"""A result that the store holds already, of a run with the same inputs: nothing is trained; gates are judged anew."""

import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from modelward_contracts.inputs import StoredRun, inputs_hash
from modelward_contracts.manifests import ModelManifest
from modelward_contracts.reports import MAX_REPORT, EvaluationRecord, GateResult, PublishReport
from modelward_contracts.store import BlobMissing, DigestMismatch, Store
from modelward_contracts.tasks import Commit, TrainTask
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import decode
from modelward_training.gates import costs
from modelward_training.outcome import Done, progress, report


def stored_result(store: Store, task: TrainTask, commit: Commit | None = None) -> Done | None:
    """None: it has to be trained."""
    if task.retrain is True or task.sample is not msgspec.UNSET or _compares(task):
        return None
    found = store.read_record(run_key(inputs_hash(task, commit)), StoredRun)
    if found is None:
        return None
    try:
        said = decode(store.get_bytes(found.report, MAX_REPORT), PublishReport)
        _renew(store, found, said)
        gates = _judged(store, task, said)
    except (BlobMissing, DigestMismatch, msgspec.DecodeError) as error:
        progress(f"the stored result of a run with the same inputs is not whole, and is trained again: {error}")
        return None
    by = f"run {found.run}" if found.run else "an earlier run"
    note = f"{by} with the same inputs had left this result in the store: nothing was trained"
    value = msgspec.structs.replace(said, gates=gates, notes=[*said.notes, note][-20:])
    return replace(report(store, value, "Stored", note), last=True)


def _compares(task: TrainTask) -> bool:
    """Gates that compare row by row need the rows."""
    return task.serving is not msgspec.UNSET or any(gate.not_worse_than == "Baseline" for gate in task.gates)


def _judged(store: Store, task: TrainTask, said: PublishReport) -> list[GateResult]:
    from .publish.gates import Evidence, judge  # all that publish measures with, which a fetch seldom needs
    from .publish.metrics import Answers, Measured

    nothing = np.empty(0)
    found = {name: Measured(value, nothing) for name, value in said.metrics.items()}
    probabilities = nothing if said.signature.probability_output else None
    answers = Answers(nothing, nothing, probabilities, len(said.signature.classes))
    alone = costs(said.latency_seconds, said.model_bytes, said.memory_bytes)
    slices = store.get_json(said.evaluation, EvaluationRecord).slices if said.evaluation else []
    return judge(task.gates, Evidence(answers, found, alone, slices))


def _renew(store: Store, found: StoredRun, said: PublishReport) -> None:
    """All that belongs to it is whole, and young again: nothing takes it away before the version names it."""
    manifest = store.get_json(found.manifest, ModelManifest)
    with tempfile.TemporaryDirectory(prefix="modelward-") as folder:
        path, parts = Path(folder) / "blob", (manifest.model, manifest.profile, manifest.golden, manifest.script)
        digests = [found.manifest, said.evaluation, *(part.digest for part in parts if part)]
        for digest in filter(None, digests):
            store.get_file(digest, path)
            store.put_file(path)
