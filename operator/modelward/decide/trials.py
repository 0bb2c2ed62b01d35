"""The trials of a search as they are kept in the status: what has ended, what is best, and what may begin.

Trial n may begin once all trials up to n - p are over, and what speaks against it is looked for among those alone: so
the trials that are made are the same whatever ended first. The best is the one with the best value, and of equals the
first.
"""

from collections.abc import Iterable
from typing import Any

from modelward.api.search import SHOWN, SearchSpec, SearchStatus, Trial
from modelward.build.search import search_asked
from modelward.decide.jobs import LOST, Problem
from modelward.decide.run import TrialSeen
from modelward_contracts.reports import TrialReport

TOLD = 512


def running(status: SearchStatus) -> list[Trial]:
    return [trial for trial in status.trials if trial.state == "Running"]


def ended(seen: TrialSeen) -> Trial | None:
    """How a trial ended; None: it has not, or nobody can tell yet."""
    if isinstance(seen.job.report, TrialReport):
        return _measured(seen.job.report)
    if seen.job.state != "Failed":
        return None
    problem = seen.job.problem or LOST
    message = f"{problem.reason}: {problem.message}"
    return Trial(number=seen.number, state="Failed", parameters=seen.job.trial or {}, message=_cut(message))


def _measured(report: TrialReport) -> Trial:
    broken = [name for name, excess in report.excess.items() if excess > 0]
    return Trial(
        number=report.trial,
        state="Complete" if report.feasible else "Infeasible",
        value=report.value,
        parameters=report.parameters,
        message=_cut(f"not {', not '.join(broken)}") if broken else None,
    )


def not_its_fault(seen: TrialSeen) -> Problem | None:
    """Why a trial failed, where other parameters would change nothing."""
    job = seen.job
    if job.state != "Failed":
        return None
    problem = job.problem or LOST
    common = job.trial is None or job.retryable or problem.reason in ("TestsFailed", "DeadlineExceeded")
    return problem if common else None


def with_ended(status: SearchStatus, spec: SearchSpec, seen: Iterable[TrialSeen]) -> SearchStatus:
    """Those that ran, and have ended by now."""
    open_ = {trial.number for trial in running(status)}
    for trial in sorted((found for one in seen if (found := ended(one))), key=lambda trial: trial.number):
        if trial.number in open_:
            status = _with(status, spec, trial)
    return status


def _with(status: SearchStatus, spec: SearchSpec, trial: Trial) -> SearchStatus:
    update: dict[str, Any] = {"trials": _shown([trial, *(t for t in status.trials if t.number != trial.number)])}
    match trial.state:
        case "Failed":
            update["failed"] = sorted([*status.failed, trial.number])
        case "Infeasible":
            update["infeasible"] = status.infeasible + 1
        case "Complete":
            update["complete"] = status.complete + 1
            update["best"] = min(filter(None, (status.best, trial)), key=lambda each: _rank(spec, each))
            if _reaches(spec, trial):
                update["reached"] = min(trial.number, status.reached or trial.number)
    return status.model_copy(update=update)


def _shown(trials: Iterable[Trial]) -> list[Trial]:
    """In their order; of those that are over the newest."""
    ordered = sorted(trials, key=lambda trial: trial.number)
    over = [trial.number for trial in ordered if trial.state != "Running"]
    return [trial for trial in ordered if trial.state == "Running" or trial.number in over[-SHOWN:]]


def _rank(spec: SearchSpec, trial: Trial) -> tuple[float, int]:
    assert trial.value is not None
    return (-trial.value if spec.objective.type == "maximize" else trial.value), trial.number


def _reaches(spec: SearchSpec, trial: Trial) -> bool:
    goal = spec.objective.goal
    if goal is None or trial.value is None:
        return False
    return trial.value >= goal if spec.objective.type == "maximize" else trial.value <= goal


def begun(status: SearchStatus, spec: SearchSpec) -> SearchStatus:
    """With all trials that may begin now."""
    asked = search_asked(spec)
    oldest = min((trial.number for trial in running(status)), default=asked.last + 1)
    first = status.begun + 1
    numbers = range(first, min(asked.last, oldest - 1 + asked.parallel, status.begun + asked.parallel) + 1)
    new = [Trial(number=n, state="Running") for n in numbers if not _enough(status, n - asked.parallel)]
    return status.model_copy(
        update={"begun": status.begun + len(new), "trials": _shown([*status.trials, *new])} if new else {}
    )


def _enough(status: SearchStatus, known: int) -> bool:
    """A trial up to this one has reached the goal."""
    return status.reached is not None and status.reached <= known


def summary(status: SearchStatus, spec: SearchSpec) -> str:
    return f"{over(status)} of {search_asked(spec).last}"


def over(status: SearchStatus) -> int:
    return status.complete + status.infeasible + len(status.failed)


def _cut(text: str) -> str:
    return text if len(text) <= TOLD else f"{text[: TOLD - 1]}…"
