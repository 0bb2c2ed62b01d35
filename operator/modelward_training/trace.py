"""The trace step: write into the store what was looked at in a trial."""

from modelward_contracts.store import Store
from modelward_contracts.tasks import TraceTask
from modelward_contracts.trace import trace_key
from modelward_training.outcome import Done
from modelward_training.paths import Paths


def run(paths: Paths) -> Done:
    task = paths.task(TraceTask)
    key = trace_key(task.deployment, task.revision, task.part)
    Store(task.store, task.namespace).write_bytes(key, task.trace)
    return Done("Recorded", f"the trace is stored as {task.namespace}/{key}")
