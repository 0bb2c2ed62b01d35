"""A look at a candidate on trial: what both versions counted since the look before, under one traffic setting.

Called after the ledger has recorded the servers' counters. What was counted while a setting was not yet in force
everywhere is left out. Each look is recorded as well, until the trial is over and a Job has stored them.
"""

from modelward.api import ModelDeployment
from modelward.api.model_deployment import ServingRevision
from modelward.build.trace import trace_name
from modelward.decide.judge.evidence import Evidence
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import Remembered, remembered
from modelward.decide.judge.terms import Terms
from modelward.decide.judge.trial import Trial, counted, in_step, taken_up
from modelward.decide.observed import ScoringPod, TraceJob
from modelward.decide.rollout.on_trial import compared, start_of
from modelward.decide.traces import is_over
from modelward.observe.ledger import Counts, Ledger, OnTrial, served
from modelward_contracts import trace

KEPT_SECONDS = 600.0
"""After a trial its recording waits so long for its Job to be made."""
LOOK = "look"
LOOK_SECONDS = 1.9
"""At least, between two looks: Events of the cluster lead to more of them, and short ones say little."""


def on_trial(
    ledger: Ledger, deployment: ModelDeployment, evidence: Evidence, pods: tuple[ScoringPod, ...], now: float
) -> Remembered | None:
    """`now`: seconds. None where nothing is compared."""
    status = deployment.status
    if not compared(status) or not status.rollout_started or not status.stable or not status.candidate:
        return None
    if ledger.trial is None or ledger.trial.began != status.rollout_started:
        before, anew = remembered(status.trial), Recording(status.rollout_started, status.candidate.revision)
        ledger.trial = OnTrial(status.rollout_started, taken_up(before.trial) if before else Trial(), anew)
    steps = deployment.spec.rollout.steps
    step = min(status.step or 0, len(steps) - 1)
    if ledger.trial.trial.step != step:
        ledger.trial.trial = in_step(ledger.trial.trial, step)
    _look(ledger, ledger.trial, deployment, status.stable, status.candidate, evidence, now)
    of_stable = [p.snapshot for p in pods if p.snapshot and p.revision == status.stable.revision]
    return Remembered(trial=ledger.trial.trial, lives=ledger.lives(of_stable))


def own_job(ledger: Ledger, deployment: str) -> str | None:
    """The name of the Job that stores what this operator has looked at."""
    of = ledger.trial
    if of is None or of.recording is None or of.looked is None:
        return None
    return trace_name(deployment, of.recording.revision, of.recording.part)


def recording(ledger: Ledger, deployment: ModelDeployment, jobs: tuple[TraceJob, ...], now: float) -> Recording | None:
    """Until its Job has finished, or has not come about for too long after the trial."""
    of = ledger.trial
    if of is None or of.recording is None or of.looked is None:
        return None
    job = own_job(ledger, deployment.metadata.name)
    stored = any(found.name == job and found.finished for found in jobs)
    if stored or (is_over(deployment.status, of.recording) and now - of.looked > KEPT_SECONDS):
        of.recording = None
    return of.recording


def _look(
    ledger: Ledger,
    of: OnTrial,
    deployment: ModelDeployment,
    stable: ServingRevision,
    candidate: ServingRevision,
    evidence: Evidence,
    now: float,
) -> None:
    status = deployment.status
    traffic = f"epoch {status.epoch}"
    if not status.weight or not ledger.marked(traffic):
        return
    if of.traffic == traffic and of.looked is not None and 0 <= now - of.looked < LOOK_SECONDS:
        return
    since = LOOK if of.traffic == traffic else traffic
    ours, theirs = ledger.since(since, stable.revision), ledger.since(since, candidate.revision)
    edges = list(ours.edges) if theirs.edges in ((), ours.edges) else []
    answered, failed = ours.answered[candidate.revision], ours.failed[candidate.revision]
    own = served(ours, signals=False)
    look = trace.Look(
        t=now,
        weight=status.weight,
        stable=trace.Counts(requests=own.requests, failures=own.failures, latency=_latency(ours, edges)),
        candidate=trace.Counts(requests=answered + failed, failures=failed, latency=_latency(theirs, edges)),
        complete=evidence.complete,
    )
    start = start_of(deployment.spec.rollout, edges)
    of.trial = counted(of.trial, look, start, Terms.of(deployment.spec.analysis))
    if of.recording:
        of.recording.add(of.trial.step, look, edges)
    of.traffic, of.looked = traffic, now
    ledger.mark_again(LOOK)


def _latency(counts: Counts, edges: list[float]) -> list[int]:
    return [counts.latency[index] for index in range(len(edges) + 1)] if edges else []
