"""A collection on a real API server: its ledger, its Job and its Event are taken as they are."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from api.client import Api
from api.conftest import Kubectl
from api.manifests import manifest
from localcluster.api import ApiServer
from modelward.build.collection import collect_job
from modelward.clients.kubernetes import KubernetesKube, load_configuration
from modelward.decide.collection import MOST
from modelward.decide.plan import Key
from modelward.engine.loop import Engine
from modelward.engine.queue import Queue
from modelward.engine.reconcilers import RECONCILERS
from modelward.errors import Unavailable
from modelward.names import COLLECTION, Manifest
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.tasks import CollectTask
from modelward_contracts.traffic import Traffic

SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", store_url="s3://models")


class NoPods:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubernetesKube]:
    kube = KubernetesKube(await load_configuration(str(server.kubeconfig)))
    yield kube
    await kube.close()


async def test_collection_comes_and_goes(kube: KubernetesKube, api: Api, namespace: str, kubectl: Kubectl) -> None:
    api.create(manifest("Dataset", namespace))
    clock = [datetime.now(UTC)]
    engine = Engine(World(kube, SETTINGS, clock=lambda: clock[0]), NoPods(), Queue(), RECONCILERS)
    key = Key("ConfigMap", namespace, COLLECTION)
    await engine.reconcile(key)
    clock[0] += timedelta(days=2)
    assert await engine.reconcile(key) == pytest.approx(15, abs=15)
    (job,) = await kube.list("batch/v1", "Job", namespace)
    assert job["metadata"]["ownerReferences"][0]["name"] == COLLECTION
    assert (await ledger(kube, namespace))["job"] == job["metadata"]["name"]

    failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "too slow"}
    failed["lastTransitionTime"] = "2026-01-01T02:00:00Z"
    target = {**failed, "type": "FailureTarget"}
    status = {"conditions": [target, failed], "startTime": "2026-01-01T00:00:00Z"}
    await kube.update_status({**job, "status": status})
    await engine.reconcile(key)

    data = await ledger(kube, namespace)
    assert "job" not in data
    assert "DeadlineExceeded" in data["result"]
    assert "CollectionFailed" in kubectl("get", "events", "--namespace", namespace)
    assert json.loads(kubectl("get", "jobs", "--namespace", namespace, "--output=json"))["items"] == []


async def test_most_digests_fit_into_a_task(kube: KubernetesKube, namespace: str) -> None:
    metadata = {"name": COLLECTION, "namespace": namespace}
    owner = await kube.create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    live = [f"sha256:{number:064x}" for number in range(MOST)]
    task = CollectTask(
        namespace=namespace, store="s3://models", owner="u", live=live, before="", grace=1.0, records=1.0
    )
    for each in collect_job(owner, f"{COLLECTION}-1", task, SETTINGS):
        assert await kube.create(each)


async def ledger(kube: KubernetesKube, namespace: str) -> dict[str, str]:
    found: Manifest | None = await kube.get("v1", "ConfigMap", namespace, COLLECTION)
    assert found
    data: dict[str, str] = found["data"]
    return data
