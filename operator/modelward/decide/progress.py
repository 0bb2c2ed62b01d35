"""How far a run is: what is written of it, and when its log is looked at again.

A write at once for a new step, else at most one every few seconds, and only for news. A log is the less often read the
longer the run takes.
"""

from datetime import datetime

from modelward.api.training_run import RunProgress, TrainingRunStatus
from modelward.decide.conditions import timestamp
from modelward.decide.jobs import JobSeen
from modelward.decide.observed import parse_time
from modelward_contracts.reports import Progress

_BETWEEN_WRITES = 4.0
_FIRST_LOOK, _LAST_LOOK, _LOOKS = 5.0, 60.0, 20
"""Seconds between two looks: a twentieth of the time that it has taken, within bounds."""


def progressed(before: RunProgress | None, job: JobSeen, now: datetime) -> RunProgress | None:
    said = job.progress or Progress()
    if job.step is None:
        return before
    new = RunProgress.model_validate(
        {
            "step": job.step,
            "fraction": said.fraction,
            "message": said.message,
            "metrics": said.metrics,
            "time": timestamp(now),
        }
    )
    if before is None or before.step != new.step:
        return new
    known = job.progress is None or new.model_copy(update={"time": before.time}) == before
    return before if known or (now - parse_time(before.time)).total_seconds() < _BETWEEN_WRITES else new


def look_again_in(status: TrainingRunStatus, now: datetime) -> float:
    """Seconds."""
    begun = parse_time(status.start_time) if status.start_time else now
    return min(_LAST_LOOK, max(_FIRST_LOOK, (now - begun).total_seconds() / _LOOKS))
