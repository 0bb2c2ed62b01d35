"""Where a version's model.onnx lies, and, of a store that is a volume, how it gets out: by a short-lived Pod that
mounts the claim to read only, with the rights of whoever asks (pods, and pods/exec, of the namespace).
"""

import asyncio
import hashlib
from pathlib import Path
from typing import Any

from modelward.api import ModelVersion
from modelward.api.pod import JobPod
from modelward.build.pod import template
from modelward.errors import Refused
from modelward.names import STORE_CLAIM, Manifest, child_name, labels
from modelward_contracts.manifests import BLOBS
from modelward_contracts.tasks import STORE_DIR

from .cluster import Cluster

STARTED_WITHIN, LIVES = 120, 1800
"""Seconds."""


def is_claim(store: str) -> bool:
    return store.startswith("file://")


def blob(version: ModelVersion) -> str:
    """URL of its model.onnx; of a claim, where it is mounted."""
    assert version.spec.store
    root, namespace = version.spec.store.rstrip("/"), version.metadata.namespace
    return f"{root}/{namespace}/{BLOBS}{version.spec.model.digest.removeprefix('sha256:')}"


async def save(asked: Cluster, version: ModelVersion, target: Path) -> None:
    """Writes model.onnx to `target` once its digest is proven. Raises Refused or Unavailable."""
    store, image = version.spec.store, version.spec.lineage.platform_image
    assert store
    if not is_claim(store):
        raise Refused("NoVolume", f"{blob(version)} is where the model lies: read it from there, without --save")
    if not target.parent.is_dir():
        raise Refused("NoFolder", f"there is no folder {target.parent}: --save names a file in one")
    pod = await asked.create(_pod(version, image or ""))
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        await _running(asked, namespace, name)
        path = blob(version).removeprefix("file://")
        await _written(asked, namespace, name, path, version.spec.model.digest, target)
    finally:
        await asked.delete("v1", "Pod", namespace, name)


def _pod(version: ModelVersion, image: str) -> Manifest:
    mount = {"name": STORE_CLAIM, "mountPath": STORE_DIR, "readOnly": True}
    container = {
        "name": "store",
        "image": image,
        "command": ["sleep", str(LIVES)],
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        "volumeMounts": [mount],
    }
    claim = {"claimName": STORE_CLAIM, "readOnly": True}
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 1,
        "activeDeadlineSeconds": LIVES,
        "containers": [container],
        "volumes": [{"name": STORE_CLAIM, "persistentVolumeClaim": claim}],
    }
    made = template(pod, JobPod(), labels("export"), {})
    stem = child_name(version.metadata.name, "export", 50)
    metadata = {**made["metadata"], "generateName": f"{stem}-", "namespace": version.metadata.namespace}
    return {"apiVersion": "v1", "kind": "Pod", **made, "metadata": metadata}


async def _running(asked: Cluster, namespace: str, name: str) -> None:
    pod: Manifest = {}
    for _ in range(STARTED_WITHIN):
        pod = await asked.raw("v1", "Pod", namespace, name) or {}
        phase = pod.get("status", {}).get("phase")
        if phase == "Running":
            return
        if phase in ("Failed", "Succeeded") or not pod:
            break
        await asyncio.sleep(1)
    raise Refused("NotStarting", f"the Pod {name} that reads the volume does not run: {_why(pod)}")


def _why(pod: Manifest) -> str:
    status = pod.get("status", {})
    waiting = [each.get("state", {}).get("waiting") for each in status.get("containerStatuses", [])]
    said = [f"{each['reason']}: {each.get('message', '')}" for each in waiting if each and each.get("reason")]
    said += [each["message"] for each in status.get("conditions", []) if each.get("message")]
    return said[0] if said else f"it is {status.get('phase', 'gone')} after {STARTED_WITHIN} s"


async def _written(asked: Cluster, namespace: str, pod: str, path: str, digest: str, target: Path) -> None:
    half, hashed = target.with_name(target.name + ".part"), hashlib.sha256()
    try:
        with half.open("wb") as file:
            async for part in asked.output(namespace, pod, ["cat", path]):
                hashed.update(part)
                file.write(part)
        found = f"sha256:{hashed.hexdigest()}"
        if found != digest:
            raise Refused("DigestMismatch", f"what came out of the volume has the digest {found}, not {digest}")
        half.rename(target)
    except OSError as error:
        raise Refused("NotWritten", f"{target} cannot be written: {error.strerror}") from error
    finally:
        half.unlink(missing_ok=True)
