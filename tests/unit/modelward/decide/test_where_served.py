"""Where a ModelVersion served: since when, until when, and why it ended."""

from datetime import timedelta

from modelward.api import ModelDeployment
from modelward.api.model_version import ServedBy
from modelward.decide.where_served import MOST, where_served

from .simulated import HARMFUL, START, Simulated, Trouble, healthy, with_canary
from .test_model_version import deployment, rejected, revision

LATER = START + timedelta(hours=1)
TOLD = tuple[str, str, bool, str | None]
"""deployment, role, whether it is so now, why"""


def look(name: str, before: list[ServedBy], *deployments: ModelDeployment, hours: int = 1) -> list[ServedBy]:
    found = where_served(name, before, deployments, START + timedelta(hours=hours))
    assert where_served(name, found, deployments, START + timedelta(hours=hours + 1)) == found, "another look: no news"
    return found


def told(found: list[ServedBy]) -> list[TOLD]:
    return [(each.deployment, each.role, each.until is None, each.why) for each in found]


def test_version_that_is_replaced_was_in_service_until_then() -> None:
    first = look("flights-1", [], deployment("flights", stable=revision("flights-1")))
    after = {"stable": revision("flights-2") | {"since": "2026-01-01T00:30:00Z"}, "previous": revision("flights-1")}

    warm = look("flights-1", first, deployment("flights", **after))
    cold = look("flights-1", warm, deployment("flights", stable=after["stable"]))

    assert told(first) == [("flights", "Stable", True, None)]
    was = ("flights", "Stable", False, "replaced by flights-2")
    assert told(warm) == [("flights", "Warm", True, None), was]
    assert told(cold) == [was]
    assert cold[0].until == "2026-01-01T00:30:00Z"


def test_version_that_is_rolled_back_is_told_with_its_verdict_and_is_rejected() -> None:
    stable = revision("flights-2") | {"since": "2026-01-01T12:00:00Z"}
    first = look("flights-2", [], deployment("flights", stable=stable))
    verdict = rejected("flights-2") | {"message": "57 of 1,204 requests failed"}
    back = deployment("flights", stable=revision("flights-1"), verdicts=[verdict])

    found = look("flights-2", first, back, hours=48)

    assert told(found) == [
        ("flights", "Rejected", True, "Errors: 57 of 1,204 requests failed"),
        ("flights", "Stable", False, "rolled back: Errors: 57 of 1,204 requests failed"),
    ]
    assert found[1].until == verdict["time"]

    lifted = deployment("flights", stable=revision("flights-1"), verdicts=[verdict | {"lifted": True}])
    assert told(look("flights-2", found, lifted, hours=49))[0] == (
        "flights",
        "Rejected",
        False,
        "another try was asked for",
    )


def test_version_that_comes_back_serves_anew_from_then_on() -> None:
    before = look("flights-1", [], deployment("flights", stable=revision("flights-1")))
    newer = revision("flights-2") | {"since": "2026-01-01T00:30:00Z"}
    before = look("flights-1", before, deployment("flights", stable=newer))

    found = look("flights-1", before, deployment("flights", stable=revision("flights-1")), hours=2)

    assert [(each.since, each.until) for each in found] == [
        ("2026-01-01T02:00:00Z", None),
        ("2026-01-01T00:00:00Z", "2026-01-01T00:30:00Z"),
    ]


def test_candidate_that_comes_into_service_leaves_no_trial_behind() -> None:
    tried = deployment("flights", candidate=revision("flights-2"), stable=revision("flights-1"), phase="Canary")
    before = look("flights-2", [], tried)
    assert told(before) == [("flights", "Candidate", True, None)]
    assert told(look("flights-2", before, deployment("flights", stable=revision("flights-2")))) == [
        ("flights", "Stable", True, None)
    ]


def test_candidate_that_gives_way_says_to_which() -> None:
    tried = deployment("flights", candidate=revision("flights-2"), stable=revision("flights-1"), phase="Canary")
    newer = deployment("flights", candidate=revision("flights-3"), stable=revision("flights-1"), phase="Canary")
    assert told(look("flights-2", look("flights-2", [], tried), newer)) == [
        ("flights", "Candidate", False, "gave way to flights-3")
    ]


def test_deployment_that_is_deleted_ends_what_it_served() -> None:
    before = look("flights-1", [], deployment("flights", stable=revision("flights-1")))
    assert told(look("flights-1", before)) == [("flights", "Stable", False, "the deployment was deleted")]
    anew = deployment("flights")
    assert told(look("flights-1", before, anew)) == [("flights", "Stable", False, "the deployment was deleted")]


def test_list_is_bounded_and_keeps_what_is_so_now_and_the_newest() -> None:
    past = [
        ServedBy(deployment=f"d{n}", role="Stable", since="2025-01-01T00:00:00Z", until=f"2025-01-02T00:{n:02}:00Z")
        for n in range(60)
    ] * 2
    found = look("flights-1", past, deployment("flights", stable=revision("flights-1")))
    assert len(found) == MOST
    assert (found[0].deployment, found[1].deployment, found[-1].deployment) == ("flights", "d59", "d10")


def test_whole_rollout_is_told_with_the_words_of_its_end() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    assert lives(world, "Baking", "Stable") == {
        "flights-1": [("Stable", False, "replaced by flights-2")],
        "flights-2": [("Stable", True, None)],
    }
    world = with_canary()
    world.give(HARMFUL, healthy())
    found = lives(world, "RollingBack", "Stable")
    (verdict,) = world.status.verdicts
    said = f"{verdict.reason}: {verdict.message}"
    assert found == {
        "flights-1": [("Stable", True, None)],
        "flights-2": [("Rejected", True, said), ("Candidate", False, f"rolled back: {said}")],
    }


def test_version_that_is_rolled_back_after_its_promotion_was_in_service_and_the_one_before_is_again() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    world.troubles["flights-2"] = Trouble("harm", "CrashLoop", "it exits")
    found = lives(world, "RollingBack", "Stable")
    assert [each[:2] for each in found["flights-2"]] == [("Rejected", True), ("Stable", False)]
    assert found["flights-1"] == [("Stable", True, None)]


def lives(world: Simulated, *phases: str) -> dict[str, list[tuple[str, bool, str | None]]]:
    """Of both versions (role, whether it is so now, why), looked at once a tick until the last phase is over."""
    known: dict[str, list[ServedBy]] = {"flights-1": [], "flights-2": []}
    for phase in phases:
        for _ in range(2000):
            found = world.observed().deployment
            known = {name: where_served(name, before, [found], world.now) for name, before in known.items()}
            if world.status.phase == phase:
                break
            world.tick()
        assert world.status.phase == phase
    return {name: [each[1:] for each in told(found)] for name, found in known.items()}
