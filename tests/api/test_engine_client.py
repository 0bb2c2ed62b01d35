"""Our client and writer on a real API server: what the in-memory one claims holds here."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from kubernetes.aio.client import Configuration

from api.manifests import manifest
from localcluster.api import ApiServer
from modelward.act import Hands, act
from modelward.clients import kubernetes
from modelward.clients.kube import Conflict
from modelward.clients.kubernetes import KubernetesKube, load_configuration
from modelward.compare import holds
from modelward.decide.plan import Plan
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest, labels
from modelward_contracts.traffic import Traffic


class NoPods:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubernetesKube]:
    kube = KubernetesKube(await load_configuration(str(server.kubeconfig)))
    yield kube
    await kube.close()


def config_map(namespace: str, name: str = "a", **data: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": labels("test")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def deployment(namespace: str, *args: str, cpu: str = "1000m") -> Manifest:
    container = {"name": "server", "image": "image", "resources": {"limits": {"cpu": cpu}}, "args": list(args)}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [container], "volumes": []}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    metadata = {"name": "server", "namespace": namespace, "labels": labels("test")}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


async def test_missing_object_is_none_and_its_delete_a_success(kube: KubernetesKube, namespace: str) -> None:
    assert await kube.get("v1", "ConfigMap", namespace, "none") is None
    await kube.delete("v1", "ConfigMap", namespace, "none")
    assert await kube.pod_log(namespace, "none", "main", 100) is None


async def test_metadata_of_a_secret_comes_without_its_data(kube: KubernetesKube, namespace: str) -> None:
    metadata = {"name": "reader", "namespace": namespace, "labels": {"modelward.dev/use": "source"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"PASSWORD": "sesame"}}
    await kube.create(secret)
    found = await kube.metadata("v1", "Secret", namespace, "reader")
    assert found
    assert found["kind"] == "PartialObjectMetadata"
    assert found["metadata"]["labels"] == metadata["labels"]
    assert "data" not in found
    assert await kube.metadata("v1", "Secret", namespace, "none") is None


async def test_second_create_conflicts(kube: KubernetesKube, namespace: str) -> None:
    await kube.create(config_map(namespace))

    with pytest.raises(Conflict, match="already exists"):
        await kube.create(config_map(namespace))


async def test_list_is_whole_over_all_pages_and_by_label(
    kube: KubernetesKube, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kubernetes, "_PAGE", 2)
    for number in range(5):
        await kube.create(config_map(namespace, f"ours-{number}"))
    theirs = config_map(namespace, "theirs")
    await kube.create({**theirs, "metadata": {**theirs["metadata"], "labels": {}}})

    found = await kube.list("v1", "ConfigMap", namespace, labels("test"))

    assert [each["metadata"]["name"] for each in found] == [f"ours-{number}" for number in range(5)]
    assert {(each["apiVersion"], each["kind"]) for each in found} == {("v1", "ConfigMap")}


async def test_delete_of_one_object_spares_its_successor_of_the_same_name(kube: KubernetesKube, namespace: str) -> None:
    first = await kube.create(config_map(namespace))
    await kube.delete("v1", "ConfigMap", namespace, "a", first["metadata"]["uid"])
    second = await kube.create(config_map(namespace))

    await kube.delete("v1", "ConfigMap", namespace, "a", first["metadata"]["uid"])

    live = await kube.get("v1", "ConfigMap", namespace, "a")
    assert live is not None
    assert live["metadata"]["uid"] == second["metadata"]["uid"]


async def test_status_of_an_object_that_changed_meanwhile_conflicts(kube: KubernetesKube, namespace: str) -> None:
    read = await kube.create(manifest("ModelDeployment", namespace))
    await kube.update_status({**read, "status": {"phase": "Canary"}})

    with pytest.raises(Conflict):
        await kube.update_status({**read, "status": {"phase": "Stable"}})


async def test_server_s_own_words_come_with_a_refusal(kube: KubernetesKube, namespace: str) -> None:
    with pytest.raises(Refused, match=r"spec\.modelRef: Required value"):
        await kube.create({**manifest("ModelDeployment", namespace), "spec": {}})


async def test_api_server_that_is_away_is_unavailable() -> None:
    kube = KubernetesKube(Configuration(host="http://127.0.0.1:1"))
    with pytest.raises(Unavailable, match="did not answer"):
        await kube.get("v1", "ConfigMap", "default", "a")
    await kube.close()


async def test_second_apply_changes_nothing(kube: KubernetesKube, namespace: str) -> None:
    first = await kube.apply(deployment(namespace, "-v"))
    second = await kube.apply(deployment(namespace, "-v"))

    assert first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"]


async def test_object_as_the_server_completed_it_is_already_so(kube: KubernetesKube, namespace: str) -> None:
    live = await kube.apply(deployment(namespace, "-v"))

    assert holds(live, deployment(namespace, "-v"))
    assert holds(live, deployment(namespace, "-v", cpu="1"))
    assert not holds(live, deployment(namespace, "-v", cpu="2"))
    assert not holds(live, deployment(namespace))


async def test_field_that_is_no_longer_desired_is_removed(kube: KubernetesKube, namespace: str) -> None:
    live = await kube.apply(config_map(namespace, a="1", b="2"))
    assert not holds(live, config_map(namespace, a="1"))

    live = await kube.apply(config_map(namespace, a="1"))

    assert live["data"] == {"a": "1"}
    assert holds(live, config_map(namespace, a="1"))


async def test_field_that_somebody_else_owns_is_kept(kube: KubernetesKube, namespace: str) -> None:
    theirs = config_map(namespace, theirs="1")
    await kube.create(theirs)

    live = await kube.apply(config_map(namespace, ours="1"))

    assert live["data"] == {"ours": "1", "theirs": "1"}
    assert holds(live, config_map(namespace, ours="1"))


async def test_plan_is_carried_out_once(kube: KubernetesKube, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = await kube.create(manifest("ModelDeployment", namespace))
    written: list[tuple[str, str]] = []
    hands = Hands(kube, NoPods(), before=lambda verb, kind: written.append((verb, kind)))
    plan: Any = Plan(applies=(deployment(namespace, "-v"),), creates=(config_map(namespace, a="1"),))

    await act(hands, owner, plan)
    await act(hands, owner, plan)

    assert written == [("create", "ConfigMap"), ("apply", "Deployment")]
