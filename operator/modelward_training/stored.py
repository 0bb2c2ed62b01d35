"""A result that the store holds already, of a run with the same inputs: nothing is trained; gates are judged anew."""

import tempfile
from dataclasses import replace
from pathlib import Path

import msgspec

from modelward_contracts.inputs import StoredRun, inputs_hash
from modelward_contracts.manifests import ModelManifest
from modelward_contracts.reports import MAX_REPORT, PublishReport
from modelward_contracts.store import BlobMissing, DigestMismatch, Store
from modelward_contracts.tasks import TrainTask
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import decode
from modelward_training.gates import judge
from modelward_training.outcome import Done, progress, report


def stored_result(store: Store, task: TrainTask) -> Done | None:
    """None: it has to be trained."""
    if task.retrain is True or task.sample is not msgspec.UNSET:
        return None
    found = store.read_record(run_key(inputs_hash(task)), StoredRun)
    if found is None:
        return None
    try:
        said = decode(store.get_bytes(found.report, MAX_REPORT), PublishReport)
        _renew(store, found)
    except (BlobMissing, DigestMismatch, msgspec.DecodeError) as error:
        progress(f"the stored result of a run with the same inputs is not whole, and is trained again: {error}")
        return None
    by = f"run {found.run}" if found.run else "an earlier run"
    note = f"{by} with the same inputs had left this result in the store: nothing was trained"
    value = msgspec.structs.replace(said, gates=judge(task.gates, measured(said)), notes=[*said.notes, note][-20:])
    return replace(report(store, value, "Stored", note), last=True)


def measured(said: PublishReport) -> dict[str, float]:
    """All that gates may name, as publish had it."""
    costs = {f"latency_{name}_seconds": value for name, value in said.latency_seconds.items()}
    costs |= {"model_bytes": float(said.model_bytes), "memory_bytes": float(said.memory_bytes)}
    return {**said.metrics, **costs}


def _renew(store: Store, found: StoredRun) -> None:
    """All that belongs to it is whole, and young again: nothing takes it away before the version names it."""
    manifest = store.get_json(found.manifest, ModelManifest)
    with tempfile.TemporaryDirectory(prefix="modelward-") as folder:
        path, parts = Path(folder) / "blob", (manifest.model, manifest.profile, manifest.golden)
        for digest in (found.manifest, *(part.digest for part in parts)):
            store.get_file(digest, path)
            store.put_file(path)
