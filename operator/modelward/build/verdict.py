"""The small Job that writes a rollback verdict into the store, where it outlives status and cluster."""

from modelward.api.model_deployment import Verdict
from modelward.build.job import small_job
from modelward.build.task import task_config_map
from modelward.names import Manifest, child_name, labels
from modelward.settings import Settings
from modelward_contracts.tasks import VerdictTask


def verdict_job(owner: Manifest, verdict: Verdict, settings: Settings) -> tuple[Manifest, ...]:
    """Its task and itself; the name is the verdict's identity, so that it is written once."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    task = VerdictTask(
        namespace=namespace,
        store=settings.store_url,
        deployment=name,
        revision=verdict.revision,
        retry=verdict.retry,
        reason=verdict.reason,
        message=verdict.message,
        model=verdict.digest,
        decided=verdict.time,
    )
    job = child_name(name, f"verdict-{verdict.revision}-{verdict.retry}")
    own = labels("verdict", deployment=name, revision=verdict.revision, retry=str(verdict.retry))
    return task_config_map(owner, job, own, task), small_job(owner, job, own, "verdict", settings)
