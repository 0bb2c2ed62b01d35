"""What the fetch step of a search does besides: a trial's suggestion, or the winner's model.

The parameters that a trial tries go to `train` in params.json, and to `publish` past it. The last Job trains nothing:
`fetch` puts what the winner's trial left where its `train` had put it.
"""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelward_contracts.inputs import trial_key
from modelward_contracts.reports import MAX_TRIED, TrialReport
from modelward_contracts.search import Search, Winner
from modelward_contracts.store import BlobMissing, DigestMismatch, Store
from modelward_contracts.tasks import SUGGESTION_FILE, Commit, TrainTask
from modelward_contracts.wire import canonical
from modelward_training.outcome import Done, JobError, progress, report
from modelward_training.paths import Paths

Values = dict[str, Any]
Read = Callable[[int], TrialReport | None]
MODEL_FILE, PREDICTIONS_FILE = "model.onnx", "predictions.parquet"


def known_trial(store: Store, task: TrainTask, commit: Commit | None) -> Done | None:
    """The trial was made: by a pod that was ended right then, or for an earlier run with the same inputs."""
    assert task.trial
    key = trial_key(task, task.trial, commit)
    found = store.read_record(key, TrialReport)
    if found is None:
        return None
    try:
        _renew(store, key, found)
    except (BlobMissing, DigestMismatch) as error:
        progress(f"what trial {found.trial} left is not whole, and it is made again: {error}")
        store.forget(key)
        return None
    done = report(store, found, "Stored", f"trial {found.trial} was made already: {in_words(found.parameters)}")
    return replace(done, last=True)


def _renew(store: Store, key: str, found: TrialReport) -> None:
    """It is whole, and young again: nothing takes it away before the search is over."""
    store.write_record(key, found)
    with tempfile.TemporaryDirectory(prefix="modelward-") as folder:
        for digest in (found.model, found.predictions):
            store.get_file(digest, Path(folder) / "blob")
            store.put_file(Path(folder) / "blob")


def suggestion(store: Store, task: TrainTask, commit: Commit | None, paths: Paths) -> Values:
    """What the trial tries; `publish` finds it as well."""
    assert task.search
    found = suggested(task.search, task, lambda number: store.read_record(trial_key(task, number, commit), TrialReport))
    progress(f"trial {task.trial} of at most {task.search.last}: {in_words(found)}")
    paths.handoff.mkdir(parents=True, exist_ok=True)
    (paths.handoff / SUGGESTION_FILE).write_bytes(canonical(found))
    return found


def suggested(search: Search, task: TrainTask, read: Read) -> Values:
    from .suggest import suggest  # imported here, because Optuna is large

    assert task.trial
    failed = task.failed or []
    ended: dict[int, TrialReport] = {}
    for number in range(1, task.trial - search.parallel + 1):
        if number in failed:
            continue
        known = read(number)
        if known is None:
            what = f"the result of trial {number} is no longer in the store, and trial {task.trial} depends on it"
            raise JobError("TrialMissing", f"{what}: make the run again under another name")
        ended[number] = known
    return suggest(search, task.seed, task.trial, ended, failed)


def winners_output(store: Store, task: TrainTask, winner: Winner, commit: Commit | None, paths: Paths) -> Done:
    found = store.read_record(trial_key(task, winner.trial, commit), TrialReport)
    if found is None:
        what = f"the result of trial {winner.trial}, which won, is no longer in the store"
        raise JobError("TrialMissing", f"{what}: make the run again under another name")
    paths.output.mkdir(parents=True, exist_ok=True)
    store.get_file(found.model, paths.output / MODEL_FILE)
    store.get_file(found.predictions, paths.output / PREDICTIONS_FILE)
    return Done("Fetched", f"trial {winner.trial} won with {in_words(found.parameters)}; its model is in place")


def as_told(values: Values) -> Values:
    """As much of it as a termination message has room for."""
    return values if len(canonical(values)) <= MAX_TRIED else {}


def in_words(values: Values) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
