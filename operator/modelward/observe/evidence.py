"""Which windows of time the judges compare.

Candidate and stable are compared under the traffic setting in force, from the moment at which every server in service
follows it and has reached the candidate: so both saw the same time, each its share of the same requests. Longer windows
would hold what stable alone saw before, or steps of other weights, and a shift that both see would look like one of the
candidate's own.

Where stable scores no more, what it did since the rollout began must do, without its inputs. After the promotion nobody
else answers a request that the model cannot compute, so these count on both sides: what the version before could do
must not become a client's fault. Where that one was asked nothing, nobody can tell whose fault they are.
"""

from collections import Counter

from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.decide.judge.evidence import Evidence, Window
from modelward.decide.observed import ScoringPod, parse_time
from modelward.decide.traffic import confirmed
from modelward.observe.ledger import LOOK, Ledger, served
from modelward_contracts.monitor import Forwards


def evidence_of(ledger: Ledger, status: ModelDeploymentStatus, pods: tuple[ScoringPod, ...]) -> Evidence:
    """Of candidate against stable. Records what the pods counted since the last look."""
    rollout, step, traffic = status.rollout_started, status.step_started, f"epoch {status.epoch}"
    ledger.forget_marks(but={mark for mark in (rollout, step, traffic, LOOK) if mark})
    for mark in filter(None, (rollout, step)):
        ledger.mark(mark)
    ledger.record([p.snapshot for p in pods if p.snapshot], parse_time(rollout).timestamp() if rollout else None)
    forwards = _forwards(status, pods)
    if confirmed(pods, status.stable, status.epoch) and all(f.reached for f in forwards):
        ledger.mark(traffic)
    complete = all(p.snapshot for p in pods if p.ready)
    if status.stable is None:
        return Evidence(complete=complete)
    stable = status.stable
    if status.phase == "Stable" and status.candidate is None and status.previous is None:
        ledger.rest({p.name for p in pods}, stable.revision)
        return Evidence(complete=complete)
    if status.phase == "Baking" and status.previous:
        before = served(ledger.since(rollout, status.previous.revision), signals=False, uncomputed=True)
        now = served(ledger.since(step, stable.revision), signals=False, uncomputed=before.requests > 0)
        return Evidence(candidate=now, stable=before, complete=complete)
    if status.candidate is None:
        return Evidence(complete=complete)
    scores = status.weight < 100
    compared = served(ledger.since(traffic if scores else rollout, stable.revision), signals=scores)
    candidate = _forwarded(ledger, traffic, stable, status.candidate, forwards)
    return Evidence(
        candidate=candidate,
        stable=compared,
        step_requests=candidate.requests - candidate.failures,
        complete=complete,
    )


def _forwards(status: ModelDeploymentStatus, pods: tuple[ScoringPod, ...]) -> list[Forwards]:
    """What each server in service tells of the candidate."""
    if status.stable is None or status.candidate is None:
        return []
    told = [p.snapshot.forwards for p in pods if p.snapshot and p.revision == status.stable.revision]
    return [forwards[status.candidate.revision] for forwards in told if status.candidate.revision in forwards]


def _forwarded(
    ledger: Ledger,
    mark: str,
    stable: ServingRevision,
    candidate: ServingRevision,
    forwards: list[Forwards],
) -> Window:
    """Requests and failures as stable's servers saw them, latency and signals as the candidate counted them."""
    handed, own = ledger.since(mark, stable.revision), served(ledger.since(mark, candidate.revision))
    failures = handed.failed[candidate.revision]
    return Window(
        requests=handed.answered[candidate.revision] + failures,
        failures=failures,
        latency=own.latency,
        signals=own.signals,
        breaker_open=any(f.breaker_open for f in forwards),
        causes=sum((Counter(f.failures) for f in forwards), Counter()),
        reached=all(f.reached for f in forwards),
    )
