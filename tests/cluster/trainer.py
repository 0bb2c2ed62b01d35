"""Kubeflow Trainer and JobSet in a cluster: built here, installed by their own charts, with a runtime for two pods."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from localcluster import install, parts, static_image
from localcluster.cluster import Cluster
from localcluster.progress import run

from .world import World

NAMESPACE, RUNTIME = "trainer-system", "pairs"
IMAGES = {parts.TRAINER: "localhost/trainer:tests", parts.JOBSET: "localhost/jobset:tests"}
SETTINGS = {
    "image.registry": "localhost",
    "image.repository": "trainer",
    "image.tag": "tests",
    "image.pullPolicy": "Never",
    "manager.securityContext.runAsUser": "65532",
    "jobset.image.repository": "localhost/jobset",
    "jobset.image.tag": "tests",
    "jobset.image.pullPolicy": "Never",
    "jobset.controller.resources.requests.cpu": "50m",
    "jobset.controller.leaderElection.enable": "false",
    "manager.config.leaderElection.leaderElect": "false",
}


@contextmanager
def trainer(world: World, cluster: Cluster) -> Iterator[None]:
    """Taken away afterwards, with all that was trained."""
    parts.build(IMAGES)
    for part, image in IMAGES.items():
        archive = cluster.record.folder / f"{part.name}.tar"
        static_image.write(archive, image, part.path, "manager")
        cluster.load_images(archive)
    manifests = json.dumps({"apiVersion": "v1", "kind": "List", "items": rendered(cluster.record.folder / "charts")})
    kubectl = [str(world.kubectl_path), f"--kubeconfig={world.kubeconfig}"]  # some are of no namespace
    world.kubectl("create", "namespace", NAMESPACE)
    try:
        run([*kubectl, "apply", "--server-side", "--force-conflicts", "--filename=-"], stdin=manifests)
        for name in ("jobset-controller", "kubeflow-trainer-controller-manager"):
            told = ("rollout", "status", "deployment", name, "--timeout=180s")
            replace(world, namespace=NAMESPACE).kubectl(*told)
        world.wait("Trainer's webhooks answer", lambda: world.takes(runtime(world.images["modelward-training"])), 90)
        yield
        world.kubectl("delete", "trainingruns", "--all")
        world.kubectl("delete", "trainjobs,jobsets", "--all", "--timeout=60s")
        world.kubectl("delete", "clustertrainingruntimes", "--all", "--timeout=60s")  # Trainer takes its finalizer off
    finally:
        run([*kubectl, "delete", "--ignore-not-found", "--wait=false", "--filename=-"], stdin=manifests)
        world.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def rendered(folder: Path) -> list[dict[str, Any]]:
    """The objects of Trainer's chart, with JobSet's in the place that it would be downloaded to."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(parts.TRAINER.source("github.com/kubeflow/trainer/v2") / "charts/kubeflow-trainer", folder)
    folder.chmod(0o755)
    about = folder / "Chart.yaml"
    about.chmod(0o644)
    described = yaml.safe_load(about.read_text())
    described["dependencies"] = [each for each in described["dependencies"] if each["name"] == "jobset"]
    about.write_text(yaml.safe_dump(described))
    shutil.copytree(parts.JOBSET.source("sigs.k8s.io/jobset") / "charts/jobset", folder / "charts/jobset")
    chosen = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    helm = [install.helm_path(), "template", "kubeflow-trainer", str(folder), f"--namespace={NAMESPACE}", *chosen]
    return [each for each in yaml.safe_load_all(run([*helm, "--include-crds"])) if each]


def runtime(image: str) -> dict[str, Any]:
    """As docs/engines.md has it: torchrun's variables without torch, and a failure ends it at once."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "node", "image": image}]}
    job = {
        "metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
        "spec": {"backoffLimit": 0, "template": {"spec": pod}},
    }
    return {
        "apiVersion": "trainer.kubeflow.org/v1alpha1",
        "kind": "ClusterTrainingRuntime",
        "metadata": {"name": RUNTIME},
        "spec": {
            "mlPolicy": {"numNodes": 1, "torch": {}},
            "template": {"spec": {"replicatedJobs": [{"name": "node", "template": job}]}},
        },
    }
