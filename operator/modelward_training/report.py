"""The report step: print a stored report again, because the log of the pod that said it is gone."""

from modelward_contracts.reports import MAX_REPORT, Report
from modelward_contracts.store import Store
from modelward_contracts.tasks import ReportTask
from modelward_contracts.wire import decode
from modelward_training.outcome import Done, emit
from modelward_training.paths import Paths


def run(paths: Paths) -> Done:
    task = paths.task(ReportTask)
    data = Store(task.store, task.namespace).get_bytes(task.report, MAX_REPORT)
    emit(decode(data, Report))  # type: ignore[arg-type]  # a union of shapes is a type to msgspec
    return Done("Reported", "the stored report is printed again", task.report)
