"""The fetch step: a dataset version from the store to the volume that `train` reads. Held-out labels stay behind.

Beside the splits and `params.json` it writes `dataset.json` (the dataset's manifest: columns, label, id, classes), so
that user code need not repeat what the Dataset says already. A script out of a git repository comes with it.
"""

import os

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.store import Store
from modelward_contracts.tasks import Commit, TrainTask
from modelward_contracts.wire import canonical, sha256
from modelward_training.gates import check_gates
from modelward_training.outcome import Done, JobError, progress
from modelward_training.paths import Paths
from modelward_training.shared_folder import shared

DATASET_FILE = "dataset.json"
PARAMETERS_FILE = "params.json"


def run(paths: Paths) -> Done:
    task = paths.task(TrainTask)
    store = Store(task.store, task.namespace)
    dataset = store.get_json(task.dataset, DatasetManifest)
    check_gates(task.gates, dataset.task)
    commit = _script(task, paths)
    for name, split in dataset.splits.items():
        progress(f"fetching {split.rows} rows for {name}")
        store.get_file(split.data.digest, paths.input / f"{name}.parquet")
    (paths.input / PARAMETERS_FILE).write_bytes(canonical(task.parameters))
    (paths.input / DATASET_FILE).write_bytes(canonical(dataset))
    shared(paths.output)
    return Done("Fetched", f"{dataset.rows} rows of {dataset.dataset} are in place", commit=commit)


def _script(task: TrainTask, paths: Paths) -> Commit | None:
    """Before the data: what fails here fails soon."""
    if task.script and sha256(paths.script_text.read_bytes()) != task.script:
        what = "the script beside the task is not the one that the run has pinned"
        raise JobError("ScriptChanged", f"{what}: somebody has changed the Job's ConfigMap")
    if not task.git:
        return None
    from .script.fetch import fetch  # imported here, because few runs need it

    return fetch(task.git, os.environ, paths)
