"""The served step: write into the store which revision is in service.

Of two the later one stays, whichever Job runs last.
"""

from modelward_contracts.store import Store
from modelward_contracts.tasks import ServedTask
from modelward_contracts.verdicts import StoredService, served_key
from modelward_training.outcome import Done
from modelward_training.paths import Paths


def run(paths: Paths) -> Done:
    task = paths.task(ServedTask)
    service, later = task.service, list[StoredService]()

    def unless_later(known: StoredService | None) -> StoredService | None:
        later[:] = [known] if known is not None and known.since > service.since else []
        return None if later else service

    Store(task.store, task.namespace).update_record(served_key(task.deployment), StoredService, unless_later)
    if later:
        return Done("Recorded", f"revision {later[0].revision} has been in service since {later[0].since}")
    return Done("Recorded", f"revision {service.revision} of {task.deployment} is stored as in service")
