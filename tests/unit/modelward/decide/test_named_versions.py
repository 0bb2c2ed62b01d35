"""What people say of versions, as rollouts hear it: an alias to follow, an approval, a version that is deleted."""

import pytest

from modelward.api import ModelVersion
from modelward.api.model_version import AliasWord, ServedBy, Word
from modelward.api.registered_model import Retention
from modelward.decide.retention import superfluous

from .simulated import Simulated, healthy, serving, version

TIME = "2026-01-01T00:00:00Z"
REF = {"name": "flights", "version": "champion"}


def said(found: ModelVersion, **status: object) -> ModelVersion:
    return found.model_copy(update={"status": found.status.model_copy(update=status)})


def called(found: ModelVersion, order: int = 1, alias: str = "champion") -> ModelVersion:
    return said(found, aliases=[*found.status.aliases, AliasWord(time=TIME, name=alias, order=order)])


def approved(found: ModelVersion, verified: bool = False) -> ModelVersion:
    word = Word(time=TIME, by="ada", verified=verified, why="reviewed")
    return said(found, approvals=[word])


def following(*versions: ModelVersion) -> Simulated:
    return Simulated(spec={"modelRef": REF}, versions=list(versions))


def test_deployment_follows_an_alias_by_an_ordinary_rollout() -> None:
    world = following(called(version(1)), version(2))
    world.run("Stable")
    world.settle()
    assert world.stable() == "flights-1"
    world.versions[1] = called(version(2), order=2)
    assert world.run("Canary") == ["Stable", "Canary"]
    assert world.status.history[-1].message.endswith(f"is tried against flights-1; it is champion since {TIME}")
    assert world.status.candidate
    assert world.status.candidate.model_version == "flights-2"
    world.versions[0] = called(world.versions[0], order=3)
    world.run("Stable")
    assert world.stable() == "flights-1"


def test_alias_that_nobody_holds_says_what_to_write() -> None:
    world = following(version(1), called(version(2), alias="shadow"), called(version(1, model="trains")))
    world.settle()
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "AliasNotHeld")
    assert (
        'no version of model flights is called champion; annotate it: modelward.dev/action: "alias champion"'
        in ready[2]
    )
    assert "there are flights-1, flights-2" in ready[2]


def test_alias_of_a_version_that_missed_its_gates_is_refused_as_its_number_is() -> None:
    world = following(called(version(1)), version(2, verified="False"))
    world.run("Stable")
    world.versions[1] = called(world.versions[1], order=2)
    world.settle()
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "GateFailed")
    assert world.stable() == "flights-1"


@pytest.mark.parametrize("named", ["Latest", 2, "champion", version(2).spec.digest])
def test_version_that_serves_and_is_deleted_serves_on_and_is_told_of(named: str | int) -> None:
    world = serving(rollout={"bakeTime": "1s"})
    world.versions.append(called(version(2)))
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    world.run("Stable")
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": named}}
    world.settle()
    del world.versions[1]
    world.settle(20)
    ready = world.condition("Ready")
    assert world.stable() == "flights-2"
    assert ready
    assert ready[:2] == ("False", "VersionDeleted")
    assert "ModelVersion flights-2 was deleted; it serves on" in ready[2]

    world.versions.append(called(version(3), order=2))
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 3 if named == 2 else "Latest"}}
    world.run("Canary")


def needing_approval(**settings: bool) -> Simulated:
    world = serving(rollout={"approval": "Required"})
    world.actions_verified = settings.get("verified", False)
    world.versions.append(version(2))
    world.run("Canary")
    world.settle()
    assert world.status.weight == 0
    return world


def test_approved_version_may_have_requests_where_approval_is_required() -> None:
    world = needing_approval()
    world.versions[1] = approved(world.versions[1])
    world.settle()
    assert world.status.weight == 10
    entry = next(t for t in world.status.history if t.cause == "Approved")
    assert entry.message == (f"flights-2 may have requests: it is approved since {TIME}, by ada (unverified): reviewed")


def test_version_that_was_approved_before_waits_for_nobody() -> None:
    world = serving(rollout={"approval": "Required"})
    world.versions.append(approved(version(2)))
    world.run("Canary")
    world.settle()
    assert world.status.weight == 10


def test_approval_of_other_bytes_or_withdrawn_or_unproven_counts_for_nothing() -> None:
    world = needing_approval(verified=True)
    ended = [Word(time=TIME, by="ada", verified=True), Word(time=TIME, by="bob", verified=True, removed=True)]
    other = version(2).spec.model_copy(update={"digest": version(3).spec.digest})
    proven = approved(version(2), verified=True)
    for found in (approved(version(2)), said(version(2), approvals=ended), proven.model_copy(update={"spec": other})):
        world.versions[1] = found
        plan = world.plan()
        assert plan.status
        assert plan.status.wire().get("approved") is None
    world.versions[1] = proven
    world.settle()
    assert world.status.weight == 10


def test_approved_version_takes_over_a_deployment_of_zero_replicas() -> None:
    world = serving(rollout={"approval": "Required"})
    world.spec = world.spec | {"replicas": 0}
    world.versions.append(version(2))
    world.settle()
    assert world.stable() == "flights-1"
    world.versions[1] = approved(world.versions[1])
    world.settle()
    assert world.stable() == "flights-2"


def test_retention_keeps_what_is_in_use_has_an_alias_or_is_approved() -> None:
    over = ServedBy(deployment="shop", role="Stable", since=TIME, until=TIME, why="replaced by flights-9")
    ended = AliasWord(time=TIME, name="champion", order=2, removed=True)
    withdrawn = [Word(time=TIME), Word(time=TIME, removed=True)]
    stays = [
        called(version(1)),
        approved(version(2)),
        *(
            said(version(number), deployments=[ServedBy(deployment="shop", role=role, since=TIME), over])
            for number, role in enumerate(("Stable", "Candidate", "Warm", "Rejected"), start=3)
        ),
    ]
    goes = [
        said(version(7), deployments=[over]),
        said(called(version(8)), aliases=[*called(version(8)).status.aliases, ended]),
        said(version(9), approvals=withdrawn),
    ]
    refs = superfluous(Retention(versions=1), (), [*stays, *goes, version(10)], ())
    assert sorted(ref.name for ref in refs) == ["flights-7", "flights-8", "flights-9"]


def test_retention_keeps_what_a_deployment_says_it_runs_before_the_version_has_heard_of_it() -> None:
    world = serving()
    assert world.stable() == "flights-1"
    refs = superfluous(Retention(versions=1), (), [version(1), version(2), version(3)], [world.observed().deployment])
    assert [ref.name for ref in refs] == ["flights-2"]
