"""What is seen of a Job, and what that means for the resource that asked for it.

Reasons (API) of a Job that does not get on: FailedCreate, Unschedulable, SourceClaimNotFound, SecretNotFound,
ImagePullBackOff, InvalidImageName, ErrImageNeverPull, CreateContainerConfigError, CreateContainerError, NotStarting,
NoPod. Of one that failed: what our step said (SourceNotFound, ColumnMissing, InvalidModel, StoreFull …), or
<Step>Failed (TrainFailed), StartError, OOMKilled, DeadlineExceeded, Evicted, BackoffLimitExceeded, ResultLost.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from modelward.api.common import Condition, ConditionStatus, Status
from modelward.decide.conditions import drop_condition, set_condition
from modelward.decide.plan import Event
from modelward.decide.stalled import MAY_COME
from modelward_contracts.reports import Progress, Report
from modelward_contracts.tasks import Commit

Said = tuple[ConditionStatus, str, str]
"""status, reason, message"""


@dataclass(frozen=True)
class Problem:
    """Why a Job does not get on, or failed."""

    reason: str
    message: str
    since: datetime | None = None
    """Not worth telling before: most volumes are bound and most images pulled within moments."""


@dataclass(frozen=True)
class JobSeen:
    name: str
    state: Literal["Active", "Suspended", "Succeeded", "Failed"]
    uid: str = ""
    step: str | None = None
    """The container that runs."""
    queue: str | None = None
    """That holds it, and why as far as that is known: `queue gpu: couldn't assign flavors …`."""
    progress: Progress | None = None
    """The last that this step said of itself, where that was asked for."""
    problem: Problem | None = None
    podless: bool = False
    """It should have a pod and has none; only Events of the Job tell why, and nobody tells of those."""
    retryable: bool = False
    """It failed, and neither data nor code are to blame."""
    ended: datetime | None = None
    digest: str | None = None
    """Of the report, as the termination message has it."""
    report: Report | None = None
    """From the log, proven by the digest."""
    stored: bool = False
    """Its first step found the report in the store, and nothing else was run."""
    commit: Commit | None = None
    """What a training's fetch took the script from."""
    trial: dict[str, Any] | None = None
    """What a trial's fetch said that it tries; None: it has not come so far."""
    printer: "JobSeen | None" = None
    """The Job that prints the report again."""

    @property
    def result_lost(self) -> bool:
        """It succeeded, and nobody can tell with what: its pod is gone, or the report in the store is."""
        lost = self.digest is None or (self.printer is not None and self.printer.state in ("Succeeded", "Failed"))
        return self.state == "Succeeded" and self.report is None and lost


NOT_BEGUN = frozenset(
    {
        "FailedCreate",
        "Unschedulable",
        "SourceClaimNotFound",
        "SecretNotFound",
        "ImagePullBackOff",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "NotStarting",
        "NoPod",
    }
)
"""Reasons of a Job whose code has not run: what is missing may come."""
_PODLESS_AGAIN, _REFUSED_AGAIN, _QUEUED_AGAIN = 2.0, 30.0, 15.0
LOST = Problem("ResultLost", "the Job succeeded, but its pod is gone and with it the report of the result")


def hindrance(job: JobSeen, now: datetime) -> Problem | None:
    """The problem of an active Job, once it lasts."""
    found = job.problem
    return found if found and (found.since is None or found.since <= now) else None


def with_hint(problem: Problem, hint: str) -> Problem:
    """The API server's words about a pod that it refuses, and where the user says how the pod is made."""
    return replace(problem, message=f"{problem.message}; {hint}") if problem.reason == "FailedCreate" else problem


def next_look(job: JobSeen, now: datetime) -> float | None:
    """Seconds until a problem lasts, or a pod that does not come may be explained; watches tell everything else."""
    if job.queue:
        return _QUEUED_AGAIN
    if job.podless:
        return _REFUSED_AGAIN if hindrance(job, now) else _PODLESS_AGAIN
    since = job.problem.since if job.problem else None
    return max(1.0, (since - now).total_seconds()) if since and since > now else None


def held(job: JobSeen) -> Said:
    """Of a suspended one."""
    if job.queue:
        return "Unknown", "Queued", f"Job {job.name} waits in {job.queue}"
    return "Unknown", "Suspended", f"Job {job.name} is suspended, until who did it lets it go on"


def warning(before: Condition | None, said: Said) -> tuple[Event, ...]:
    """An Event for a failure that the condition does not show yet."""
    status, reason, message = said
    known = before is not None and (before.status, before.reason) == (status, reason)
    return () if status != "False" or known else (Event("Warning", reason, message),)


def with_ready(
    status: Status, said: Said, generation: int, now: datetime, *, goes_on: bool = False
) -> dict[str, object]:
    """The fields of a status that say how it is, for `model_copy(update=…)`. `goes_on`: by itself, whatever is said."""
    conditions = set_condition(status.conditions, "Ready", *said, generation, now)
    ready, reason, message = said
    if ready == "False" and not goes_on and reason not in MAY_COME:
        conditions = set_condition(conditions, "Stalled", "True", reason, message, generation, now)
    else:
        conditions = drop_condition(conditions, "Stalled")
    return {"conditions": conditions, "observed_generation": generation}
