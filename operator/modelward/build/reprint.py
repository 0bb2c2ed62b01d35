"""The small Job that prints a stored report again, because the pod's log is gone."""

from modelward.build.job import small_job
from modelward.build.task import task_config_map
from modelward.names import Manifest, child_name
from modelward.settings import Settings
from modelward_contracts.tasks import ReportTask


def reprint_name(job: str) -> str:
    """Of the Job that prints the report of `job` again."""
    return child_name(job, "report")


def reprint_job(
    owner: Manifest, job: str, labels: dict[str, str], report: str, settings: Settings
) -> tuple[Manifest, ...]:
    """Its task and itself. `report`: the digest."""
    name = reprint_name(job)
    task = ReportTask(namespace=owner["metadata"]["namespace"], store=settings.store_url, report=report)
    return task_config_map(owner, name, labels, task), small_job(owner, name, labels, "report", settings)
