"""What came of a version's expectations, told of the Dataset and of the version. Reasons of Valid (API):
ExpectationsMet, ExpectationsFailed, NothingExpected."""

from modelward.api.dataset import DatasetStatus
from modelward.api.expectations import Check, Checked, Failure
from modelward.decide.jobs import Said
from modelward_contracts.reports import IngestReport

EXPECTATIONS_FAILED = "ExpectationsFailed"


def checked_of(name: str, report: IngestReport) -> Checked:
    failures = [Failure(expectation=each.expectation, message=each.message) for each in report.failures]
    return Checked(version=name, expectations=report.expectations, failed=report.failed, failures=failures)


def aged(status: DatasetStatus, report: IngestReport) -> bool:
    """The version in use has only grown old: that is told of the Dataset, and makes no version wrong."""
    latest = status.latest_version
    same = latest is not None and latest.digest == report.manifest
    return same and 0 < report.failed == sum(each.ages for each in report.failures)


def in_words(name: str, report: IngestReport, limit: int) -> str:
    return f"{name}: {_listed(checked_of(name, report), limit - len(name) - 2)}"


def valid(check: Check) -> Said:
    """The condition Valid of a version."""
    if check.failed:
        return "False", EXPECTATIONS_FAILED, _listed(check, 4096)
    if not check.expectations:
        return "True", "NothingExpected", "the Dataset states no expectations"
    return "True", "ExpectationsMet", f"all of {check.expectations} expectations are met"


def _listed(check: Check, limit: int) -> str:
    """As many failures as there is room for."""
    said = f"{check.failed} of {check.expectations} expectations are not met"
    for number, failure in enumerate(check.failures):
        one = f"{'; ' if number else ': '}{failure.expectation}: {failure.message}"
        if len(said) + len(one) + 20 > limit:
            return f"{said}; and {check.failed - number} more"
        said += one
    return said + (f"; and {check.failed - len(check.failures)} more" if check.failed > len(check.failures) else "")
