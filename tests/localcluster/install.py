"""Modelward in a cluster, by its chart, as a user would install it."""

from collections.abc import Mapping
from pathlib import Path

from localcluster import parts, paths
from localcluster.progress import run

CHART = paths.REPOSITORY / "charts" / "modelward"
NAMESPACE = "modelward-system"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


OURS = ("operator", "training", "scoring")


def install(kubeconfig: Path, images: Mapping[str, str], values: Mapping[str, str] | None = None) -> None:
    """Install or upgrade the chart, and wait until the operator runs. `images`: references by name."""
    settings = {f"images.{name}": images[f"modelward-{name}"] for name in OURS if f"modelward-{name}" in images}
    chosen = [f"--set={key}={value}" for key, value in {**settings, **(values or {})}.items()]
    kubectl = [str(parts.kubectl()), f"--kubeconfig={kubeconfig}"]
    namespace = run([*kubectl, "create", "namespace", NAMESPACE, "--dry-run=client", "--output=yaml"])
    run([*kubectl, "apply", "--filename=-"], stdin=namespace)
    run([*kubectl, "label", "--overwrite", "namespace", NAMESPACE, RESTRICTED])
    helm = [helm_path(), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"]
    run([*helm, "upgrade", "--install", "modelward", str(CHART), *chosen, "--wait", "--timeout=3m"])


def uninstall(kubeconfig: Path) -> None:
    """The CRDs stay, and with them everybody's resources."""
    run([helm_path(), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}", "uninstall", "modelward"])


def helm_path() -> str:
    return str(parts.helm())
