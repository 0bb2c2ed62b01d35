"""Argo CD with the chart and the examples, by its own code: synced twice without a difference, and what its service
account may do where names are verified."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import yaml

from api.client import wait_until
from api.manifests import manifest
from argocd import ArgoCD, ArgoCDRefused, application
from charts.conftest import CHART, NAMESPACE, Chart, Manifest, Run, kubectl_of, manifests
from localcluster import paths
from localcluster.api import ApiServer
from unit.crds.testdata import FOLDER

EXAMPLE = paths.REPOSITORY / "examples/argocd"
ASKER = "system:serviceaccount:argocd:argocd-server"
VERIFIED = ("actions.verified=true", "watchNamespaces={team-a}")
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "argocd-server"}}
"""As Argo CD installs it."""
pytestmark = pytest.mark.timeout(300)  # half a minute each on a machine that has nothing else to do
KEY = json.dumps({"data": {"key.pem": "bWFkZSBieSB0aGUgb3BlcmF0b3I="}})


@pytest.fixture(scope="module")
def argo() -> Iterator[ArgoCD]:
    with ArgoCD() as argo:
        yield argo


def test_chart_is_synced_twice_without_a_difference(argo: ArgoCD, chart: Chart, tmp_path: Path) -> None:
    compared = application(NAMESPACE, server_side_diff=True)
    with ApiServer(tmp_path / "argocd", ["clusterrole-aggregation-controller"]) as server:
        kubectl = kubectl_of(server)
        for name in (NAMESPACE, "team-a"):
            assert kubectl("create", "namespace", name).ok
        for app in (application(NAMESPACE), application(NAMESPACE, "ServerSideApply=true")):
            whole = manifests(chart.template(*VERIFIED, hooks=True).out)
            done = argo.sync(server.kubeconfig, app, whole)
            assert {each["status"] for each in done.values()} == {"Synced"}, done
            assert len(done) < len(whole), "Helm's test is none of Argo CD's"
            assert kubectl("patch", "secret/modelward-signing-key", f"--namespace={NAMESPACE}", f"--patch={KEY}").ok
            before = _versions(kubectl)
            for each in (app, compared):
                assert argo.different(server.kubeconfig, each, chart.render(*VERIFIED)) == []
            argo.sync(server.kubeconfig, app, chart.render(*VERIFIED))
            assert _versions(kubectl) == before, "the operator's key as well"
        changed = argo.different(server.kubeconfig, app, chart.render(*VERIFIED, "store.size=20Gi"))
        assert [each["name"] for each in changed] == ["Deployment/modelward"]


def _versions(kubectl: Run) -> dict[str, str]:
    kinds = "secrets,services,deployments,networkpolicies,serviceaccounts,roles,rolebindings,clusterroles,crds"
    found = json.loads(kubectl("get", kinds, f"--namespace={NAMESPACE}", "--output=json").out)["items"]
    ours = [each for each in found if "modelward" in each["metadata"]["name"]]
    return {f"{each['kind']}/{each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in ours}


def test_applications_of_the_example_are_what_argo_cd_knows(argo: ArgoCD) -> None:
    found = manifests((EXAMPLE / "applications.yaml").read_text())
    assert [argo.wave(each) for each in found] == [0, 1], "the chart comes first"
    for each in found:
        assert (paths.REPOSITORY / each["spec"]["source"]["path"]).is_dir()
    misspelt = found[0] | {"spec": found[0]["spec"] | {"syncpolicy": {}, "sorce": {}}}
    with pytest.raises(ArgoCDRefused, match="sorce"):
        argo.wave(misspelt)


def test_teams_resources_are_in_waves(argo: ArgoCD) -> None:
    waves = {each["kind"]: argo.wave(each) for each in team()}
    assert waves == {"Dataset": 0, "RegisteredModel": 1, "ModelDeployment": 2}


def team() -> list[Manifest]:
    """In a namespace, as Argo CD puts them before it syncs."""
    found = [yaml.safe_load(path.read_text()) for path in sorted((EXAMPLE / "team").glob("*.yaml"))]
    return [each | {"metadata": each["metadata"] | {"namespace": "team-a"}} for each in found]


def test_wave_waits_for_the_one_before_and_ends_where_that_is_degraded(
    argo: ArgoCD, chart: Chart, tmp_path: Path
) -> None:
    app = application("team-a", "ServerSideApply=true", name="team")
    with ApiServer(tmp_path / "waves") as server:
        kubectl = partial(kubectl_of(server), "--namespace=team-a")
        assert kubectl("create", "namespace", "team-a").ok
        crds = [each for each in chart.render() if each["kind"] == "CustomResourceDefinition"]
        assert kubectl(
            "create", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": crds})
        ).ok
        wait_until(lambda: kubectl("wait", "--for=condition=Established", "crds", "--all").ok, "the kinds are there")

        argo.sync(server.kubeconfig, app, team(), seconds=5)
        assert _there(kubectl) == ["dataset.modelward.dev/flights"]
        _becomes(kubectl, "Dataset", "has_an_invalid_newest_version_and_the_last_good_one_in_use")
        done = argo.sync(server.kubeconfig, app, team(), seconds=60)
        assert done["Dataset/flights"]["phase"] == "Failed"
        assert "stays in service" in done["Dataset/flights"]["message"]
        assert _there(kubectl) == ["dataset.modelward.dev/flights"]
        _becomes(kubectl, "Dataset", "is_ingested")
        argo.sync(server.kubeconfig, app, team(), seconds=10)
        assert _there(kubectl) == ["dataset.modelward.dev/flights", "registeredmodel.modelward.dev/flights"]
        _becomes(kubectl, "RegisteredModel", "is_up_to_date")
        done = argo.sync(server.kubeconfig, app, team(), seconds=60)
        assert done["ModelDeployment/flights"]["status"] == "Synced"
        assert len(_there(kubectl)) == 3


def _there(kubectl: Run) -> list[str]:
    return kubectl("get", "datasets,registeredmodels,modeldeployments", "--output=name").out.split()


def _becomes(kubectl: Run, kind: str, scene: str) -> None:
    """Its status is as in that scene."""
    status = yaml.safe_load((FOLDER / kind / f"testdata/{scene}.yaml").read_text())["status"]
    live = json.loads(kubectl("get", kind, "flights", "--output=json").out)
    live["status"] = status | {"observedGeneration": live["metadata"]["generation"]}
    done = kubectl("replace", "--subresource=status", "--filename=-", stdin=json.dumps(live))
    assert done.ok, done.out


@pytest.fixture
def guest(kubectl: Run) -> Iterator[Run]:
    """The cluster, to which Argo CD's rights do not stay."""
    yield kubectl
    kubectl("delete", "clusterrole,clusterrolebinding", "argocd-server", "--ignore-not-found")
    kubectl("delete", "--ignore-not-found", "--filename=-", stdin=(EXAMPLE / "rights.yaml").read_text())


def test_argo_cds_server_acts_as_itself_and_approves_only_where_it_is_let(argo: ArgoCD, helm: Run, guest: Run) -> None:
    kubectl = guest
    done = helm("install", "modelward", str(CHART), "--set", "actions.verified=true")
    assert done.ok, done.out
    rights = ROLE | {"rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "patch", "delete"]}]}
    assert kubectl("apply", "--filename=-", stdin=json.dumps(rights)).ok
    bound = kubectl("create", "clusterrolebinding", "argocd-server", "--clusterrole=argocd-server", f"--user={ASKER}")
    assert bound.ok, bound.out
    found = manifest("ModelDeployment", "team-b", {"spec.rollout": {"approval": "Required"}})
    wait_until(lambda: kubectl("apply", "--filename=-", stdin=json.dumps(found)).ok, "the deployment is there")
    click = partial(_click, argo, kubectl)
    wait_until(lambda: f"{ASKER} needs the right to promote" in click("tries_a_new_version", "promote"), "the policy")
    assert kubectl("apply", "--filename=-", stdin=(EXAMPLE / "rights.yaml").read_text()).ok
    wait_until(lambda: "patched" in click("tries_a_new_version", "promote"), "it may promote")
    for scene, action in (("tries_a_new_version", "abort"), ("watches_what_it_promoted", "rollback")):
        assert "patched" in click(scene, action)
    assert f"{ASKER} needs the right to approve" in click("waits_for_approval", "approve")


def _click(argo: ArgoCD, kubectl: Run, scene: str, action: str) -> str:
    """What the API server says to the patch that Argo CD's server sends."""
    state = yaml.safe_load((FOLDER / "ModelDeployment/testdata" / f"{scene}.yaml").read_text())
    patch = json.dumps(argo.act(state, action))
    kubectl("annotate", "mdep", "flights", "modelward.dev/action-", "--namespace=team-b")
    words = ("--namespace=team-b", "--type=merge", f"--patch={patch}", f"--as={ASKER}")
    return kubectl("patch", "mdep", "flights", *words).out
