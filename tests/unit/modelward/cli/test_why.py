"""What `python -m modelward why` tells, of statuses that the operator's decisions made."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from modelward.__main__ import main
from modelward.cli.in_words import compared
from modelward.cli.story import story_of, text_of
from modelward.decide.judge.evidence import Latency, Window
from unit.modelward.decide.simulated import Simulated, healthy, serving, version, with_canary

FAILING = Window(requests=1000, failures=300, latency=Latency((0.001, 0.01), (700, 0, 0)))


def told(world: Simulated) -> str:
    return text_of(story_of(world.observed().deployment))


def head(world: Simulated) -> list[str]:
    """What it tells before the history."""
    return told(world).partition("\n\n")[0].splitlines()


def revision(world: Simulated) -> str:
    assert world.status.candidate
    return world.status.candidate.revision


def test_what_serves_has_its_time_and_its_reason() -> None:
    assert head(serving()) == [
        "ns/flights: flights-1 (revision 6f11e80eb4) serves since 2026-01-01 00:00:02 UTC",
        "  because: flights-1 serves on 1 of 1 replicas (FirstRevisionReady)",
    ]


def test_a_trial_tells_its_weight_its_numbers_and_what_it_waits_for() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.settle(10)
    assert head(world)[2:] == [
        f"flights-2 (revision {revision(world)}) is on trial since 2026-01-01 00:00:14 UTC (Canary, 10 % of requests)",
        "  step 1 of 2: 10 % of requests go to flights-2; 30s at this weight",
        "    errors: 0 of 9,000 requests failed (0 %), stable 0 % of 9,000; at most 0.49 points more as far as is"
        " proven; allowed: 1 point",
        "    slow answers (over 10 ms): 0 %, stable 0 %; at most 0.35 points more as far as is proven; allowed: 2"
        " points",
    ]


def test_what_waits_for_a_person_says_the_annotation() -> None:
    world = with_canary(rollout={"steps": [{"weight": 10, "duration": "2s"}, {"pause": {}}]})
    world.give(healthy(), healthy())
    world.settle(50)
    assert f'promote {revision(world)}"' in head(world)[3]


def test_a_promoted_version_serves_for_the_reason_of_its_promotion() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    world.tick()
    lines = head(world)
    assert lines[1] == "  because: flights-2 goes to full width (StepsPassed)"
    assert lines[2].startswith("    errors: 0 of 30,000 requests failed (0 %), stable 0 % of 30,000")
    assert lines[3].startswith("  it is watched until 2026-01-01 00:31:")
    assert lines[3].endswith("flights-1 (revision 6f11e80eb4) stays warm")


def test_a_rollback_tells_the_numbers_the_verdict_and_how_to_try_again() -> None:
    world = with_canary()
    world.give(FAILING, healthy())
    world.run("RollingBack")
    bad = revision(world)
    world.run("Stable")
    world.settle()
    text = told(world)
    assert "Errors: flights-2: 300 of the candidate's 1000 failed (30 %), of stable's 0 % (allowed: 1 % more)" in text
    assert (
        "    errors: 300 of 1,000 requests failed (30 %), stable 0 % of 1,000; at least 13 points more beyond doubt, at"
        " most 67 points as far as is proven; allowed: 1 point"
    ) in text
    assert "(a verdict, in the store too)" in text
    assert text.endswith(f"\n  ns/traces/flights/{bad}/")
    assert "set spec.rollout.retry to 1, or once by hand: kubectl annotate mdep flights --namespace ns" in text
    assert f'modelward.dev/action="retry {bad}"' in text

    world.ask("retry", bad)
    world.tick()
    assert "lifted: it is tried again" in told(world)


def test_a_rollback_after_the_promotion_is_why_the_version_before_serves() -> None:
    world = serving()
    world.versions.append(version(2))
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    world.give(FAILING, healthy())
    world.run("RollingBack")
    moved = world.status.history[-1].time
    world.run("Stable")
    lines = head(world)
    assert lines[0].startswith("ns/flights: flights-1 (revision 6f11e80eb4) serves since ")
    assert moved.replace("T", " ").removesuffix("Z") in lines[0]
    assert lines[1].startswith("  because: flights-2: 300 of 1000 requests failed (30 %)")
    assert (
        lines[2] == "    errors: 300 of 1,000 requests failed (30 %), the version before 0 % of 1,000; allowed: 1 point"
    )


def test_who_asked_and_what_was_refused_stand_in_the_history() -> None:
    world = with_canary()
    world.ask("promote", "abcdef", "now", "ada\x1b[2J")
    world.tick()
    world.ask("abort", revision(world), "wrong month", "ada")
    world.run("RollingBack")
    world.run("Stable")
    text = told(world)
    assert "ActionRefused: promote abcdef: it is not on trial; flights-2 is" in text
    assert "asked for by ada (unverified): wrong month" in text
    assert "Aborted: a person ended its rollout (set aside, without a verdict)" in text
    assert "\x1b" not in text


def test_no_terminal_obeys_what_somebody_wrote() -> None:
    world = with_canary()
    world.ask("abort", revision(world), "\x1b[2J", "ada")
    world.run("RollingBack")
    assert "unverified): ?[2J" in told(world)


def test_where_nothing_serves_it_says_what_is_missing() -> None:
    world = Simulated(versions=[])
    world.settle()
    assert head(world)[0] == "ns/flights: nothing serves yet"
    assert head(world)[1].startswith("VersionNotFound: no verified version of model flights yet")
    assert told(Simulated()) == "ns/flights: nothing serves yet"


def test_json_tells_the_same() -> None:
    world = with_canary()
    world.give(FAILING, healthy())
    world.run("Stable")
    story = json.loads(json.dumps(story_of(world.observed().deployment)))
    assert story["serving"]["modelVersion"] == "flights-1"
    assert story["onTrial"] is None
    assert story["verdicts"][0]["reason"] == "Errors"
    harm = next(entry for entry in story["history"] if entry["cause"] == "Errors")
    assert harm["evidence"]["failures"] == 300
    assert all(line in text_of(story) for entry in story["history"] for line in entry["compared"])


def test_slow_answers_and_nothing_to_compare_with_are_told() -> None:
    numbers = {"requests": 500, "failures": 5, "stableRequests": 0, "stableFailures": 0, "errorsRate": 0.01}
    numbers |= {"errorsAtLeast": 0.0, "errorsAtMost": 1.0, "errorsAllowed": 0.01, "errorsLimit": 0.01375}
    assert compared(numbers) == [
        "errors: 5 of 500 requests failed (1 %); stable had none; allowed: 1 point (1.4 points for the proof)"
    ]
    numbers |= {"latencyRate": 0.4, "latencyStableRate": 0.15, "latencyAtLeast": 0.11, "latencyAtMost": 0.3}
    numbers |= {"latencyAllowed": 0.08, "latencyLimit": 0.08, "slowSeconds": 0.0123}
    assert compared(numbers)[1] == (
        "slow answers (over 12.3 ms): 40 %, stable 15 %; at least 11 points more beyond doubt, at most 30 points as far"
        " as is proven; allowed: 8 points"
    )


CLUSTER = """
clusters: [{name: a, cluster: {server: "https://127.0.0.1:1"}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
users: [{name: a, user: {token: x}}]
current-context: a
"""


@pytest.mark.parametrize(
    ("kubeconfig", "words", "code", "said"),
    [
        ("", ["flights"], 2, "write NAMESPACE/NAME"),
        ("", ["ns/../secrets"], 2, "write NAMESPACE/NAME"),
        ("", ["ns/flights"], 2, "no cluster to ask"),
        ("a: b: c", ["ns/flights"], 2, "no cluster to ask"),
        ("[]", ["ns/flights"], 2, "no cluster to ask"),
        (CLUSTER, ["ns/flights", "--context", "b"], 2, "Expected object with name b"),
        (CLUSTER, ["ns/flights"], 1, "the API server did not answer"),
        (CLUSTER, ["ns/flights", "--kubeconfig", "/nowhere"], 2, "/nowhere is no file"),
    ],
)
def test_a_wrong_command_or_no_cluster_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kubeconfig: str,
    words: list[str],
    code: int,
    said: str,
) -> None:
    (tmp_path / "config").write_text(kubeconfig)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "argv", ["modelward", "why", *words])
    assert main() == code
    out, errors = capsys.readouterr()
    assert not out
    assert errors.startswith("modelward why: ")
    assert said in errors
    assert len(errors.splitlines()) == 1


def test_it_is_a_command_of_the_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "modelward", "why", "--help"], capture_output=True, text=True, timeout=60, check=True
    )
    assert "NAMESPACE/NAME" in done.stdout
