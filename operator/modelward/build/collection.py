"""The ConfigMap in which a namespace's collections are remembered, and the Job that does one."""

from modelward.build.job import small_job
from modelward.build.task import task_config_map
from modelward.names import COLLECTION, Manifest, child_name, labels, short_hash
from modelward.settings import Settings
from modelward_contracts.tasks import CollectTask

SECONDS = 2 * 3600
"""A look that takes longer begins to be out of date."""


def collection_ledger(namespace: str, **data: str) -> Manifest:
    """Owned by nothing: its uid is that of the owner whom the store knows."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": COLLECTION, "namespace": namespace, "labels": labels("collection")},
        "data": data,
    }


def collect_name(due: str) -> str:
    """Of the collection that was due then."""
    return child_name(COLLECTION, short_hash(due))


def collect_job(ledger: Manifest, name: str, task: CollectTask, settings: Settings) -> tuple[Manifest, ...]:
    """Its task and itself."""
    own = labels("collect")
    job = small_job(ledger, name, own, "collect", settings)
    return task_config_map(ledger, name, own, task), {**job, "spec": {**job["spec"], "activeDeadlineSeconds": SECONDS}}
