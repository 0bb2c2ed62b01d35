"""Modelward in a cluster, by its chart, as a user would install it."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from localcluster import parts, paths
from localcluster.images import Image
from localcluster.progress import run

CHART = paths.REPOSITORY / "charts" / "modelward"
NAMESPACE = "modelward-system"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


def install(kubeconfig: Path, images: Iterable[Image], values: Mapping[str, str] | None = None) -> None:
    """Install or upgrade the chart with these images, and wait until the operator runs."""
    settings = {f"images.{image.name.removeprefix('modelward-')}": image.reference for image in images if _ours(image)}
    chosen = [f"--set={key}={value}" for key, value in {**settings, **(values or {})}.items()]
    kubectl = [str(parts.kubectl()), f"--kubeconfig={kubeconfig}"]
    namespace = run([*kubectl, "create", "namespace", NAMESPACE, "--dry-run=client", "--output=yaml"])
    run([*kubectl, "apply", "--filename=-"], stdin=namespace)
    run([*kubectl, "label", "--overwrite", "namespace", NAMESPACE, RESTRICTED])
    helm = [_helm(), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"]
    run([*helm, "upgrade", "--install", "modelward", str(CHART), *chosen, "--wait", "--timeout=3m"])


def uninstall(kubeconfig: Path) -> None:
    """The CRDs stay, and with them everybody's resources."""
    run([_helm(), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}", "uninstall", "modelward"])


def _ours(image: Image) -> bool:
    return image.name in ("modelward-operator", "modelward-training", "modelward-scoring")


def _helm() -> str:
    return str(next(part.path for part in parts.LEVELS["node"] if part.name == "helm"))
