"""What a person asks for by annotation: in every phase, once, with a trace of who asked and why."""

from typing import Any

import pytest

from modelward.api.model_deployment import ServingRevision

from .simulated import HARMFUL, Simulated, Trouble, healthy, serving, version, with_canary

STEPS = {"steps": [{"weight": 10, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "bakeTime": "60s"}
NAMELESS = "00000000aa"
VERBS = ["promote", "promote-full", "approve", "abort", "retry", "rollback", "pause", "resume"]


def canary(**spec: Any) -> Simulated:
    """flights-1 in service, flights-2 at 10 %; nothing passes by itself, as no answer comes."""
    return with_canary(**({"rollout": STEPS} | spec))


def held() -> Simulated:
    """By spec.paused, at 10 %."""
    world = canary()
    world.spec = world.spec | {"paused": True}
    world.settle()
    return world


def candidate(world: Simulated) -> ServingRevision:
    assert world.status.candidate
    return world.status.candidate


def stable(world: Simulated) -> ServingRevision:
    assert world.status.stable
    return world.status.stable


def promoted() -> Simulated:
    world = canary()
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    return world


def three_versions() -> Simulated:
    """flights-3 in service after flights-1 and flights-2."""
    world = promoted()
    world.run("Stable")
    world.versions.append(version(3))
    world.run("Baking")
    world.run("Stable")
    world.settle()
    assert world.stable() == "flights-3"
    return world


def answered(world: Simulated) -> str:
    """Why the action was refused, as the condition and the one Event say it."""
    world.settle()
    found = world.condition("ActionDone")
    assert found
    assert found[:2] == ("False", "Refused"), found
    assert world.events.count("ActionRefused") == 1
    return found[2]


def causes(world: Simulated) -> list[str]:
    return [t.cause for t in world.status.history]


# promote


def test_promote_passes_the_step_without_evidence_once_for_the_same_words() -> None:
    world = canary()
    world.ask("promote", candidate(world).revision, "load test was enough", by="ada")
    world.settle(20)
    assert (world.status.phase, world.status.weight) == ("Canary", 50)
    entry = next(t for t in world.status.history if t.requested_by)
    assert (entry.requested_by, entry.reason) == ("ada", "load test was enough")
    assert "by ada (unverified): load test was enough" in entry.message
    world.ask("promote", candidate(world).revision, "and on")
    world.run("Baking", limit=5)
    assert world.stable() == "flights-2"


def test_name_that_the_api_server_has_proven_is_not_doubted() -> None:
    world = canary()
    world.actions_verified = True
    world.ask("abort", candidate(world).revision, by="ada")
    world.tick()
    entry = world.status.history[-1]
    assert (entry.verified, "by ada" in entry.message, "unverified" in entry.message) == (True, True, False)
    again = Simulated(actions_verified=True)
    again.ask("retry", NAMELESS, by="ada")
    again.tick()
    assert not again.status.actions[-1].verified, "what a deployment is created with has passed no check"


def test_promote_in_full_leaves_out_every_step_that_is_left() -> None:
    world = canary()
    world.ask("promote-full", candidate(world).revision)
    world.run("Baking", limit=5)
    assert "PromotedByHand" in causes(world)
    assert world.condition("ActionDone") is not None


def test_promotion_by_hand_is_undone_by_harm() -> None:
    world = canary()
    world.give(HARMFUL, healthy(), step=500)
    world.ask("promote-full", candidate(world).revision)
    world.run("RollingBack", limit=2)
    world.settle()
    assert world.status.verdicts
    assert "not on trial" in answered(world)


def test_candidate_without_a_ready_pod_is_not_promoted_by_hand() -> None:
    world = canary()
    world.troubles["flights-2"] = Trouble("hold", "NodeLost", "node gone")
    world.settle()
    world.ask("promote", candidate(world).revision)
    assert "no pod of flights-2 is Ready" in answered(world)
    assert world.status.phase == "Canary"


# abort and retry


def test_newer_version_starts_after_an_abort() -> None:
    world = canary()
    world.ask("abort", candidate(world).revision)
    world.run("Stable")
    world.versions.append(version(3))
    world.run("Canary")
    assert candidate(world).model_version == "flights-3"


def test_bake_is_not_aborted_towards_a_version_without_pods() -> None:
    world = promoted()
    world.troubles["flights-1"] = Trouble("hold", "NodeLost", "node gone")
    world.ask("abort", stable(world).revision)
    assert "no pod of flights-1 is Ready" in answered(world)
    assert world.stable() == "flights-2"


def test_trial_is_not_aborted_towards_a_version_without_pods() -> None:
    world = canary()
    world.troubles["flights-1"] = Trouble("hold", "NodeLost", "node gone")
    world.ask("abort", candidate(world).revision)
    assert "no pod of flights-1 is Ready" in answered(world)
    assert world.stable() == "flights-2", "what is Ready serves"


def test_retry_lifts_a_verdict_once() -> None:
    world = canary()
    bad = candidate(world).revision
    world.give(HARMFUL, healthy(), step=500)
    world.run("Stable")
    world.give()
    world.ask("retry", bad, by="ada")
    world.run("Canary")
    assert (candidate(world).revision, candidate(world).retry) == (bad, 1), "its pods must pass the stored verdict"
    world.settle(3)
    world.give(HARMFUL, healthy(), step=500)
    world.run("Stable")
    world.give()
    world.settle(50)
    assert world.status.phase == "Stable"
    assert [(v.retry, v.lifted) for v in world.status.verdicts] == [(0, True), (1, None)]
    stalled = world.condition("Stalled")
    assert stalled
    assert "set spec.rollout.retry to 2" in stalled[2]
    world.ask("retry", bad, "with more memory")
    world.run("Canary")


def test_retry_of_an_aborted_version_tries_it_in_steps_again() -> None:
    world = canary()
    world.ask("abort", candidate(world).revision)
    bad = candidate(world).revision
    world.run("Stable")
    world.ask("retry", bad)
    world.run("Canary")
    assert candidate(world).revision == bad
    assert world.status.step == 0


def test_retry_of_the_first_version_serves_it() -> None:
    world = Simulated()
    world.troubles["flights-1"] = Trouble("harm", "RejectedRevision", "flights-1 was rolled back here before")
    world.settle()
    world.troubles.clear()
    world.ask("retry", world.status.verdicts[-1].revision)
    world.run("Stable")
    assert stable(world).retry == 1


# rollback


def test_rollback_brings_back_a_version_by_its_number_without_steps() -> None:
    world = three_versions()
    world.ask("rollback", "1", "customers complain", by="ada")
    phases = world.run("Baking", limit=20)
    assert phases == ["Stable", "Promoting", "Baking"]
    assert world.stable() == "flights-1"
    world.run("Stable")
    world.settle(50)
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable"), "what the spec asks for stays away"
    assert world.condition("RolledBack") == (
        "True",
        "RolledBackByHand",
        "flights-3: a person asked for flights-1 instead",
    )
    world.versions.append(version(4))
    world.run("Canary")
    assert candidate(world).model_version == "flights-4"


def test_rollback_during_the_bake_is_back_within_a_look() -> None:
    world = promoted()
    world.ask("rollback", "flights-1")
    world.tick()
    assert (world.stable(), world.status.phase) == ("flights-1", "RollingBack")
    world.run("Stable")
    world.settle(50)
    assert world.stable() == "flights-1"


def test_rollback_during_the_bake_to_an_older_version_follows_at_once() -> None:
    world = three_versions()
    world.versions.append(version(4))
    world.run("Baking")
    world.ask("rollback", "1")
    while world.status.phase != "Promoting":
        world.tick()
    assert candidate(world).model_version == "flights-1"
    world.run("Stable")
    world.settle(50)
    assert world.stable() == "flights-1"


@pytest.mark.parametrize(("to", "serves"), [("3", "flights-3"), ("2", "flights-2")])
def test_rollback_during_a_trial_ends_it(to: str, serves: str) -> None:
    world = three_versions()
    world.versions.append(version(4))
    world.give()
    world.run("Canary")
    world.settle(3)
    world.ask("rollback", to)
    world.run("RollingBack", limit=2)
    world.run("Stable")
    world.settle(60)
    world.run("Stable")
    assert world.stable() == serves
    assert "RolledBackByHand" in causes(world)


def test_rollback_whose_version_does_not_start_leaves_what_serves() -> None:
    world = three_versions()
    world.spec = world.spec | {"rollout": STEPS | {"progressDeadlineSeconds": 30}}
    world.troubles["flights-1"] = Trouble("hold", "ImagePullBackOff", "no such image")
    world.ask("rollback", "1")
    world.run("Promoting")
    world.run("RollingBack")
    world.run("Stable")
    world.settle(20)
    assert (world.stable(), world.status.phase) == ("flights-3", "Stable")
    assert world.condition("Ready") == ("True", "Serving", "flights-3 serves on 1 replicas")


def test_rollback_past_a_verdict_on_what_the_spec_asks_for() -> None:
    world = three_versions()
    world.versions.append(version(4))
    world.run("Canary")
    world.settle(3)
    world.give(HARMFUL, healthy(), step=500)
    world.run("Stable")
    world.give(healthy(), healthy())
    world.ask("rollback", "2")
    world.run("Baking", limit=20)
    assert world.stable() == "flights-2"


def test_retry_after_a_rollback_tries_the_version_of_the_spec_in_steps() -> None:
    world = three_versions()
    bad = stable(world).revision
    world.ask("rollback", "2")
    world.run("Baking")
    world.run("Stable")
    world.give()
    world.ask("retry", bad)
    world.run("Canary")
    assert candidate(world).revision == bad


def test_rollback_to_a_version_that_never_served_tells_what_did() -> None:
    world = three_versions()
    world.ask("rollback", "7")
    assert "there are 1, 2, 3" in answered(world)


# pause and resume


def test_pause_holds_until_it_is_resumed_and_may_alternate_in_the_same_words() -> None:
    world = canary()
    world.give(healthy(), healthy(), step=1000)
    for _ in range(2):
        world.ask("pause", candidate(world).revision)
        world.settle(20)
        assert (world.status.phase, world.status.weight) == ("Paused", 10)
        world.ask("resume", candidate(world).revision)
        world.tick()
        assert world.status.phase == "Canary"
    world.run("Baking")


def test_pause_holds_a_promotion_and_a_bake() -> None:
    world = canary()
    revision = candidate(world).revision
    world.deaf.add(stable(world).revision)
    world.ask("promote-full", revision)
    world.run("Promoting")
    world.ask("pause", revision)
    world.tick()
    world.deaf.clear()
    world.settle(20)
    assert world.status.phase == "Promoting"
    world.ask("resume", revision)
    world.run("Baking")
    world.ask("pause", revision)
    world.settle(60)
    assert world.status.phase == "Baking"
    assert world.status.previous
    world.ask("resume", revision, "all is well")
    world.run("Stable")


def test_harm_overrides_a_pause_by_hand() -> None:
    world = canary()
    world.ask("pause", candidate(world).revision)
    world.settle()
    world.give(HARMFUL, healthy(), step=500)
    world.run("RollingBack", limit=10)


def test_promote_passes_a_step_of_a_paused_trial_which_stays_paused() -> None:
    world = canary()
    world.ask("pause", candidate(world).revision)
    world.settle()
    world.ask("promote", candidate(world).revision)
    world.settle()
    assert (world.status.phase, world.status.weight) == ("Paused", 50)
    world.ask("promote-full", candidate(world).revision)
    world.run("Baking", limit=5)


def test_pause_is_of_the_revision_it_names_and_ends_with_its_trial() -> None:
    world = canary()
    first = candidate(world).revision
    world.ask("pause", first)
    world.settle()
    world.ask("abort", first)
    world.run("Stable")
    world.ask("retry", first)
    world.run("Canary")
    world.settle(3)
    assert world.status.phase == "Canary"


def test_resume_does_not_lift_the_pause_of_the_spec() -> None:
    world = held()
    world.ask("resume", candidate(world).revision)
    assert "spec.paused holds it" in answered(world)
    assert world.status.phase == "Paused"


# what is said once, and what never fires again


def test_action_done_before_does_nothing_when_its_words_come_back() -> None:
    world = canary()
    bad = candidate(world).revision
    world.ask("abort", bad)
    world.run("Stable")
    world.ask("retry", bad)
    world.run("Canary")
    world.ask("abort", bad)
    before = world.status.history
    world.settle(10)
    assert world.status.phase == "Canary"
    assert len(world.status.history) <= len(before) + 1, "only its step starts"
    world.ask("abort", bad, "once more")
    world.run("Stable")


def test_action_found_where_nothing_serves_yet_never_fires() -> None:
    world = canary()
    revision = candidate(world).revision
    again = Simulated()
    again.ask("promote-full", revision)
    assert "nothing is being rolled out" in answered(again)
    again.versions.append(version(2))
    again.run("Canary")
    assert candidate(again).revision == revision
    again.settle(10)
    assert again.status.phase == "Canary"


@pytest.mark.parametrize("verb", VERBS)
def test_action_on_a_revision_that_is_not_there_is_refused_once_in_every_phase(verb: str) -> None:
    paused, promoting = held(), canary()
    promoting.deaf.add(stable(promoting).revision)
    promoting.ask("promote-full", candidate(promoting).revision)
    promoting.settle()
    leaving = canary()
    leaving.connections[candidate(leaving).revision] = 1
    leaving.ask("abort", candidate(leaving).revision)
    leaving.settle()
    worlds = [Simulated(versions=[]), serving(), canary(), paused, promoting, promoted(), leaving]
    phases = ["Pending", "Stable", "Canary", "Paused", "Promoting", "Baking", "RollingBack"]
    assert [w.status.phase for w in worlds] == phases
    for world in worlds:
        before = world.status
        world.ask(verb, NAMELESS, by="ada")
        assert NAMELESS in answered(world)
        after = world.status
        assert (after.phase, after.weight, after.epoch) == (before.phase, before.weight, before.epoch)
        assert after.history == before.history
        assert after.actions[-1].requested_by == "ada"


def test_revision_on_trial_is_named_to_who_did_not_know_it() -> None:
    world = canary()
    world.ask("abort", "flights-2")
    assert f"flights-2 is, and its revision is {candidate(world).revision}" in answered(world)


@pytest.mark.parametrize(
    "words", ["promot abc", "promote", "x" * 100_000, "abort " + "y" * 100_000, "abort a\n\tb\u202e"]
)
def test_words_that_are_no_action_are_answered(words: str) -> None:
    world = canary()
    world.annotations = {"modelward.dev/action": words}
    assert answered(world)
    assert len(world.status.model_dump_json()) < 10_000


def test_condition_goes_with_the_annotation() -> None:
    world = canary()
    world.ask("pause", candidate(world).revision)
    world.settle()
    assert world.condition("ActionDone") is not None
    world.annotations = {}
    world.settle()
    assert world.condition("ActionDone") is None
    assert world.status.phase == "Paused"


def test_action_that_stands_writes_nothing_more() -> None:
    world = canary()
    world.ask("pause", candidate(world).revision)
    world.settle()
    plan = world.tick()
    assert (plan.status, plan.memory, plan.events) == (world.status, False, ())
