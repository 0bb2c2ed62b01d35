"""Each look at a trial is recorded until a Job has stored them, or none has come about for too long."""

from modelward.api import ModelDeployment
from modelward.build.trace import trace_name
from modelward.decide.observed import ScoringPod, TraceJob
from modelward.observe.evidence import evidence_of
from modelward.observe.ledger import Ledger
from modelward.observe.trial import KEPT_SECONDS, on_trial, recording

from .test_evidence import BEGAN, pod, status

STABLE = "Stable"


def deployment(phase: str = "Canary", steps: tuple[int, ...] = (10, 50), **changes: object) -> ModelDeployment:
    raw = {
        "metadata": {"name": "flights", "namespace": "ns"},
        "spec": {"modelRef": {"name": "flights"}, "rollout": {"steps": [{"weight": weight} for weight in steps]}},
    }
    update = {"phase": phase, "step": 0, **changes}
    now = status(2, 10).model_copy(update=update)
    return ModelDeployment.model_validate(raw).model_copy(update={"status": now})


def look(ledger: Ledger, of: ModelDeployment, seconds: float, served: int) -> None:
    """Each version has served so many requests by now."""
    pods: tuple[ScoringPod, ...] = (
        pod("stable", (served, 0), 2, handed=served),
        pod("candidate", (served, 0), 1),
    )
    evidence = evidence_of(ledger, of.status, pods)
    on_trial(ledger, of, evidence, pods, BEGAN + 20 + seconds)


def looked(of: ModelDeployment) -> Ledger:
    ledger = Ledger(BEGAN)
    for index in range(6):
        look(ledger, of, 2.0 * index, 100 * index)
    return ledger


def test_looks_are_recorded_with_what_came_since_the_one_before() -> None:
    found = recording(looked(deployment()), deployment(), (), BEGAN + 40)
    assert found is not None
    assert [look.candidate.requests for look in found.looks] == [0, 100, 100, 100, 100, 100]
    assert {look.weight for look in found.looks} == {10}
    assert found.edges == [0.01]


def test_where_everything_goes_to_the_candidate_nothing_is_recorded() -> None:
    of = deployment(steps=(100,), weight=100)
    assert recording(looked(of), of, (), BEGAN + 40) is None


def test_it_is_kept_until_its_job_has_finished() -> None:
    ledger, over = looked(deployment()), deployment(STABLE)
    found = recording(ledger, over, (), BEGAN + 40)
    assert found is not None
    job = trace_name("flights", found.revision, found.part)
    assert recording(ledger, over, (TraceJob(job, finished=False),), BEGAN + 42) is found
    assert recording(ledger, over, (TraceJob(job, finished=True),), BEGAN + 44) is None
    assert recording(ledger, over, (), BEGAN + 46) is None


def test_it_is_given_up_where_no_job_can_be_made_but_not_while_the_trial_lasts() -> None:
    ledger, late = looked(deployment()), BEGAN + 40 + KEPT_SECONDS
    assert recording(ledger, deployment("Paused"), (), late) is not None
    assert recording(ledger, deployment(STABLE), (), late) is None
