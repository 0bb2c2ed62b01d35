"""What Argo CD makes of our resources, by its own code: health, actions, and that a synced example stays Synced.

The states are the unit tests' scenes, as files under crds/argocd; kstatus, which Flux and Helm ask, answers beside it.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from api.client import Api, Manifest, wait_until
from api.engine_operator import Operator
from api.manifests import manifest
from argocd import ArgoCD, ArgoCDRefused, application
from localcluster import paths
from localcluster.api import ApiServer
from unit.crds.scenes import SCENES, Scene
from unit.crds.testdata import FOLDER

pytestmark = pytest.mark.timeout(300)
ASKER = "system:serviceaccount:argocd:argocd-server"
EXAMPLES = sorted((paths.REPOSITORY / "examples").rglob("*.yaml"))
WAVE = "argocd.argoproj.io/sync-wave"
ENABLED = {
    "serves": [],
    "tries_a_new_version": ["abort", "pause", "promote", "promote-full"],
    "waits_for_approval": ["abort", "approve", "pause"],
    "waits_for_promotion": ["abort", "pause", "promote", "promote-full"],
    "is_paused_by_its_spec": ["abort", "pause", "promote", "promote-full"],
    "is_paused_by_a_person_on_trial": ["abort", "promote", "promote-full", "resume"],
    "is_paused_by_a_person_in_its_promotion": ["abort", "promote-full", "resume"],
    "is_paused_by_a_person_while_it_is_watched": ["abort", "resume", "rollback"],
    "promotes_a_version": ["abort", "pause"],
    "watches_what_it_promoted": ["abort", "pause", "rollback"],
    "rolled_back_and_is_still_asked_for_the_rejected_version": ["retry"],
    "was_aborted_by_a_person": ["retry"],
    "rolled_back_and_git_was_reverted": [],
    "has_no_pod_yet": [],
}
"""Actions of a ModelDeployment that can be clicked, by its state."""
OF_OTHERS = {
    ("Dataset", "is_ingested"): ["look", "suspend"],
    ("Dataset", "is_ingested_just_now"): ["suspend"],
    ("Dataset", "is_suspended_with_data_in_service"): ["resume"],
    ("TrainingRun", "trains"): ["suspend"],
    ("TrainingRun", "is_suspended"): ["resume"],
    ("TrainingRun", "is_complete"): [],
    ("TrainingRun", "failed"): [],
    ("RegisteredModel", "is_up_to_date"): ["suspend", "train"],
    ("RegisteredModel", "trains_for_the_first_time"): ["suspend"],
    ("RegisteredModel", "is_suspended_from_the_start"): ["resume"],
    ("ModelVersion", "is_verified"): ["alias", "approve"],
    ("ModelVersion", "missed_a_gate"): ["alias"],
    ("DatasetVersion", "is_as_expected"): [],
} | {("ModelDeployment", state): enabled for state, enabled in ENABLED.items()}


@pytest.fixture(scope="module")
def argo() -> Iterator[ArgoCD]:
    with ArgoCD() as argo:
        yield argo


def state(kind: str, name: str) -> Manifest:
    found: Manifest = yaml.safe_load((FOLDER / kind / f"testdata/{name}.yaml").read_text())
    return found


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.kind}-{scene.name}")
def test_state_is_told_as_a_person_would(argo: ArgoCD, scene: Scene) -> None:
    found, tests = state(scene.kind, scene.name), yaml.safe_load((FOLDER / scene.kind / "health_test.yaml").read_text())
    (said,) = (each["healthStatus"] for each in tests["tests"] if each["inputPath"].endswith(f"/{scene.name}.yaml"))
    assert argo.health(found) == (scene.health, said["message"])
    assert argo.kstatus(found) == scene.kstatus


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.kind}-{scene.name}")
def test_resource_that_is_being_deleted_is_progressing(argo: ArgoCD, scene: Scene) -> None:
    found = state(scene.kind, scene.name)
    found["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    assert argo.health(found)[0] == "Progressing"
    assert argo.kstatus(found) == "Terminating"


@pytest.mark.parametrize("kind", sorted({scene.kind for scene in SCENES}))
def test_new_resource_is_progressing_as_the_api_server_shows_it(
    argo: ArgoCD, api: Api, namespace: str, kind: str
) -> None:
    found = api.create(manifest(kind, namespace))
    assert argo.health(found) == ("Progressing", "Waiting for the operator")
    assert argo.kstatus(found) == "InProgress"


@pytest.mark.parametrize(("kind", "name"), OF_OTHERS, ids=map("-".join, OF_OTHERS))
def test_actions_can_be_clicked_where_they_make_sense(argo: ArgoCD, kind: str, name: str) -> None:
    told = argo.actions(state(kind, name))
    assert [each["name"] for each in told if not each.get("disabled")] == OF_OTHERS[kind, name]
    assert all(each["iconClass"].startswith("fa fa-fw fa-") and each["displayName"] for each in told)


def test_files_for_argo_cds_repository_tell_the_actions_that_it_finds(argo: ArgoCD) -> None:
    for path in FOLDER.glob("*/actions/action_test.yaml"):
        for test in yaml.safe_load(path.read_text())["discoveryTests"]:
            told = argo.actions(yaml.safe_load((path.parent / test["inputPath"]).read_text()))
            assert [{"disabled": False} | each for each in told] == test["result"]


@pytest.mark.parametrize(
    ("name", "action", "parameters", "words"),
    [
        ("tries_a_new_version", "promote", {}, "promote CANDIDATE"),
        ("tries_a_new_version", "promote-full", {}, "promote-full CANDIDATE"),
        ("waits_for_approval", "approve", {}, "approve CANDIDATE"),
        ("tries_a_new_version", "pause", {}, "pause CANDIDATE"),
        ("is_paused_by_a_person_on_trial", "resume", {}, "resume CANDIDATE"),
        ("is_paused_by_a_person_while_it_is_watched", "resume", {}, "resume STABLE"),
        ("tries_a_new_version", "abort", {}, "abort CANDIDATE"),
        ("watches_what_it_promoted", "abort", {}, "abort STABLE"),
        ("watches_what_it_promoted", "rollback", {}, "rollback PREVIOUS"),
        ("watches_what_it_promoted", "rollback", {"version": "1"}, "rollback 1"),
        ("rolled_back_and_is_still_asked_for_the_rejected_version", "retry", {}, "retry TARGET"),
    ],
)
def test_action_on_a_rollout_is_an_annotation_that_names_the_revision(
    argo: ArgoCD, name: str, action: str, parameters: dict[str, str], words: str
) -> None:
    found = state("ModelDeployment", name)
    status = found["status"]
    for side in ("candidate", "stable", "previous"):
        words = words.replace(side.upper(), status.get(side, {}).get("revision", ""))
    words = words.replace("TARGET", status["target"])
    patch = argo.act(found, action, **parameters)
    annotations = patch["metadata"]["annotations"]
    assert re.fullmatch(
        re.escape(words) + r" in Argo CD, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", annotations["modelward.dev/action"]
    )
    assert annotations["modelward.dev/requested-by"] == ASKER
    assert (patch.keys(), patch["metadata"].keys()) == ({"metadata"}, {"annotations"}), "nothing else is written"


def test_rollback_to_nothing_says_what_to_give(argo: ArgoCD) -> None:
    with pytest.raises(ArgoCDRefused, match="nothing served before: give a version"):
        argo.act(state("ModelDeployment", "serves"), "rollback")


def test_alias_is_a_parameter(argo: ArgoCD) -> None:
    found = state("ModelVersion", "is_verified")
    given = argo.act(found, "alias", alias="champion")["metadata"]["annotations"]
    assert given["modelward.dev/action"] == "alias champion in Argo CD"
    assert given["modelward.dev/requested-by"] == ASKER
    with pytest.raises(ArgoCDRefused, match="give the alias, such as champion"):
        argo.act(found, "alias")
    approval = argo.act(found, "approve")["metadata"]["annotations"]["modelward.dev/action"]
    assert approval == f"approve {found['spec']['digest']} in Argo CD"


def test_patches_are_what_the_api_server_takes(argo: ArgoCD, api: Api, namespace: str) -> None:
    for kind, action in (("Dataset", "look"), ("Dataset", "suspend"), ("TrainingRun", "suspend")):
        sent = manifest(kind, namespace)
        found = api.read(sent) if action == "suspend" and kind == "Dataset" else api.create(sent)
        api.patch(sent, argo.act(found, action))
        after = api.read(sent)
        if action == "suspend":
            assert after["spec"]["suspend"] is True
            assert argo.act(after, "resume") == {"spec": {"suspend": False}}
        else:
            assert "modelward.dev/requested-at" in after["metadata"]["annotations"]


# Synced


def examples(api: Api, namespace: str) -> list[Manifest]:
    """Each file's resources in a namespace of their own."""
    found: list[Manifest] = []
    for number, path in enumerate(EXAMPLES):
        own = f"{namespace}-{number}"
        objects = [each for each in yaml.safe_load_all(path.read_text()) if each]
        if any(each["kind"] in ("Application", "ClusterRole") for each in objects):
            continue  # no API server here knows the one, and no namespace the other
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": own}})
        found += [_in(own, each) for each in objects]
    return found


def _in(namespace: str, found: Manifest) -> Manifest:
    """All in one wave: no Job runs here that would make a Dataset Healthy."""
    annotations = {key: said for key, said in found["metadata"].get("annotations", {}).items() if key != WAVE}
    more = {"namespace": namespace} | ({"annotations": annotations} if annotations else {})
    return found | {"metadata": {k: v for k, v in found["metadata"].items() if k != "annotations"} | more}


@pytest.mark.parametrize("options", [(), ("ServerSideApply=true",)], ids=["client-side", "server-side"])
def test_examples_stay_synced_whatever_the_operator_writes(
    argo: ArgoCD, server: ApiServer, api: Api, namespace: str, tmp_path: Path, options: tuple[str, ...]
) -> None:
    app = application(namespace, *options, name=namespace)
    target = examples(api, namespace)
    assert len(target) > 12
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_TRAINING_IMAGE="training:1") as operator:
        operator.wait_until_watching()
        done = argo.sync(server.kubeconfig, app, target)
        assert {each["status"] for each in done.values()} == {"Synced"}, done
        ours = [each for each in target if each["apiVersion"].startswith("modelward.dev/")]
        kinds = {each["kind"] for each in ours}
        before = {kind: operator.reconciles(kind) for kind in kinds}
        for round_ in range(100 // len(ours) + 1):
            for each in ours:
                api.label(each, {"round": str(round_)})
        wait_until(lambda: all(_explained(api.read(each)) for each in ours), "every example has a status")
        wait_until(lambda: sum(operator.reconciles(k) - before[k] for k in kinds) >= 100, "100 looks at the examples")
    for compared in (app, application(namespace, name=namespace, server_side_diff=True)):
        assert argo.different(server.kubeconfig, compared, target) == []
    edited = next(each for each in ours if each["kind"] == "ModelDeployment" and each["spec"].get("replicas"))
    versions = {each["metadata"]["name"]: api.read(each)["metadata"]["resourceVersion"] for each in ours}
    argo.sync(server.kubeconfig, app, target)
    assert {each["metadata"]["name"]: api.read(each)["metadata"]["resourceVersion"] for each in ours} == versions
    api.patch(edited, {"spec": {"replicas": 7}})
    (found,) = argo.different(server.kubeconfig, app, target)
    assert found["name"] == f"ModelDeployment/{edited['metadata']['name']}", "what somebody edits by hand is shown"


def _explained(found: Manifest) -> bool:
    return bool(found["status"].get("observedGeneration"))
