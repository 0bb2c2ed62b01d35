"""The chart on a real API server: installed, upgraded, applied, taken away, and who may do what."""

import json
from functools import partial
from pathlib import Path

import pytest

from api.client import wait_until
from api.manifests import KINDS, manifest
from charts.conftest import CHART, NAMESPACE, Chart, Run, kubectl_of, manifests
from charts.test_template import VALUES
from localcluster.api import ApiServer
from modelward.handlers.signing_key import MADE_HERE

SERVER_SIDE = ("--server-side", "--force-conflicts")
"""A release may have left its CRDs, of which a plain apply would warn."""
OPERATOR = f"--as=system:serviceaccount:{NAMESPACE}:modelward"
MAY = (
    "watch datasets.modelward.dev",
    "create modelversions.modelward.dev",
    "create trainingruns.modelward.dev",
    "update registeredmodels.modelward.dev/status",
    "update modeldeployments.modelward.dev/status",
    "create jobs.batch",
    "patch deployments.apps",
    "patch services",
    "create persistentvolumeclaims",
    "delete persistentvolumeclaims",
    "get pods/log",
    "get secrets",
    "create events",
    "list events",
    "patch poddisruptionbudgets.policy",
)
MAY_NOT = (
    "list secrets",
    "watch secrets",
    "update secrets",
    "update datasets.modelward.dev",
    "patch modeldeployments.modelward.dev",
    "create modeldeployments.modelward.dev",
    "update trainingruns.modelward.dev",
    "delete datasets.modelward.dev",
    "patch registeredmodels.modelward.dev",
    "create pods",
    "delete pods",
    "list configmaps",
    "create pods/exec",
    "list namespaces",
    "create roles.rbac.authorization.k8s.io",
    "create serviceaccounts/token",
)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_everything_rendered_is_accepted(chart: Chart, kubectl: Run, values: tuple[str, ...]) -> None:
    rendered = chart.template(*values).out
    done = kubectl("apply", *SERVER_SIDE, "--dry-run=server", "--validate=strict", "--filename=-", stdin=rendered)
    assert done.ok, done.out
    assert "Warning" not in done.out


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES.keys())
def test_pods_are_admitted_where_restricted_is_enforced(chart: Chart, kubectl: Run, values: tuple[str, ...]) -> None:
    assert kubectl("label", "--overwrite", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted").ok
    rendered = manifests(chart.template(*values, hooks=True).out)
    templates = [found["spec"]["template"] for found in rendered if found["kind"] == "Deployment"]
    pods = [{"metadata": {"name": "operator"}, "spec": template["spec"]} for template in templates]
    pods += [found for found in rendered if found["kind"] == "Pod"]
    assert len(pods) == 2
    for pod in pods:
        pod["spec"].pop("priorityClassName", None)  # a class that is not on this server
        text = json.dumps({"apiVersion": "v1", "kind": "Pod"} | pod)
        done = kubectl("create", "--dry-run=server", f"--namespace={NAMESPACE}", "--filename=-", stdin=text)
        assert done.ok, done.out


def test_install_tells_what_to_do_next(helm: Run) -> None:
    told = helm("install", "modelward", str(CHART)).out
    assert f"kubectl --namespace {NAMESPACE} rollout status deployment/modelward" in told
    assert f"kubectl apply --namespace {NAMESPACE} --filename - <<END" in told


def test_dataset_of_the_notes_is_accepted(helm: Run, kubectl: Run) -> None:
    told = helm("install", "modelward", str(CHART)).out
    manifest = told.partition("<<END\n")[2].partition("END")[0]
    done = kubectl("create", "--dry-run=server", "--validate=strict", "--filename=-", stdin=manifest)
    assert done.ok, done.out


@pytest.mark.parametrize("by", [MADE_HERE, {}], ids=["the operator", "a chart of before"])
def test_upgrade_and_rollback_keep_the_signing_key(helm: Run, kubectl: Run, by: dict[str, str]) -> None:
    helm("install", "modelward", str(CHART))
    made = json.dumps({"metadata": {"annotations": by}, "data": {"key.pem": "bWFkZSBieSB0aGUgb3BlcmF0b3I="}})
    assert kubectl("patch", "secret/modelward-signing-key", f"--namespace={NAMESPACE}", f"--patch={made}").ok
    before = _key(kubectl)
    assert "key.pem" in before
    assert helm("upgrade", "modelward", str(CHART), "--set", "store.size=20Gi").ok
    assert _key(kubectl) == before
    assert helm("upgrade", "modelward", str(CHART)).ok
    assert helm("rollback", "modelward", "2" if not by else "1").ok
    assert _key(kubectl) == before


def test_uninstall_leaves_the_crds_and_all_resources_and_may_be_undone(helm: Run, kubectl: Run) -> None:
    helm("install", "modelward", str(CHART))
    assert kubectl("create", "--filename=-", stdin=json.dumps(manifest("Dataset", "team-a"))).ok
    assert helm("uninstall", "modelward").ok
    namespaced = "secrets,services,deployments,networkpolicies,serviceaccounts"
    assert kubectl("get", namespaced, f"--namespace={NAMESPACE}", "--output=name").out == ""
    assert "modelward" not in kubectl("get", "clusterroles,clusterrolebindings", "--output=name").out
    assert "dataset.modelward.dev/flights" in kubectl("get", "dset", "--namespace=team-a", "--output=name").out
    assert helm("install", "modelward", str(CHART)).ok


def test_namespace_is_deleted_with_no_operator_there(helm: Run, kubectl: Run) -> None:
    helm("install", "modelward", str(CHART))
    assert kubectl("create", "namespace", "short-lived").ok
    for kind in KINDS:
        done = kubectl("create", "--filename=-", stdin=json.dumps(manifest(kind, "short-lived")))
        assert done.ok, done.out
    done = kubectl("delete", "namespace/short-lived", "--timeout=30s")
    assert done.ok, done.out


def test_plain_apply_of_rendered_manifests_works_and_settles(chart: Chart, tmp_path: Path) -> None:
    rendered = chart.template().out
    with ApiServer(tmp_path / "without-helm") as server:
        kubectl = kubectl_of(server)
        assert kubectl("create", "namespace", NAMESPACE).ok
        first = kubectl("apply", "--filename=-", stdin=rendered)
        assert first.ok, first.out
        again = kubectl("apply", "--filename=-", stdin=rendered).out.strip().splitlines()
    assert [line for line in again if not line.endswith("unchanged")] == []


def test_operator_may_do_its_work_and_nothing_else(installed: None, kubectl: Run) -> None:
    for words in MAY:
        _wait_until_can(kubectl, OPERATOR, words)
    assert [words for words in MAY_NOT if _can(kubectl, OPERATOR, words)] == []


def test_users_roles_cover_modelward(installed: None, kubectl: Run) -> None:
    for role in ("view", "edit"):
        done = kubectl("create", "rolebinding", role, f"--clusterrole={role}", f"--user={role}er", "--namespace=team-a")
        assert done.ok, done.out
    _wait_until_can(kubectl, "--as=viewer", "list modeldeployments.modelward.dev")
    assert not _can(kubectl, "--as=viewer", "create modeldeployments.modelward.dev")
    _wait_until_can(kubectl, "--as=editer", "create modeldeployments.modelward.dev")
    _wait_until_can(kubectl, "--as=editer", "patch modeldeployments.modelward.dev/scale")
    assert not _can(kubectl, "--as=editer", "update modeldeployments.modelward.dev/status")


@pytest.fixture
def installed(helm: Run, kubectl: Run) -> None:
    done = helm("install", "modelward", str(CHART))
    assert done.ok, done.out
    for role in ("view", "edit"):
        is_aggregated = partial(_has, kubectl, f"clusterrole/{role}", "modelward.dev")
        wait_until(is_aggregated, f"{role} covers our resources")


def _has(kubectl: Run, name: str, text: str) -> bool:
    return text in kubectl("get", name, "--output=yaml").out


def _wait_until_can(kubectl: Run, who: str, words: str) -> None:
    """The API server's authorizer follows new roles and bindings a moment later."""
    wait_until(partial(_can, kubectl, who, words), f"{who} can {words}")


def _can(kubectl: Run, who: str, words: str) -> bool:
    verb, _, resource = words.partition(" ")
    resource, _, part = resource.partition("/")
    more = [f"--subresource={part}"] if part else []
    return kubectl("auth", "can-i", verb, resource, *more, who, "--namespace=team-a").ok


def _key(kubectl: Run) -> str:
    done = kubectl("get", "secret/modelward-signing-key", f"--namespace={NAMESPACE}", "--output=jsonpath={.data}")
    assert done.ok
    return done.out
