"""What the chart lets the operator do is what it does: whole lives under its own rights, by the API server's audit log.

Nothing that it asked for was forbidden, and every right was used. `create` of what is applied shows as a patch that was
answered with 201.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.client import wait_until
from api.engine_operator import Operator
from charts.conftest import NAMESPACE, Chart, Manifest, kubeconfig_of_operator, kubectl_of
from localcluster.api import ApiServer
from modelward.engine.loop import API
from mutation import realm as places
from mutation.bases import DATASET, RUN, SERVED
from mutation.realm import Realm

Right = tuple[str, str, str]
"""API group, resource, verb."""
ME = f"system:serviceaccount:{NAMESPACE}:modelward"
SCOPES = {"all namespaces": (), "one namespace": (f"watchNamespaces={{{places.NAMESPACE}}}",)}
OTHER = {"source": {"inline": {"data": "id,late\n1,0\n2,1\n3,1\n"}}}


@pytest.fixture
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One of its own: no right of another scope's."""
    controllers = ["clusterrole-aggregation-controller", "namespace-controller"]
    with ApiServer(tmp_path_factory.mktemp("audited"), controllers, audit_reads=True) as server:
        yield server


@pytest.mark.timeout(600)
@pytest.mark.parametrize("values", SCOPES.values(), ids=SCOPES)
async def test_operator_may_do_what_it_does_and_nothing_else(
    audited: ApiServer, chart: Chart, tmp_path: Path, values: tuple[str, ...]
) -> None:
    rendered = chart.render(*values)
    kubeconfig = _installed(audited, rendered, tmp_path)
    before = len(_audit(audited))
    watched = {"MODELWARD_WATCH_NAMESPACES": places.NAMESPACE} if values else {}
    with Operator(kubeconfig, tmp_path, real=True, **watched) as operator:
        operator.wait_until_watching()
        wait_until(lambda: _asked(audited, before, "watch") >= _watchable(rendered), "everything is watched")
    async with Realm.on(audited, kubeconfig) as realm:
        await _live(realm)

    events = [e for e in _audit(audited)[before:] if e["user"]["username"] == ME and "objectRef" in e]
    forbidden = {_right(e) for e in events if e.get("annotations", {}).get("authorization.k8s.io/decision") == "forbid"}
    used, granted = {right for event in events for right in _rights(event)}, _granted(rendered)
    assert forbidden == set()
    assert granted - used == set(), "granted, and never used"
    assert used - granted == set(), "used, and not granted"


async def _live(realm: Realm) -> None:
    """Everything that makes the operator ask for something."""
    realm.mirror.make(_secret())
    run = {key: value for key, value in RUN.items() if key != "modelName"}
    realm.put("Dataset", "flights", DATASET | {"historyLimit": 1})
    realm.put("RegisteredModel", "flights", {"run": run, "retention": {"versions": 1, "runs": 1}})
    realm.put("ModelDeployment", "flights", SERVED)
    await realm.until("in service", lambda: realm.status().get("phase") == "Stable")
    realm.put("Dataset", "remote", DATASET | {"source": {"url": "https://example.com/*.csv"}, "secretName": "reader"})
    own = {"modelName": "kept", "datasetRef": {"name": "flights"}, "container": {"image": "mine:1"}}
    realm.put("TrainingRun", "kept", own | {"checkpoint": {"size": "1Gi"}})
    await _queued(realm, own | {"modelName": "queued"})
    await realm.settle()
    for number in range(3):  # versions that nobody uses
        realm.put("Dataset", "spare", DATASET | {"historyLimit": 1, "splits": {"salt": str(number)}})
        await realm.settle()
    await _replaced(realm)
    await realm.settle()
    realm.kube.remove(API, "Dataset", places.NAMESPACE, "remote")
    await realm.settle()


async def _queued(realm: Realm, spec: Manifest) -> None:
    labels = {"kueue.x-k8s.io/queue-name": "team"}
    metadata = {"name": "queued", "namespace": places.NAMESPACE, "labels": labels}
    realm.mirror.put({"apiVersion": API, "kind": "TrainingRun", "metadata": metadata, "spec": spec})
    await realm.until("made", lambda: bool(_jobs_of(realm, "queued")))
    realm.mirror.suspend(_jobs_of(realm, "queued")[0])


def _jobs_of(realm: Realm, run: str) -> list[Manifest]:
    return [job for job in realm.find("Job") if job["metadata"]["labels"].get("modelward.dev/training-run") == run]


async def _replaced(realm: Realm) -> None:
    """Trained anew, promoted, and rolled back."""
    for number in (2, 3):
        realm.put("Dataset", "flights", DATASET | OTHER | {"historyLimit": 1, "splits": {"salt": str(number)}})
        realm.annotate("RegisteredModel", "flights", requested_at=str(number))
        await realm.settle()
    realm.put("ModelDeployment", "flights", SERVED | {"modelRef": {"name": "flights"}})
    await realm.until("promoted", lambda: realm.status()["phase"] == "Baking")
    realm.streets.broken.add("flights-3")
    await realm.settle()
    realm.put("ModelDeployment", "flights", SERVED | {"replicas": 1})


def _secret() -> Manifest:
    metadata = {"name": "reader", "namespace": places.NAMESPACE, "labels": {"modelward.dev/use": "source"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"token": "x"}}


def _installed(server: ApiServer, rendered: list[Manifest], folder: Path) -> Path:
    """The operator's kubeconfig."""
    kubectl = kubectl_of(server)
    for name in (NAMESPACE, places.NAMESPACE):
        kubectl("create", "namespace", name)
    wanted = [each for each in rendered if each["kind"] not in ("Deployment", "NetworkPolicy")]
    done = kubectl("apply", "--server-side", "--force-conflicts", "--filename=-", stdin=yaml.safe_dump_all(wanted))
    assert done.ok, done.out
    return kubeconfig_of_operator(kubectl, server, folder)


def _granted(rendered: list[Manifest]) -> set[Right]:
    roles = [
        each for each in rendered if each["kind"] in ("Role", "ClusterRole") and each["metadata"]["name"] == "modelward"
    ]
    (rules,) = [role["rules"] for role in roles]
    return {(g, r, v) for rule in rules for g in rule["apiGroups"] for r in rule["resources"] for v in rule["verbs"]}


def _watchable(rendered: list[Manifest]) -> int:
    return sum(verb == "watch" for _, _, verb in _granted(rendered))


def _audit(server: ApiServer) -> list[dict[str, Any]]:
    return [json.loads(line) for line in server.audit_log.read_text().rpartition("\n")[0].splitlines()]


def _asked(server: ApiServer, since: int, verb: str) -> int:
    events = [e for e in _audit(server)[since:] if e["user"]["username"] == ME and e["verb"] == verb]
    return len({_right(e) for e in events if e["stage"] == "ResponseStarted"})


def _rights(event: dict[str, Any]) -> Iterator[Right]:
    group, resource, verb = _right(event)
    yield group, resource, verb
    if verb == "patch" and event.get("responseStatus", {}).get("code") == 201:
        yield group, resource, "create"


def _right(event: dict[str, Any]) -> Right:
    of = event.get("objectRef", {})
    resource = "/".join(filter(None, (of.get("resource", ""), of.get("subresource", ""))))
    return of.get("apiGroup", ""), resource, event["verb"]
