"""The whole operator, every kind: once the world is as it should be, looking at it again writes nothing."""

from pathlib import Path

from api.client import Api, Manifest, wait_until
from api.engine_operator import Operator, writes
from api.manifests import manifest
from localcluster.api import ApiServer


def verified_version(api: Api, namespace: str) -> None:
    found = manifest("ModelVersion", namespace)
    found["metadata"] |= {"name": "flights-1", "labels": {"modelward.dev/model": "flights"}}
    live = api.create(found)
    condition = {"status": "True", "reason": "Passed", "message": "", "lastTransitionTime": "2030-01-01T00:00:00Z"}
    api.replace_status({**live, "status": {"conditions": [{"type": t, **condition} for t in ("Ready", "Verified")]}})


def was_looked_at(found: Manifest) -> bool:
    conditions = found.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["reason"] != "Pending" for c in conditions)


def test_cluster_at_rest_sees_no_writes(api: Api, server: ApiServer, namespace: str, tmp_path: Path) -> None:
    objects = [manifest(kind, namespace) for kind in ("Dataset", "TrainingRun", "ModelDeployment")]
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        verified_version(api, namespace)
        for each in objects:
            api.create(each)
        for each in objects:
            wait_until(lambda each=each: was_looked_at(api.read(each)), f"{each['kind']} has a status")  # type: ignore[misc]
        settled = look_again(api, server, objects, operator)

        assert look_again(api, server, objects, operator) == settled
        assert '"level": "error"' not in operator.log


def test_same_spec_applied_by_another_manager_and_an_upgraded_operator_write_nothing(
    api: Api, server: ApiServer, namespace: str, tmp_path: Path
) -> None:
    resources = {"requests": {"cpu": "0.1"}, "limits": {"memory": "0.5Gi"}}
    deployment = manifest("ModelDeployment", namespace, {"spec.resources": resources})
    watched = {"MODELWARD_WATCH_NAMESPACES": namespace}
    with Operator(server.kubeconfig, tmp_path, real=True, **watched) as operator:
        operator.wait_until_watching()
        verified_version(api, namespace)
        api.create(deployment)
        wait_until(lambda: was_looked_at(api.read(deployment)), "it has a status")
        settled, first = look_again(api, server, [deployment], operator), api.read(deployment)["status"]
        before = operator.reconciles("ModelDeployment")
        for nth in range(100):
            api.apply(deployment, f"argocd-{nth % 3}")
        wait_until(lambda: operator.reconciles("ModelDeployment") > before, "it was looked at again")
        assert look_again(api, server, [deployment], operator) == settled
    newer = {"MODELWARD_TRAINING_IMAGE": "training:2", "MODELWARD_SCORING_IMAGE": "scoring:2"}
    newer["MODELWARD_SIGNING_KEY_FILE"] = str(tmp_path / "key.pem")
    folder = tmp_path / "newer"
    folder.mkdir()
    with Operator(server.kubeconfig, folder, real=True, **watched, **newer) as operator:
        operator.wait_until_watching()
        assert look_again(api, server, [deployment], operator) == settled
    assert api.read(deployment)["status"] == first
    assert first["candidate"]["image"] == "scoring"


def look_again(api: Api, server: ApiServer, objects: list[Manifest], operator: Operator) -> list[str]:
    """Touch each object, wait until the operator has looked at it twice more; all its writes so far."""
    before = {each["kind"]: operator.reconciles(each["kind"]) for each in objects}
    for touch in (1, 2):
        for each in objects:
            api.label(each, {"touched": f"{before[each['kind']]}-{touch}"})
        for each in objects:
            wanted = before[each["kind"]] + touch
            wait_until(
                lambda each=each, wanted=wanted: operator.reconciles(each["kind"]) >= wanted,  # type: ignore[misc]
                f"{each['kind']} was looked at again",
            )
    return writes(server.audit_log, objects[0]["metadata"]["namespace"])
