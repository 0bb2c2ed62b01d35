"""The small Job that tells the store which revision is in service: a deployment made anew begins with it."""

from modelward.api.model_deployment import ServingRevision
from modelward.build.job import small_job
from modelward.build.task import task_config_map
from modelward.names import Manifest, child_name, labels, short_hash
from modelward.settings import Settings
from modelward_contracts.tasks import ServedTask
from modelward_contracts.verdicts import StoredService


def served_name(deployment: str, revision: ServingRevision) -> str:
    """Of this time in service: a revision that comes back is told again."""
    return child_name(deployment, f"served-{short_hash(revision.revision, revision.since)}")


def served_job(owner: Manifest, revision: ServingRevision, settings: Settings) -> tuple[Manifest, ...]:
    """Its task and itself."""
    name, namespace = owner["metadata"]["name"], owner["metadata"]["namespace"]
    task = ServedTask(
        namespace=namespace,
        store=settings.store_url,
        deployment=name,
        service=StoredService(
            revision=revision.revision,
            since=revision.since,
            serving=revision.wire(),
        ),
    )
    job = served_name(name, revision)
    own = labels("served", deployment=name)
    return task_config_map(owner, job, own, task), small_job(owner, job, own, "served", settings)
