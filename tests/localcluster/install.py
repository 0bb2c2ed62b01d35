"""Modelward in a cluster, by its chart, as a user would install it."""

from collections.abc import Mapping
from pathlib import Path

from localcluster import parts, paths
from localcluster.progress import run

CHART = paths.REPOSITORY / "charts" / "modelward"
NAMESPACE = "modelward-system"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"


OURS = ("operator", "training", "scoring")


def install(
    kubeconfig: Path, images: Mapping[str, str], values: Mapping[str, str] | None = None, chart: Path = CHART
) -> None:
    """Install or upgrade the chart, and wait until the operator runs. `images`: references by name."""
    settings = {f"images.{name}": images[f"modelward-{name}"] for name in OURS if f"modelward-{name}" in images}
    chosen = [f"--set={key}={value}" for key, value in {**settings, **(values or {})}.items()]
    kubectl = [str(parts.kubectl()), f"--kubeconfig={kubeconfig}"]
    namespace = run([*kubectl, "create", "namespace", NAMESPACE, "--dry-run=client", "--output=yaml"])
    run([*kubectl, "apply", "--filename=-"], stdin=namespace)
    run([*kubectl, "label", "--overwrite", "namespace", NAMESPACE, RESTRICTED])
    run([*_helm(kubeconfig), "upgrade", "--install", "modelward", str(chart), *chosen, "--wait", "--timeout=3m"])


def roll_back(kubeconfig: Path) -> None:
    """To what was installed before the last upgrade."""
    run([*_helm(kubeconfig), "rollback", "modelward", "--wait", "--timeout=3m"])


def test(kubeconfig: Path) -> str:
    """What `helm test` says; raises where it fails."""
    return run([*_helm(kubeconfig), "test", "modelward", "--logs", "--timeout=5m"])


def uninstall(kubeconfig: Path) -> None:
    """The CRDs stay, and with them everybody's resources."""
    run([*_helm(kubeconfig), "uninstall", "modelward"])


def _helm(kubeconfig: Path) -> list[str]:
    return [helm_path(), f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"]


def helm_path() -> str:
    return str(parts.helm())
