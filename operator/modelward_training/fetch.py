"""The fetch step: a dataset version from the store to the volume that `train` reads. Held-out labels stay behind.

Beside the splits and `params.json` it writes `dataset.json` (the dataset's manifest: columns, label, id, classes), so
that user code need not repeat what the Dataset says already. A script out of a git repository comes with it.

An imported model is brought to where `train` would have left one.

Where a run with the same inputs has left its result in the store, that is the answer, and nothing is fetched.
"""

import os
from dataclasses import replace

from msgspec import UNSET

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.store import Store
from modelward_contracts.tasks import SCRIPT_FILE, Commit, Reproduced, TrainTask
from modelward_contracts.wire import canonical, sha256
from modelward_training.gates import check_evaluation, check_gates
from modelward_training.hints import hints
from modelward_training.outcome import Done, JobError, progress
from modelward_training.paths import DATASET_FILE, PARAMETERS_FILE, Paths
from modelward_training.sample import get_rows
from modelward_training.search.asked import check_search
from modelward_training.search.fetch import as_told, known_trial, suggestion, winners_output
from modelward_training.shared_folder import emptied, shared
from modelward_training.stored import stored_result


def run(paths: Paths) -> Done:
    task = paths.task(TrainTask)
    store = Store(task.store, task.namespace)
    dataset = store.get_json(task.dataset, DatasetManifest)
    check_gates(task.gates, dataset.task)
    if task.evaluation is not UNSET:
        check_evaluation(task.evaluation, dataset)
    if task.search:
        check_search(task.search, dataset, task.estimator)
    commit = _script(task, store, paths)
    if found := stored_result(store, task, commit) or _of_search(store, task, commit, paths):
        return replace(found, commit=commit)
    tried = suggestion(store, task, commit, paths) if task.trial else None
    if task.estimator is None and not task.imported:
        for hint in hints(dataset):
            progress(hint)
    for number, (name, split) in enumerate(dataset.splits.items()):
        progress(f"fetching {split.rows} rows for {name}", number / len(dataset.splits))
        get_rows(store, split.data.digest, paths.input / f"{name}.parquet", task.sample)
    (paths.input / PARAMETERS_FILE).write_bytes(canonical(task.parameters | (tried or {})))
    (paths.input / DATASET_FILE).write_bytes(canonical(dataset))
    if task.engine:
        emptied(paths.output)  # on a volume that may have seen another try
        shared(paths.shared_checkpoint)
    shared(paths.output)
    if task.imported:
        from .imported.fetch import fetch  # imported here, because few runs need it

        fetch(task.imported, os.environ, paths)
    message = f"{dataset.rows} rows of {dataset.dataset} are in place"
    return Done("Fetched", message, commit=commit, trial=None if tried is None else as_told(tried))


def _of_search(store: Store, task: TrainTask, commit: Commit | None, paths: Paths) -> Done | None:
    """Where nothing is trained: a trial that was made already, or the last Job, which takes the winner's model."""
    if task.winner:
        return winners_output(store, task, task.winner, commit, paths)
    return known_trial(store, task, commit) if task.trial else None


def _script(task: TrainTask, store: Store, paths: Paths) -> Commit | None:
    """Before the data: what fails here fails soon."""
    if task.script and task.reproduces:
        _out_of_the_store(task.script, task.reproduces, store, paths)
    elif task.script and sha256(paths.script_text.read_bytes()) != task.script:
        what = "the script beside the task is not the one that the run has pinned"
        raise JobError("ScriptChanged", f"{what}: somebody has changed the Job's ConfigMap")
    if not task.git:
        return None
    from .script.fetch import fetch  # imported here, because few runs need it

    return fetch(task.git, os.environ, paths)


def _out_of_the_store(digest: str, reproduced: Reproduced, store: Store, paths: Paths) -> None:
    """The text that a version was trained with: its ConfigMap may be gone."""
    progress(f"the script is the one that {reproduced.version} was trained with")
    paths.script.mkdir(parents=True, exist_ok=True)
    store.get_file(digest, paths.script / (reproduced.file or SCRIPT_FILE))
