"""A look at a candidate on trial: what both versions counted since the look before, under one traffic setting.

Called after the ledger has recorded the servers' counters. What was counted while a setting was not yet in force
everywhere is left out. Each look is recorded as well, until the trial is over and a Job has stored them.
"""

import msgspec

from modelward.api import ModelDeployment
from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.build.trace import trace_name
from modelward.decide.judge.evidence import Evidence
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import MOST_LIVES, Remembered, remembered
from modelward.decide.judge.terms import Terms
from modelward.decide.judge.trial import counted, in_step, taken_up
from modelward.decide.observed import ScoringPod, TraceJob
from modelward.decide.pods import pods_of
from modelward.decide.rollout.on_trial import compared, has_requests, start_of
from modelward.decide.steps import step_in_force
from modelward.decide.traces import is_over
from modelward.observe.ledger import LOOK, Counts, Ledger, OnTrial, served
from modelward_contracts import trace

KEPT_SECONDS = 600.0
"""After a trial its recording waits so long for its Job to be made."""
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
        anew = Recording(status.rollout_started, status.candidate.revision)
        ledger.trial = OnTrial(status.rollout_started, _taken_up(status), anew)
    so_far, steps = ledger.trial.so_far, deployment.spec.rollout.steps
    step = step_in_force(status.step, steps)
    if so_far.trial.step != step:
        so_far = msgspec.structs.replace(so_far, trial=in_step(so_far.trial, step))
    if _is_due(ledger, so_far, status, pods, now):
        so_far = _looked(ledger, so_far, deployment, status.stable, status.candidate, evidence, pods, now)
    ledger.trial.so_far = so_far
    return so_far


def own_job(ledger: Ledger, deployment: str) -> str | None:
    """The name of the Job that stores what this operator has looked at."""
    of = ledger.trial
    if of is None or of.recording is None or of.recording.empty:
        return None
    return trace_name(deployment, of.recording.revision, of.recording.part)


def recording(ledger: Ledger, deployment: ModelDeployment, jobs: tuple[TraceJob, ...], now: float) -> Recording | None:
    """Until its Job has finished, or has not come about for too long after the trial."""
    of, job = ledger.trial, own_job(ledger, deployment.metadata.name)
    if of is None or of.recording is None or job is None:
        return None
    newest = of.so_far.at or now
    stored = any(found.name == job and found.finished for found in jobs)
    if stored or (is_over(deployment.status, of.recording) and now - newest > KEPT_SECONDS):
        of.recording = None
    return of.recording


def _taken_up(status: ModelDeploymentStatus) -> Remembered:
    before = remembered(status.trial)
    return msgspec.structs.replace(before, trial=taken_up(before.trial)) if before else Remembered()


def _is_due(
    ledger: Ledger, so_far: Remembered, status: ModelDeploymentStatus, pods: tuple[ScoringPod, ...], now: float
) -> bool:
    seen = so_far.trial.seen
    if not has_requests(status) or not ledger.marked(_traffic(status.epoch)):
        return False
    if seen is None:
        return True
    if _told_otherwise(status, pods):
        return False
    return so_far.epoch != status.epoch or not 0 <= now - seen < LOOK_SECONDS


def _told_otherwise(status: ModelDeploymentStatus, pods: tuple[ScoringPod, ...]) -> bool:
    """Servers in service follow what was pushed but could not be written yet: away from the candidate. What led to
    that stands until it is written, however little is seen of the candidate from then on."""
    return any(p.snapshot is not None and p.snapshot.epoch > status.epoch for p in pods_of(pods, status.stable))


def _traffic(epoch: int) -> str:
    return f"epoch {epoch}"


def _looked(
    ledger: Ledger,
    so_far: Remembered,
    deployment: ModelDeployment,
    stable: ServingRevision,
    candidate: ServingRevision,
    evidence: Evidence,
    pods: tuple[ScoringPod, ...],
    now: float,
) -> Remembered:
    status = deployment.status
    since = LOOK if so_far.epoch == status.epoch else _traffic(status.epoch)
    ours, theirs = ledger.since(since, stable.revision), ledger.since(since, candidate.revision)
    comparable = status.weight and theirs.edges in ((), ours.edges)
    edges = list(ours.edges) if comparable else []
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
    if ledger.trial and ledger.trial.recording and status.weight:
        ledger.trial.recording.add(so_far.trial.step, look, edges)
    ledger.mark_again(LOOK)
    names = [[p.name for p in pods if p.revision == revision.revision] for revision in (stable, candidate)]
    return Remembered(
        trial=counted(so_far.trial, look, start, Terms.of(deployment.spec.analysis)),
        at=now,
        epoch=status.epoch,
        lives=ledger.lives([name for of in names for name in of[:MOST_LIVES]]),
        since_rollout={stable.revision: ledger.tally_since(str(status.rollout_started), stable.revision)},
    )


def _latency(counts: Counts, edges: list[float]) -> list[int]:
    return list(counts.of_latency(len(edges) + 1)) if edges else []
