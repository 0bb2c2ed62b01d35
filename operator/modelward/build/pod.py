"""What all our pods share: Pod Security `restricted`, no service-account token, a place to write, the store.

/work is one volume for all containers of a pod, because they hand files on there. /tmp is each container's own: what a
user's code leaves behind must never be found by ours.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

from modelward.api.pod import PodSettings
from modelward.names import STORE_CLAIM
from modelward.settings import Settings
from modelward_contracts.storage.access import ENDPOINT, REGION
from modelward_contracts.tasks import STORE_DIR

USER = 65532
WORK_DIR, TMP_DIR = "/work", "/tmp"  # noqa: S108 - a volume of the container's own
MESH_OFF = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}
"""A sidecar never ends, and so its Job would not."""


def without_identity(containers: Sequence[str], chosen: PodSettings) -> dict[str, str]:
    """Annotations by which AWS and Azure keep the identity of the pod's service account out of containers. Others
    give it to all that run in the pod."""
    if not containers or not chosen.service_account_name:
        return {}
    return {
        "eks.amazonaws.com/skip-containers": ",".join(containers),
        "azure.workload.identity/skip-containers": ";".join(containers),
    }


Pod = TypeVar("Pod", bound=PodSettings)


def settings_of_pod(theirs: Pod, default: Pod, settings: Settings) -> Pod:
    """The user's over the chart's. A service account that is not allowed, or is not any more, is nobody's."""
    if theirs.service_account_name not in settings.service_accounts:
        theirs = theirs.model_copy(update={"service_account_name": None})
    return theirs.over(default)


def template(
    pod: dict[str, Any], chosen: PodSettings, labels: dict[str, str], annotations: dict[str, str]
) -> dict[str, Any]:
    """A pod template. `chosen` adds to what is ours, and takes the place of nothing."""
    theirs: dict[str, dict[str, str]] = chosen.model_dump(include={"labels", "annotations"})
    return {
        "metadata": {
            "labels": {**(theirs["labels"] or {}), **labels},
            "annotations": {**(theirs["annotations"] or {}), **annotations},
        },
        "spec": {**chosen.pod_fields(), **_restricted(pod)},
    }


def _restricted(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod's spec with what `restricted` asks of it, and /work and /tmp to write to in every container."""
    first, then = pod.get("initContainers", []), pod["containers"]
    own = [{"name": _tmp(container), "emptyDir": {}} for container in [*first, *then]]
    volumes = pod.get("volumes", [])
    work = [] if any(volume["name"] == "work" for volume in volumes) else [{"name": "work", "emptyDir": {}}]
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        **pod,
        "initContainers": [_confined(container) for container in first],
        "containers": [_confined(container) for container in then],
        "volumes": [*volumes, *work, *own],
    }


def _confined(container: dict[str, Any]) -> dict[str, Any]:
    """A container may bring a HOME, a user and a mount of /work of its own, and nothing that loosens the rest."""
    env, mounts = container.get("env", []), container.get("volumeMounts", [])
    home = [] if any(variable["name"] == "HOME" for variable in env) else [{"name": "HOME", "value": WORK_DIR}]
    work = [] if any(mount["name"] == "work" for mount in mounts) else [{"name": "work", "mountPath": WORK_DIR}]
    places = [*work, {"name": _tmp(container), "mountPath": TMP_DIR}]
    return {
        # What ends before it could say why has left its reason in the log's last lines.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        **container,
        "securityContext": {
            **container.get("securityContext", {}),
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "env": [*env, *home],
        "volumeMounts": [*mounts, *places],
    }


def _tmp(container: dict[str, Any]) -> str:
    return f"tmp-{container['name']}"


def store_volumes(settings: Settings) -> list[dict[str, Any]]:
    """The namespace's own claim, where the store is one."""
    if not settings.store_is_claim:
        return []
    return [{"name": STORE_CLAIM, "persistentVolumeClaim": {"claimName": STORE_CLAIM}}]


def store_mounts(settings: Settings) -> list[dict[str, Any]]:
    """For our own containers only."""
    return [{"name": STORE_CLAIM, "mountPath": STORE_DIR}] if settings.store_is_claim else []


def store_variables(settings: Settings) -> list[dict[str, str]]:
    """Where the store is, beside its URL."""
    found = {ENDPOINT: settings.store_endpoint, REGION: settings.store_region}
    return [{"name": name, "value": value} for name, value in found.items() if value]


def store_environment(settings: Settings) -> dict[str, Any]:
    """Credentials of the store, for our own containers only: the keys of the Secret in the user's namespace."""
    return {"envFrom": [{"secretRef": {"name": settings.store_secret}}]} if settings.store_secret else {}
