"""What a rollout looked at is stored at its end, and judged again it ends in the same way."""

import gzip
import io
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from modelward.api.model_deployment import Rollout
from modelward.cli.replay import replayed
from modelward.decide.judge.evidence import Latency, Window
from modelward.decide.judge.recording import MOST_BYTES, MOST_LOOKS, Recording
from modelward.decide.judge.terms import Terms
from modelward.decide.observed import parse_time
from modelward.decide.rollout.on_trial import start_of
from modelward_contracts.tasks import TraceTask
from modelward_contracts.trace import Counts, Look, trace_key

from .simulated import START, Simulated, healthy, serving, version

FAILING = Window(requests=1000, failures=300, latency=Latency((0.001, 0.01), (700, 0, 0)))
TWO_STEPS = {"steps": [{"weight": 10}, {"weight": 50}]}
WITH_PAUSES = {
    "steps": [
        {"pause": {"duration": "10s"}},
        {"weight": 10},
        {"pause": {"duration": "1m"}},
        {"weight": 50},
    ]
}


def trial(rollout: dict[str, Any]) -> Simulated:
    world = serving(rollout=rollout)
    world.versions.append(version(2))
    world.run("Canary")
    return world


def stored(world: Simulated) -> TraceTask:
    (task,) = world.traces.values()
    return task


def judged_again(task: TraceTask) -> dict[str, Any]:
    return replayed(io.BytesIO(gzip.decompress(task.trace)), task.part, Terms())


def decided(world: Simulated, cause: str) -> float:
    """The last time, in seconds of the world's clock."""
    move = next(t for t in reversed(world.status.history) if t.cause == cause)
    return (parse_time(move.time) - START).total_seconds()


@pytest.mark.parametrize("rollout", [TWO_STEPS, WITH_PAUSES])
def test_a_promotion_judged_again_is_one_at_the_same_look(rollout: dict[str, Any]) -> None:
    world = trial(rollout)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking", limit=2000)
    assert not world.traces
    world.settle()
    again = judged_again(stored(world))
    assert again["outcome"] == "Promoted"
    assert again["t"] == decided(world, "StepsPassed")


def test_a_step_that_gives_everything_to_the_candidate_is_left_out() -> None:
    world = trial({"steps": [{"weight": 30}, {"weight": 100}]})
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking", limit=2000)
    world.settle()
    again = judged_again(stored(world))
    assert again["outcome"] == "Promoted"
    assert again["t"] == decided(world, "StepStarted")


@pytest.mark.parametrize(("rollout", "good"), [(TWO_STEPS, 0), (TWO_STEPS, 25), (WITH_PAUSES, 35)])
def test_a_rollback_judged_again_is_one_at_the_same_look(rollout: dict[str, Any], good: int) -> None:
    world = trial(rollout)
    world.give(healthy(), healthy())
    world.settle(good)
    world.give(FAILING, healthy())
    world.run("RollingBack")
    world.run("Stable")
    again = judged_again(stored(world))
    assert (again["outcome"], again["reason"]) == ("RolledBack", "Errors")
    assert again["t"] == decided(world, "Errors")
    evidence = next(t.evidence for t in world.status.history if t.cause == "Errors")
    assert evidence is not None
    assert evidence["failures"] == again["numbers"]["failures"]


def test_what_was_set_aside_or_superseded_is_stored_too() -> None:
    world = trial(TWO_STEPS)
    world.give(healthy(), healthy())
    world.settle(8)
    assert world.status.candidate
    world.ask("abort", world.status.candidate.revision)
    world.run("Stable")
    assert judged_again(stored(world))["outcome"] == "Held"

    world = trial(TWO_STEPS)
    world.give(healthy(), healthy())
    world.settle(8)
    world.versions.append(version(3))
    world.run("RollingBack")
    world.settle()
    assert [t.cause for t in world.status.history if t.to == "RollingBack"] == ["Superseded"]
    assert world.traces


def test_a_trace_lies_under_its_revision_and_its_job_is_taken_away() -> None:
    world = trial(TWO_STEPS)
    world.give(FAILING, healthy())
    world.run("RollingBack")
    assert world.status.candidate
    revision = world.status.candidate.revision
    world.run("Stable")
    world.settle()
    task = stored(world)
    key = trace_key(task.deployment, task.revision, task.part)
    assert key == f"traces/flights/{revision}/20260101T000014Z-19700101T000018Z.jsonl.gz"
    assert not world.trace_jobs
    assert world.tick().keepsakes == ()


def test_what_nobody_looked_at_leaves_no_trace() -> None:
    world = trial({"steps": [{"pause": {}}]})
    world.settle()
    assert world.status.candidate
    world.ask("abort", world.status.candidate.revision)
    world.run("Stable")
    world.settle()
    assert not world.traces


def test_an_operator_that_starts_anew_begins_a_part_of_its_own() -> None:
    world = trial(TWO_STEPS)
    world.give(healthy(), healthy())
    for _ in range(50):
        world.tick()
        if world.status.step == 1:
            break
    world.settle(3)
    world.away(timedelta(seconds=10))
    world.give(FAILING, healthy())
    world.run("Stable")
    task = stored(world)
    again = judged_again(task)
    assert again["outcome"] == "RolledBack"
    assert again["step"] == 0
    start = msgspec.json.decode(gzip.decompress(task.trace).splitlines()[0])
    assert [step["weight"] for step in start["steps"]] == [50]


def test_a_long_trial_is_kept_in_bounds_and_loses_no_count() -> None:
    recording = Recording("2026-01-01T00:00:00Z", "abc")
    edges = [0.001 * (i + 1) for i in range(60)]
    for index in range(10 * MOST_LOOKS):
        latency = [(index * 7919 * (i + 3)) % 997 for i in range(61)]
        counts = Counts(requests=sum(latency), failures=index % 3, latency=latency)
        recording.add(index // (4 * MOST_LOOKS), Look(t=2.0 * index, weight=10, stable=counts, candidate=counts), edges)
    assert len(recording.looks) <= MOST_LOOKS
    start = start_of(Rollout.model_validate({"steps": [{"weight": 10}] * 3}))
    trace = recording.compressed(start)
    assert len(trace) <= MOST_BYTES
    looks = [msgspec.json.decode(line, type=Look) for line in gzip.decompress(trace).splitlines()[1:]]
    assert sum(look.candidate.failures for look in looks) == sum(index % 3 for index in range(10 * MOST_LOOKS))
    assert [look.t for look in looks] == sorted(look.t for look in looks)
    assert looks[0].t == 0.0
    assert any(look.t == 2.0 * 4 * MOST_LOOKS for look in looks)  # the first of the second step


def test_a_trace_whose_steps_were_edited_away_can_be_read() -> None:
    recording = Recording("2026-01-01T00:00:00Z", "abc")
    counts = Counts(requests=3, latency=[])
    recording.add(2, Look(t=10.0, weight=50, stable=counts, candidate=counts), [])
    trace = gzip.decompress(recording.compressed(start_of(Rollout())))
    assert replayed(io.BytesIO(trace), "a", Terms())["numbers"]["requests"] == 3


def test_looks_without_edges_and_a_clock_that_goes_back_make_a_trace_that_can_be_read() -> None:
    recording = Recording("2026-01-01T00:00:00Z", "abc")
    nothing = Counts(requests=3, latency=[])
    known = Counts(requests=3, latency=[3, 0])
    recording.add(0, Look(t=10.0, weight=10, stable=nothing, candidate=nothing), [])
    recording.add(0, Look(t=8.0, weight=10, stable=known, candidate=known), [0.01])
    trace = gzip.decompress(recording.compressed(start_of(Rollout())))
    assert replayed(io.BytesIO(trace), "a", Terms())["numbers"]["requests"] == 6
