"""The verdict step: write a rollback verdict into the store, where it outlives the cluster.

Of two verdicts on one revision the one with the larger retry stays, whichever Job runs last.
"""

from modelward_contracts.store import Store
from modelward_contracts.tasks import VerdictTask
from modelward_contracts.verdicts import StoredVerdict, verdict_key
from modelward_training.outcome import Done
from modelward_training.paths import Paths


def run(paths: Paths) -> Done:
    task = paths.task(VerdictTask)
    store, key = Store(task.store, task.namespace), verdict_key(task.deployment, task.revision)
    verdict = StoredVerdict(
        deployment=task.deployment,
        revision=task.revision,
        retry=task.retry,
        reason=task.reason,
        message=task.message,
        model=task.model,
        decided=task.decided,
    )
    known = store.read_record(key, StoredVerdict)
    if known is not None and known.retry >= task.retry:
        return Done("Recorded", f"a verdict with retry {known.retry} on {task.revision} is stored already")
    store.write_record(key, verdict)
    return Done("Recorded", f"the verdict on {task.revision} of {task.deployment} is stored")
