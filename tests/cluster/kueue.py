"""Kueue in a cluster: built here, installed by its own chart, with a queue that has room for one pod."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import yaml

from localcluster import install, parts, static_image
from localcluster.cluster import Cluster
from localcluster.progress import run

from .world import World

NAMESPACE, IMAGE, QUEUE = "kueue-system", "localhost/kueue:tests", "training"
API = "kueue.x-k8s.io/v1beta2"
CONFIGURATION = """
apiVersion: config.kueue.x-k8s.io/v1beta2
kind: Configuration
health: {healthProbeBindAddress: ":8081"}
metrics: {bindAddress: ":8443"}
webhook: {port: 9443}
integrations: {frameworks: [batch/job]}
"""
SETTINGS = {
    "controllerManager.manager.image.repository": IMAGE.partition(":")[0],
    "controllerManager.manager.image.tag": IMAGE.partition(":")[2],
    "controllerManager.manager.image.pullPolicy": "Never",
    "controllerManager.manager.resources.requests.cpu": "50m",
    "controllerManager.featureGates[0].name": "VisibilityOnDemand",
    "controllerManager.featureGates[0].enabled": "false",
}


@contextmanager
def kueue(world: World, cluster: Cluster) -> Iterator[None]:
    """Installed for one namespace; taken away afterwards."""
    archive = cluster.record.folder / "kueue.tar"
    static_image.write(archive, IMAGE, parts.KUEUE.path, "manager")
    cluster.load_images(archive)
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": rendered(world.namespace)})
    kubectl = [str(world.kubectl_path), f"--kubeconfig={world.kubeconfig}"]  # some are of another namespace
    world.kubectl("create", "namespace", NAMESPACE)
    try:
        run([*kubectl, "apply", "--server-side", "--filename=-"], stdin=manifests)
        status = ("rollout", "status", "deployment", "kueue-controller-manager", "--timeout=120s")
        replace(world, namespace=NAMESPACE).kubectl(*status)
        world.wait("Kueue's webhooks answer", lambda: world.takes(*queue_for_one_pod()), 60)
        yield
        world.kubectl("delete", "trainingruns", "--all")
        for kind in ("workloads", "localqueues", "clusterqueues", "resourceflavors"):  # it takes its finalizers off
            world.kubectl("delete", f"{kind}.kueue.x-k8s.io", "--all", "--timeout=30s")
    finally:
        run([*kubectl, "delete", "--ignore-not-found", "--wait=false", "--filename=-"], stdin=manifests)
        world.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def rendered(namespace: str) -> list[dict[str, Any]]:
    """Its chart's objects, but for an aggregated API that nothing here asks. The webhooks are of this namespace alone:
    other tests' Jobs do without them."""
    chosen = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    configured = ["--set-literal", f"managerConfig.controllerManagerConfigYaml={CONFIGURATION}"]
    chart = parts.KUEUE.source("sigs.k8s.io/kueue") / "charts/kueue"
    helm = [install.helm_path(), "template", "kueue", str(chart), f"--namespace={NAMESPACE}", *chosen, *configured]
    found = [each for each in yaml.safe_load_all(run(helm)) if each and each["kind"] != "APIService"]
    for hook in (hook for each in found for hook in each.get("webhooks", [])):
        hook["namespaceSelector"] = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    return found


def queue_for_one_pod() -> list[dict[str, Any]]:
    """Whatever a pod asks for, it is one."""
    plenty = [{"name": name, "nominalQuota": "1000Gi"} for name in ("cpu", "memory", "ephemeral-storage")]
    flavor = {"name": "any", "resources": [{"name": "pods", "nominalQuota": 1}, *plenty]}
    covered = [each["name"] for each in flavor["resources"]]
    spec = {"namespaceSelector": {}, "resourceGroups": [{"coveredResources": covered, "flavors": [flavor]}]}
    return [
        {"apiVersion": API, "kind": "ResourceFlavor", "metadata": {"name": "any"}},
        {"apiVersion": API, "kind": "ClusterQueue", "metadata": {"name": QUEUE}, "spec": spec},
        {"apiVersion": API, "kind": "LocalQueue", "metadata": {"name": QUEUE}, "spec": {"clusterQueue": QUEUE}},
    ]
