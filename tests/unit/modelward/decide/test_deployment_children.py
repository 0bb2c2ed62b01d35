"""What a ModelDeployment is made of besides its servers, and what it says when something else is in the way."""

from typing import Any

import pytest

from modelward.decide.model_deployment import TAKEN_SECONDS
from modelward.decide.scoring_image import repository
from modelward.settings import Settings

from .simulated import HARMFUL, SETTINGS, Simulated, Trouble, healthy, serving, with_canary

REFUSED = Trouble("hold", "FailedCreate", "the API server refuses its pods: exceeded quota: team")


def budgets(world: Simulated) -> list[str]:
    return [name for kind, name in world.objects if kind == "PodDisruptionBudget"]


def revision(world: Simulated) -> str:
    assert world.status.stable
    return world.status.stable.revision


def test_budget_of_two_replicas_lets_one_go_and_never_holds_one_that_is_not_ready() -> None:
    world = serving(replicas=2)
    (name,) = budgets(world)
    spec = world.objects["PodDisruptionBudget", name]["spec"]
    assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")
    pods = world.objects["Deployment", name]["spec"]["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= pods.items()


def test_each_version_with_two_pods_has_a_budget_of_its_own() -> None:
    world = with_canary(replicas=4, rollout={"steps": [{"weight": 10}, {"weight": 50}]})
    assert budgets(world) == [f"flights-{revision(world)}"]
    world.spec = {**world.spec, "replicas": 20}
    world.settle()
    assert len(budgets(world)) == 2


@pytest.mark.parametrize("change", [{"replicas": 1}, {"disruptionBudget": {"enabled": False}}])
def test_budget_goes_where_it_is_not_wanted_any_more(change: dict[str, Any]) -> None:
    world = serving(replicas=2)
    world.spec = {**world.spec, **change}
    world.settle()
    assert budgets(world) == []


def test_budget_makes_room_for_the_users_own_and_comes_back_after_it() -> None:
    world = serving(replicas=2)
    world.budget_of_others = True
    world.settle()
    assert budgets(world) == []
    world.budget_of_others = False
    world.settle()
    assert len(budgets(world)) == 1


def test_verdict_job_is_no_pod_of_the_deployment_and_goes_once_the_verdict_is_stored() -> None:
    world = with_canary(replicas=2)
    world.troubles["flights-2"] = Trouble("harm", "CrashLoop", "it fell")
    plan = next(p for p in (world.tick() for _ in range(20)) if any(o["kind"] == "Job" for o in p.creates))
    (job,) = (o for o in plan.creates if o["kind"] == "Job")
    carried = job["spec"]["template"]["metadata"]["labels"]
    assert not {"modelward.dev/deployment", "modelward.dev/revision"} & carried.keys()
    assert job["metadata"]["labels"]["modelward.dev/deployment"] == "flights"


def test_name_that_is_taken_is_said_of_both_conditions_and_looked_at_again_soon() -> None:
    world = serving()
    world.objects.pop(("Service", "flights"))
    world.taken = True
    plan = world.tick()
    assert plan.requeue_after == TAKEN_SECONDS
    for condition in ("Ready", "Available"):
        told = world.condition(condition)
        assert told
        assert told[:2] == ("False", "NameTaken")
        assert "Service flights" in told[2]
    assert ("Service", "flights") not in world.objects
    world.taken = False
    world.settle()
    assert ("Service", "flights") in world.objects
    assert world.condition("Available") == ("True", "Serving", "flights-1 serves")


def test_pods_that_the_api_server_refuses_are_told_in_its_words() -> None:
    world = serving()
    world.refused[revision(world)] = REFUSED
    world.replacing.add(revision(world))
    world.settle()
    told = world.condition("Ready")
    assert told
    assert told[:2] == ("False", "FailedCreate")
    assert told[2].endswith("exceeded quota: team")


def test_pods_that_are_being_replaced_are_not_what_the_spec_asks_for_yet() -> None:
    world = serving()
    world.replacing.add(revision(world))
    world.settle()
    told = world.condition("Ready")
    assert told
    assert told[:2] == ("Unknown", "Replacing")
    assert world.condition("Available") == ("True", "Serving", "flights-1 serves")


def test_service_account_that_is_not_allowed_stalls_and_changes_no_pod() -> None:
    world = serving()
    before = dict(world.objects)
    world.spec = {**world.spec, "pod": {"serviceAccountName": "admin"}}
    world.settle()
    told = world.condition("Ready")
    assert told
    assert told[:2] == ("False", "ServiceAccountNotAllowed")
    assert world.objects == before
    assert world.condition("Stalled") is not None


def test_service_account_that_is_allowed_is_the_pods() -> None:
    allowed: Settings = SETTINGS.model_copy(update={"service_accounts": ("reader",)})
    world = Simulated(spec={"modelRef": {"name": "flights"}, "pod": {"serviceAccountName": "reader"}}, settings=allowed)
    world.run("Stable")
    (deployment,) = (o for (kind, _), o in world.objects.items() if kind == "Deployment")
    assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == "reader"


def test_another_scoring_image_is_tried_in_steps_like_another_version() -> None:
    world = serving(rollout={"bakeTime": "10s"})
    before = revision(world)
    world.spec = {**world.spec, "runtime": {"image": "scoring:2@sha256:" + "0" * 64}}
    world.run("Canary")
    candidate = world.status.candidate
    assert candidate
    assert (candidate.model_version, candidate.image) == ("flights-1", "scoring:2@sha256:" + "0" * 64)
    world.give(healthy(), healthy())
    world.run("Stable")
    world.spec = {key: said for key, said in world.spec.items() if key != "runtime"}
    world.settle()
    assert (world.status.phase, revision(world)) == ("Stable", candidate.revision), "what serves keeps its image"
    world.spec = {**world.spec, "runtime": {"image": "scoring:1"}}
    assert "Canary" not in world.run("Baking"), "it has served well"
    assert revision(world) == before


def test_scoring_image_of_another_repository_is_refused_and_what_serves_keeps_serving() -> None:
    world = serving()
    before = dict(world.objects)
    world.spec = {**world.spec, "runtime": {"image": "hub/team/scoring:1"}}
    world.settle()
    told = world.condition("Stalled")
    assert told
    assert told[:2] == ("True", "ImageNotAllowed")
    assert "allowedScoringRepositories" in told[2]
    assert world.objects == before
    world.settings = SETTINGS.model_copy(update={"scoring_repositories": ("hub/team/scoring",)})
    world.run("Canary")


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("scoring", "scoring"),
        ("hub:5000/a/scoring", "hub:5000/a/scoring"),
        ("hub:5000/a/scoring:1.2@sha256:00", "hub:5000/a/scoring"),
    ],
)
def test_repository_of_an_image_has_no_tag_and_no_digest(image: str, name: str) -> None:
    assert repository(image) == name


def test_services_are_of_the_families_that_the_installation_asks_for() -> None:
    dual = SETTINGS.model_copy(update={"ip_family_policy": "RequireDualStack", "ip_families": ("IPv6", "IPv4")})
    world = Simulated(settings=dual)
    world.run("Stable")
    services = [o["spec"] for (kind, _), o in world.objects.items() if kind == "Service"]
    assert {(s["ipFamilyPolicy"], *s["ipFamilies"]) for s in services} == {("RequireDualStack", "IPv6", "IPv4")}
    plain = serving()
    assert not any("ipFamilies" in o["spec"] for (kind, _), o in plain.objects.items() if kind == "Service")


def test_version_before_keeps_all_its_pods_or_as_many_as_asked_for_once_clients_have_left() -> None:
    for keep, left in (({}, 4), ({"keepReplicas": 2}, 2), ({"keepReplicas": 9}, 4)):
        world = with_canary(replicas=4, rollout={"steps": [{"weight": 10, "duration": "2s"}]} | keep)
        world.give(healthy(), healthy(), step=1000)
        world.run("Baking")
        assert world.status.previous
        before = f"flights-{world.status.previous.revision}"
        world.settle(2)
        assert replicas(world, before) == 4, "clients are still being told"
        world.settle(20)
        assert (world.status.phase, replicas(world, before)) == ("Baking", left)
        world.give(HARMFUL, healthy())
        world.run("RollingBack", limit=2)
        assert replicas(world, before) == 4, "what serves again does so in full"


def replicas(world: Simulated, name: str) -> int:
    return int(world.objects["Deployment", name]["spec"]["replicas"])
