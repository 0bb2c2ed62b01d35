"""What is in service, run on the same test rows: its own ONNX out of the store, in a process of its own."""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from modelward_contracts.manifests import DatasetManifest, ModelManifest
from modelward_contracts.reports import PublishReport
from modelward_contracts.store import Store, StoreDenied, StoreError, StoreUnavailable
from modelward_contracts.tasks import ServingModel
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import canonical
from modelward_training.outcome import JobError

from . import isolated
from .classes import known
from .examined import SIGNATURE
from .metrics import Answers, Array, Measured, measure
from .signature import unfit


@dataclass(frozen=True)
class Opponent:
    """Another model on the same rows, or why there are no answers of it."""

    name: str
    answers: Answers | None = None
    why: str = ""
    note: str = ""
    before: dict[str, float] | None = None
    """Its metrics when it was published."""

    @cached_property
    def measured(self) -> dict[str, Measured]:
        """Empty where there are no answers."""
        return measure(self.answers) if self.answers else {}


def in_service(store: Store, named: ServingModel, dataset: DatasetManifest, folder: Path, truth: Array) -> Opponent:
    """`folder` holds test.parquet and dataset.json. The store's being away is an error; all else is a reason."""
    try:
        manifest = store.get_json(named.digest, ModelManifest)
        if why := unlike(manifest, dataset):
            return Opponent(named.version, why=why)
        own = folder / f"serving-{named.digest.removeprefix('sha256:')}"
        own.mkdir()
        for name in ("test.parquet", "dataset.json"):
            os.link(folder / name, own / name)
        (own / SIGNATURE).write_bytes(canonical(manifest.signature))
        store.get_file(manifest.model.digest, own / "model.onnx")
        said = isolated.score(own)
    except (StoreUnavailable, StoreDenied):
        raise
    except (StoreError, JobError) as error:
        return Opponent(named.version, why=str(error))
    answers = Answers(truth, said.predicted, said.probabilities, len(dataset.classes))
    return Opponent(
        named.version, answers, note=_split(store, named, manifest, dataset), before=_before(store, manifest)
    )


def unlike(manifest: ModelManifest, dataset: DatasetManifest) -> str:
    """Why it cannot answer these rows, or not this question."""
    if manifest.task != dataset.task:
        return f"it is a {manifest.task}, and this is a {dataset.task}"
    classes = set(known(manifest.signature.classes, dataset.classes))
    if classes != set(dataset.classes):
        own, ours = (", ".join(sorted(some)[:10]) for some in (classes, set(dataset.classes)))
        return f"its classes are {own}, and those of this data {ours}"
    reasons = [reason for tensor in manifest.signature.inputs if (reason := unfit(tensor, dataset))]
    more = f" (and {len(reasons) - 3} inputs more)" if len(reasons) > 3 else ""
    return "; ".join(reasons[:3]) + more


def _split(store: Store, named: ServingModel, manifest: ModelManifest, dataset: DatasetManifest) -> str:
    """Whether it may have seen these test rows in its training: not where rows are divided by the same salt."""
    try:
        its = store.get_json(manifest.dataset, DatasetManifest)
    except (StoreUnavailable, StoreDenied):
        raise
    except StoreError:
        return (
            f"whether {named.version} was trained on some of these test rows is not known: its data is not in the store"
        )
    if (its.salt, its.id, its.group, bool(its.boundaries)) == (
        dataset.salt,
        dataset.id,
        dataset.group,
        bool(dataset.boundaries),
    ):
        return ""
    return (
        f"{named.version} may have been trained on some of these test rows, and look better than it is: its data was "
        "split by another salt, id, group or time"
    )


def _before(store: Store, manifest: ModelManifest) -> dict[str, float] | None:
    record = store.read_record(run_key(manifest.inputs_hash), dict)
    try:
        return store.get_json(str(record["report"]), PublishReport).metrics if record else None
    except (StoreUnavailable, StoreDenied):
        raise
    except (StoreError, KeyError):
        return None
