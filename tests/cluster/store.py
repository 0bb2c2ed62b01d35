"""A look, or a blow, into a namespace's store: Python in a pod that has the store's volume, as an intruder might."""

from uuid import uuid4

from .world import World


def run_in_store(world: World, code: str) -> str:
    """Run `code` with `/store/<namespace>` as its working folder; what it printed."""
    pod = f"store-visitor-{uuid4().hex[:8]}"
    world.apply(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": pod},
            "spec": {
                "restartPolicy": "Never",
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 65532,
                    "fsGroup": 65532,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [
                    {
                        "name": "python",
                        "image": world.images["modelward-training"],
                        "command": ["python", "-c", code],
                        "workingDir": f"/store/{world.namespace}",
                        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                        "volumeMounts": [{"name": "store", "mountPath": "/store"}],
                    }
                ],
                "volumes": [{"name": "store", "persistentVolumeClaim": {"claimName": "modelward-store"}}],
            },
        }
    )

    def phase() -> str | None:
        found = world.get("pod", pod) or {}
        ended = str(found.get("status", {}).get("phase", ""))
        return ended if ended in ("Succeeded", "Failed") else None

    ended = world.wait("the visitor of the store is done", phase)
    said = world.kubectl("logs", pod)
    assert ended == "Succeeded", said
    world.kubectl("delete", "pod", pod, "--now")
    return said


def change_byte(digest: str) -> str:
    """Code that changes one byte of a blob and leaves its name."""
    return f"""
import os, pathlib
path = pathlib.Path("blobs/sha256/{digest.removeprefix("sha256:")}")
data = bytearray(path.read_bytes())
data[len(data) // 2] ^= 1
os.chmod(path, 0o644)
path.write_bytes(data)
"""
