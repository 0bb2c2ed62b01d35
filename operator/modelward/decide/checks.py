"""What is told of the user's own checks (spec.analysis.promql), and what lies of them in status."""

from modelward.api.common import ConditionStatus
from modelward.api.model_deployment import CheckAnswer, ServingRevision
from modelward.decide.judge.promql import IN_A_ROW, NO_ANSWER, WRONG, Check, compared, wrong
from modelward.decide.observed import DeploymentObserved
from modelward.decide.revision import known_to
from modelward.errors import Refused


def require_askable(o: DeploymentObserved, target: ServingRevision) -> None:
    """Raises Refused where a new version would be tried without a check that is to decide about it."""
    check = wrong(o.checks)
    if check and check.answer and target.revision not in known_to(o.status):
        raise Refused(check.reason, check.answer.message)


def answers(o: DeploymentObserved, moves: bool) -> list[CheckAnswer]:
    """As they are to be written: with each move, with what is remembered of the trial, and where one turns. Steady
    answers alone are no reason to write, and what was last said of a rollout stays until the next."""
    if not o.deployment.spec.analysis.promql:
        return []
    now = [check.answer for check in o.checks if check.answer]
    if not any(answer.time for answer in now):
        return o.status.checks
    return now if moves or _turning(now) != _turning(o.status.checks) else o.status.checks


def _turning(found: list[CheckAnswer]) -> list[tuple[str, str | None, str, int]]:
    return [(answer.id, answer.reason, answer.message, answer.beyond) for answer in found]


def checks_passed(o: DeploymentObserved) -> tuple[ConditionStatus, str, str] | None:
    """With the numbers as they were when it turned: those of a steady state change with every look."""
    before = o.status.condition("ChecksPassed")
    said = _said([check for check in o.checks if _telling(check, o)])
    if said is None:
        kept = before and o.deployment.spec.analysis.promql and before.reason not in WRONG
        return (before.status, before.reason, before.message) if before and kept else None
    status, reason, cause, details = said
    if before and before.reason == reason and before.message.startswith(cause):
        return status, reason, before.message
    return status, reason, cause + details


def _telling(check: Check, o: DeploymentObserved) -> bool:
    """Without a weight nothing is expected to be known of the candidate yet."""
    nothing_yet = check.reason == NO_ANSWER and o.status.phase != "Baking" and not o.status.weight
    return check.answer is not None and not nothing_yet


def _said(told: list[Check]) -> tuple[ConditionStatus, str, str, str] | None:
    """Status, reason, the cause in words that stay, and details."""
    if not told:
        return None
    if cannot := [check for check in told if check.reason in WRONG]:
        return "False", cannot[0].reason, f"{_names(cannot)} cannot be asked: ", _messages(cannot)
    if harmful := [check for check in told if check.in_a_row >= IN_A_ROW]:
        return "False", "BeyondLimit", f"{_names(harmful)} beyond the limit: ", "; ".join(map(compared, harmful))
    if silent := [check for check in told if check.reason]:
        return "Unknown", NO_ANSWER, f"{_names(silent)} without an answer: ", _messages(silent)
    return "True", "WithinLimits", "", "each check is within its limits"


def _names(checks: list[Check]) -> str:
    return ", ".join(f"{check.name} (dry run)" if check.spec.dry_run else check.name for check in checks)


def _messages(checks: list[Check]) -> str:
    return "; ".join(dict.fromkeys(check.answer.message for check in checks if check.answer))
