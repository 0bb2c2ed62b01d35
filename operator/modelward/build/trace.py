"""The small Job that writes the trace of a trial into the store, where it can be judged again."""

from modelward.build.job import small_job
from modelward.build.task import task_config_map
from modelward.names import Manifest, child_name, labels, short_hash
from modelward.settings import Settings
from modelward_contracts.tasks import TraceTask


def trace_name(deployment: str, revision: str, part: str) -> str:
    return child_name(deployment, f"trace-{short_hash(revision, part)}")


def trace_job(owner: Manifest, revision: str, part: str, trace: bytes, settings: Settings) -> tuple[Manifest, ...]:
    """Itself, then its task: a Job without one fails in time and is taken away, a task without a Job would stay."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    task = TraceTask(
        namespace=namespace, store=settings.store_url, deployment=name, revision=revision, part=part, trace=trace
    )
    job, own = trace_name(name, revision, part), labels("trace", deployment=name)
    return small_job(owner, job, own, "trace", settings), task_config_map(owner, job, own, task)
