"""A scoring pod as the rollout sees it: is it Ready, and if something is wrong, who did it.

Harm is what a container did itself: it ended, ran out of memory, refused its artifact. An image that cannot be
pulled, a node without room, a store that does not answer are the cluster's doing and only hold.
"""

from typing import Any

from modelward.api.model_deployment import ServingRevision
from modelward.decide.observed import ScoringPod, Trouble
from modelward.names import REVISION, Manifest
from modelward_contracts.monitor import Snapshot
from modelward_contracts.reports import Termination
from modelward_contracts.wire import decode

ADMIN_PORT = 8082
TEMPORARY = 75
REJECTED = 3
HOLDING = (
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
)


def scoring_pod(pod: Manifest, snapshot: Snapshot | None) -> ScoringPod:
    metadata, status = pod["metadata"], pod.get("status", {})
    return ScoringPod(
        name=metadata["name"],
        uid=metadata["uid"],
        revision=metadata.get("labels", {}).get(REVISION, ""),
        address=address_of(pod),
        ready=_ready(status),
        deleting="deletionTimestamp" in metadata,
        trouble=_trouble(metadata["name"], status),
        snapshot=snapshot,
        served_before=_served_before(status),
    )


def address_of(pod: Manifest) -> str | None:
    """host:port of the admin port, while the server runs."""
    ip = pod.get("status", {}).get("podIP")
    running = any("running" in s.get("state", {}) for s in pod.get("status", {}).get("containerStatuses", []))
    return host_port(ip, ADMIN_PORT) if ip and running else None


def host_port(host: str, port: int) -> str:
    """An IPv6 address in brackets, as URLs want it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _ready(status: dict[str, Any]) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))


def _trouble(pod: str, status: dict[str, Any]) -> Trouble | None:
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        found = _container(pod, container)
        if found:
            return found
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return Trouble(
                "hold", condition.get("reason", "Unschedulable"), f"pod {pod}: {condition.get('message', '')}"
            )
    return None


def _served_before(status: dict[str, Any]) -> ServingRevision | None:
    """What `fetch` found in the store."""
    for container in status.get("initContainerStatuses", []):
        ended = container.get("state", {}).get("terminated") or container.get("lastState", {}).get("terminated") or {}
        said = termination(ended.get("message", ""))
        if said and said.serving:
            return ServingRevision.model_validate(said.serving.serving)
    return None


def _container(pod: str, container: dict[str, Any]) -> Trouble | None:
    state, last = container.get("state", {}), container.get("lastState", {})
    ended = state.get("terminated") or last.get("terminated")
    if ended and (ended.get("exitCode") or container["name"] == "server"):
        return _ended(pod, container["name"], ended)
    waiting = state.get("waiting", {})
    if waiting.get("reason") in HOLDING:
        return Trouble("hold", waiting["reason"], f"pod {pod}: {waiting.get('message') or waiting['reason']}")
    return None


def _ended(pod: str, container: str, ended: dict[str, Any]) -> Trouble:
    code, reason = ended.get("exitCode", 0), ended.get("reason", "")
    if reason == "ContainerStatusUnknown":
        return Trouble("hold", "NodeLost", f"pod {pod}: its node lost track of it")
    if reason == "OOMKilled":
        return Trouble("harm", "OOMKilled", f"{container} of pod {pod} ran out of memory; raise spec.resources.limits")
    said = termination(ended.get("message", ""))
    if said and (code == TEMPORARY or said.retryable):
        return Trouble("hold", said.reason, f"pod {pod}: {said.message}")
    if said:
        return Trouble("harm", said.reason if code != REJECTED else "RejectedRevision", said.message)
    tail = " ".join(ended.get("message", "").split())[-500:]
    return Trouble(
        "harm", "CrashLoop", f"{container} of pod {pod} exited with code {code}{': ' + tail if tail else ''}"
    )


def termination(message: str) -> Termination | None:
    """What one of our containers said when it ended; None if it is not ours."""
    try:
        return decode(message, Termination)
    except ValueError:
        return None
