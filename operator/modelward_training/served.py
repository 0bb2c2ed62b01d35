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
    store, key, service = Store(task.store, task.namespace), served_key(task.deployment), task.service
    known = store.read_record(key, StoredService)
    if known is not None and known.since > service.since:
        return Done("Recorded", f"revision {known.revision} has been in service since {known.since}")
    store.write_record(key, service)
    return Done("Recorded", f"revision {service.revision} of {task.deployment} is stored as in service")
