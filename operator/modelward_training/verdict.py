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
    verdict = StoredVerdict(
        deployment=task.deployment,
        revision=task.revision,
        retry=task.retry,
        reason=task.reason,
        message=task.message,
        model=task.model,
        decided=task.decided,
    )
    larger = list[StoredVerdict]()

    def unless_larger(known: StoredVerdict | None) -> StoredVerdict | None:
        larger[:] = [known] if known is not None and known.retry >= task.retry else []
        return None if larger else verdict

    key = verdict_key(task.deployment, task.revision)
    Store(task.store, task.namespace).update_record(key, StoredVerdict, unless_larger)
    if larger:
        return Done("Recorded", f"a verdict with retry {larger[0].retry} on {task.revision} is stored already")
    return Done("Recorded", f"the verdict on {task.revision} of {task.deployment} is stored")
