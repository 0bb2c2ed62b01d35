"""A search, until its winner is known: trials are Jobs of the run, and what they came to is kept in its status.

A trial is written down before its Job is made, and its result before its Job is taken away; Jobs of trials that failed
stay, with their logs. What is missing is made again under the same number, and tries the same. Then the run's own Job
takes the winner's model and measures it on the test rows, and all goes on as with any run.

Reasons (API) of Ready: Searching, Queued, Suspended; of Failed: that of a trial that failed whatever its parameters, or
InvalidSearch, TooManyFailed, NoFeasibleTrial, DeadlineExceeded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from modelward.api.search import SearchSpec, SearchStatus, Trial
from modelward.api.training_run import RunProgress, TrainingRunStatus
from modelward.build.job import training_job
from modelward.build.search import search_asked, trial_name
from modelward.build.task import task_config_map, train_task
from modelward.decide.conditions import timestamp
from modelward.decide.jobs import JobSeen, Problem, Said, held, hindrance, next_look, warning
from modelward.decide.observed import parse_time
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.run import RunObserved, TrialSeen, failed, job_name, with_said, with_tasks
from modelward.decide.script import Script, script_of
from modelward.decide.service_account import allowed
from modelward.decide.trials import begun, not_its_fault, over, running, summary, with_ended
from modelward.errors import Refused
from modelward.names import Manifest, labels
from modelward.settings import Settings
from modelward_contracts.reports import PublishReport

AT_ONCE = 0.1
GO_ON = "trials that ended are in the store: the same run under another metadata.name goes on from them"


@dataclass(frozen=True)
class _Search:
    """Of this look: the spec, and the status with what has ended since the last."""

    o: RunObserved
    spec: SearchSpec
    status: SearchStatus
    now: datetime

    def said(self, said: Said, **more: object) -> TrainingRunStatus:
        found = self.status.model_copy(update={"summary": summary(self.status, self.spec)})
        return with_said(self.o, said, self.now, search=found, **more)


def check_lists(spec: SearchSpec | None) -> None:
    """What the API server cannot know of untyped values. Raises Refused."""
    for parameter in spec.parameters if spec else []:
        texts = [each for each in parameter.feasible_space.values or [] if isinstance(each, str | bool)]
        if parameter.parameter_type == "discrete" and texts:
            raise Refused(
                "InvalidSearch",
                f"search.parameters: {parameter.name} is discrete, and {texts[0]!r} in its list is no number: write "
                "parameterType: categorical in another run",
            )


def searches(run_status: TrainingRunStatus) -> bool:
    """It is pinned, and its winner not known yet."""
    return run_status.search is not None and run_status.job is None


def search(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    """Raises Wait and Refused of what a Job needs."""
    assert o.run.spec.search
    assert o.status.search
    s = _Search(o, o.run.spec.search, with_ended(o.status.search, o.run.spec.search, o.trials), now)
    stored = next((one for one in o.trials if isinstance(one.job.report, PublishReport)), None)
    if stored:
        return _found(s, stored)
    problem = _problem(s)
    if problem:
        return replace(_failed(s, problem), deletes=_jobs(_in_state(o, "Active", "Suspended")))
    if o.run.spec.suspend:
        return _suspended(s)
    allowed(o.run.spec.pod, settings)
    script = script_of(o.run, o.script, settings, now)
    s = replace(s, status=begun(_timed(s.status, now), s.spec))
    return _going_on(s, script, settings) if running(s.status) or _in_state(o, "Succeeded") else _won(s)


def _timed(status: SearchStatus, now: datetime) -> SearchStatus:
    return status if status.since else status.model_copy(update={"since": timestamp(now)})


def _problem(s: _Search) -> Problem | None:
    """What ends the run."""
    for one in sorted(s.o.trials, key=lambda one: one.number):
        found = not_its_fault(one)
        if found:
            after = f"; {GO_ON}" if one.job.retryable else ""
            return Problem(found.reason, f"trial {one.number}: {found.message}{after}")
    if len(s.status.failed) > s.spec.max_failed_trial_count:
        limit = f"more than maxFailedTrialCount of {s.spec.max_failed_trial_count}"
        return Problem("TooManyFailed", f"{len(s.status.failed)} trials failed, {limit}; {_last_failure(s.status)}")
    left = _left(s)
    if left is not None and left <= 0:
        limit = f"activeDeadlineSeconds of {s.o.run.spec.active_deadline_seconds}"
        return Problem("DeadlineExceeded", f"the search was stopped after its {limit}; {GO_ON}")
    return None


def _last_failure(status: SearchStatus) -> str:
    last = max((trial for trial in status.trials if trial.state == "Failed"), key=lambda trial: trial.number)
    return f"trial {last.number}{_with_values(last)}: {last.message}"


def _with_values(trial: Trial) -> str:
    values = ", ".join(f"{name} {value}" for name, value in trial.parameters.items())
    return f" with {values}" if values else ""


def _left(s: _Search) -> float | None:
    """Seconds."""
    since = s.status.since
    if since is None:
        return None
    return s.o.run.spec.active_deadline_seconds - (s.now - parse_time(since)).total_seconds()


def _failed(s: _Search, problem: Problem) -> Plan:
    """What runs is to be taken away first: nobody looks after it once the run is over."""
    plan, over_ = failed(s.o, problem, s.now), [trial for trial in s.status.trials if trial.state != "Running"]
    assert isinstance(plan.status, TrainingRunStatus)
    found = s.status.model_copy(update={"summary": summary(s.status, s.spec), "trials": over_})
    return replace(plan, status=plan.status.model_copy(update={"search": found}))


def _found(s: _Search, stored: TrialSeen) -> Plan:
    """A trial's first step found the result of the whole run in the store: that Job is the run's, once it is alone."""
    said: Said = ("Unknown", "Registering", "a run with the same inputs has left its result in the store")
    others = _jobs(one for one in s.o.trials if one is not stored)
    named = {} if others else {"job": stored.job.name}
    return Plan(status=s.said(said, **named), deletes=others, requeue_after=AT_ONCE)


def _suspended(s: _Search) -> Plan:
    done = f": {summary(s.status, s.spec)} trials are over" if over(s.status) else ""
    said: Said = ("Unknown", "Suspended", f"nothing runs while spec.suspend is true{done}")
    status = s.status.model_copy(update={"since": None})
    going = _jobs(_in_state(s.o, "Active", "Suspended", "Succeeded"))
    events = (Event("Normal", "Suspended", f"the Jobs of trials are taken away{done}"),) if going else ()
    return Plan(status=replace(s, status=status).said(said), memory=True, deletes=going, events=events)


def _going_on(s: _Search, script: Script | None, settings: Settings) -> Plan:
    seen = {one.number: one.job for one in s.o.trials}
    going = [trial.number for trial in running(s.status)]
    said = _doing(s, going, seen)
    missing = [number for number in going if number not in seen]
    looks = [*(next_look(seen[number], s.now) for number in going if number in seen), _left(s)]
    return Plan(
        status=s.said(said, progress=_progress(s)),
        memory=True,
        creates=tuple(made for number in missing for made in _children(s, number, script, settings)),
        deletes=_jobs(_in_state(s.o, "Succeeded")),
        events=(*_new_best(s), *warning(s.o.status.condition("Ready"), said)),
        requeue_after=min((look for look in looks if look), default=None) if going else AT_ONCE,
    )


def _doing(s: _Search, going: list[int], seen: dict[int, JobSeen]) -> Said:
    for number in going:
        problem = hindrance(seen[number], s.now) if number in seen else None
        if problem:
            return "False", problem.reason, f"trial {number}: {problem.message}"
    if not going:
        return "Unknown", "Searching", _so_far(s)
    if all(number in seen and seen[number].state == "Suspended" for number in going):
        status, reason, message = held(seen[going[0]])
        return status, reason, f"{_named(going)} {'waits' if len(going) == 1 else 'wait'}: {message}; {_so_far(s)}"
    return "Unknown", "Searching", f"{_named(going)} {'runs' if len(going) == 1 else 'run'}; {_so_far(s)}"


def _named(numbers: list[int]) -> str:
    *before, last = map(str, numbers)
    return f"trials {', '.join(before)} and {last}" if before else f"trial {last}"


def _so_far(s: _Search) -> str:
    failed_ = f", {len(s.status.failed)} of them failed" if s.status.failed else ""
    broken = f", {s.status.infeasible} break a constraint" if s.status.infeasible else ""
    return f"{summary(s.status, s.spec)} are over{failed_}{broken}; best so far: {_best(s)}"


def _best(s: _Search) -> str:
    best = s.status.best
    return f"{s.spec.objective.metric} {best.value:.4g} in trial {best.number}" if best else "none"


def _progress(s: _Search) -> RunProgress | None:
    """Of the whole search."""
    before, best, last = s.o.status.progress, s.status.best, search_asked(s.spec).last
    new = RunProgress(
        step="search",
        fraction=round(over(s.status) / last, 3),
        message=f"{summary(s.status, s.spec)} trials are over",
        metrics={s.spec.objective.metric: best.value} if best and best.value is not None else {},
        time=timestamp(s.now),
    )
    known = before is not None and new.model_copy(update={"time": before.time}) == before
    return before if known else new


def _new_best(s: _Search) -> tuple[Event, ...]:
    before = s.o.status.search.best if s.o.status.search else None
    best = s.status.best
    if best is None or best == before:
        return ()
    return (Event("Normal", "NewBest", f"{_best(s)}{_with_values(best)}"),)


def _children(s: _Search, number: int, script: Script | None, settings: Settings) -> tuple[Manifest, ...]:
    o, metadata, pinned = s.o, s.o.run.metadata, s.o.status.dataset_version
    assert pinned
    name, (origin, files) = trial_name(job_name(o.run), number), (script.origin, script.files) if script else (None, {})
    own = labels(
        "training",
        training_run=metadata.name,
        run_uid=metadata.uid,
        model=o.run.spec.model_name,
        trial=str(number),
    )
    known = [each for each in s.status.failed if each <= number - s.spec.parallel_trial_count]
    task = train_task(o.run, pinned, settings, o.status.serving, origin, trial=number, failed=known)
    return (
        task_config_map(o.raw, name, own, task, files),
        training_job(o.raw, o.run, name, own, settings, origin),
    )


def _won(s: _Search) -> Plan:
    """All that there is to try was tried."""
    best, made = s.status.best, s.status.begun
    if best is None and s.status.infeasible == 0:
        problem = Problem("TooManyFailed", f"none of {made} trials came to an end; {_last_failure(s.status)}")
        return _failed(s, problem)
    if best is None:
        return _failed(s, Problem("NoFeasibleTrial", f"none of {made} trials keeps the constraints{_last_broken(s)}"))
    job = job_name(s.o.run)
    said: Said = ("Unknown", "Starting", f"Job {job} measures the winner of {made} trials: {_best(s)}")
    event = Event("Normal", "Searched", f"trial {best.number} of {made} won: {_best(s)}{_with_values(best)}")
    status = s.said(said, job=job, progress=None)
    return Plan(status=status, memory=True, events=(event,), requeue_after=AT_ONCE)


def _last_broken(s: _Search) -> str:
    last = next((trial for trial in reversed(s.status.trials) if trial.state == "Infeasible"), None)
    return f"; trial {last.number}{_with_values(last)}: {last.message}" if last else ""


def _in_state(o: RunObserved, *states: str) -> list[TrialSeen]:
    return [one for one in o.trials if one.job.state in states]


def _jobs(trials: Iterable[TrialSeen]) -> tuple[Ref, ...]:
    """Each after its task."""
    return tuple(found for one in trials for found in with_tasks(one.job))
