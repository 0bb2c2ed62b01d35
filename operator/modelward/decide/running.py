"""How a run that is under way says so: the step, what holds it up, how far it is, and when to look again."""

from datetime import datetime

from modelward.decide.jobs import JobSeen, Said, held, hindrance, next_look, warning, with_hint
from modelward.decide.plan import Plan
from modelward.decide.progress import look_again_in, progressed
from modelward.decide.run import RunObserved, with_said

STEPS = {"fetch": "Fetching", "tests": "Testing", "train": "Training", "publish": "Publishing"}
HOW = "what it asks for is said by spec.resources, spec.stepResources and spec.pod: make another run"


def running(o: RunObserved, job: JobSeen, now: datetime) -> Plan:
    problem = hindrance(job, now)
    if problem:
        problem = with_hint(problem, HOW)
        said: Said = ("False", problem.reason, problem.message)
    elif job.state == "Suspended":
        said = held(job)
    elif job.step:
        said = ("Unknown", STEPS.get(job.step, "Training"), f"step {job.step} of {job.kind} {job.name} runs")
    else:
        said = starting(job.name, job.kind)
    looks = [next_look(job, now), look_again_in(o.status, now) if job.step else None]
    return Plan(
        status=with_said(o, said, now, progress=progressed(o.status.progress, job, now)),
        events=warning(o.status.condition("Ready"), said),
        requeue_after=min(filter(None, looks), default=None),
    )


def starting(job: str, kind: str = "Job") -> Said:
    return "Unknown", "Starting", f"{kind} {job} is starting"
