"""An operator that starts finds in the status when data is looked at next, what failed and which versions are old."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator, writes
from api.manifests import DIGEST, manifest
from api.test_engine_idle import look_again
from localcluster.api import ApiServer
from modelward.api import Dataset
from modelward.decide.conditions import timestamp
from modelward.decide.ingest import request_of

NOW = datetime.now(UTC)


def looked_at(api: Api, namespace: str, spec: Manifest, ago: timedelta, **ingest: Any) -> Manifest:
    """A Dataset as an earlier operator left it."""
    live = api.create(manifest("Dataset", namespace, {f"spec.{field}": value for field, value in spec.items()}))
    then = timestamp(NOW - ago)
    request = request_of(Dataset.model_validate(live), NOW - ago)
    result = {"reason": "Ingested", "message": "2 rows", **ingest}
    done = {"job": "flights-ingest-1", "request": request, "started": then, "finished": then, **result}
    ready = {"type": "Ready", "status": "True" if result["reason"] == "Ingested" else "False"}
    conditions = [{**ready, "reason": result["reason"], "message": result["message"], "lastTransitionTime": then}]
    latest = {"name": "flights-5", "digest": DIGEST, "rows": 2, "time": then}
    return api.replace_status({**live, "status": {"conditions": conditions, "ingest": done, "latestVersion": latest}})


def old_versions(api: Api, namespace: str) -> None:
    for number in range(1, 6):
        version = manifest("DatasetVersion", namespace, {"metadata.name": f"flights-{number}"})
        api.create({**version, "metadata": version["metadata"] | {"labels": {"modelward.dev/dataset": "flights"}}})


def test_versions_beyond_the_limit_go_once_and_then_it_rests(
    api: Api, server: ApiServer, kubectl: Kubectl, namespace: str, tmp_path: Path
) -> None:
    old_versions(api, namespace)
    model = manifest("ModelVersion", namespace, {"spec.lineage.datasetVersion": "flights-1"})
    api.create(model)
    dataset = looked_at(api, namespace, {"schedule": "@yearly", "historyLimit": 2}, timedelta(hours=1))
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        kept = [f"datasetversion.modelward.dev/flights-{n}" for n in (1, 3, 4, 5)]
        wait_until(lambda: kubectl("get", "dsver", "-o", "name").split() == kept, "flights-2 is gone")
        settled = look_again(api, server, [dataset], operator)
        assert look_again(api, server, [dataset], operator) == settled
        assert [write for write in settled if write.startswith("delete")] == ["delete datasetversions/flights-2"]
    assert "VersionsDeleted" in kubectl("get", "events")
    ticks = api.read(dataset)["status"]["ticks"]
    assert (ticks["of"], ticks["next"][4:]) == ("@yearly UTC", "-01-01T00:00:00Z")
    assert ticks["next"] in kubectl("get", "dset", "-o", "wide")


def test_retry_that_is_due_starts_a_job_and_counts_on(
    api: Api, server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    old_versions(api, namespace)
    due = timestamp(NOW - timedelta(minutes=1))
    failed = {"reason": "StoreUnavailable", "message": "the store does not answer", "failures": 3, "retry": due}
    dataset = looked_at(api, namespace, {}, timedelta(minutes=41), **failed)
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        wait_until(lambda: "create jobs" in writes(server.audit_log, namespace), "the retry has a Job")
    ingest = api.read(dataset)["status"]["ingest"]
    assert (ingest["failures"], "retry" in ingest, "finished" in ingest) == (3, False, False)
    assert ingest["job"] != "flights-ingest-1"
