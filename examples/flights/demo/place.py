"""Where the demo plays: a cluster of its own on this machine, or one that the user names."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from demo.console import Parts, say
from demo.kubectl import Kubectl, KubectlFailed
from demo.manifests import IMAGE
from localcluster import bringup, images, install, parts, paths, teardown

NAMESPACE = "modelward-demo"
CLUSTER = "demo"
FLIGHTS = "modelward-example-flights"
MINE = {"modelward.dev/demo": "true"}
RESTRICTED = dict([install.RESTRICTED.split("=")])
CRDS = [
    f"{kind}.modelward.dev"
    for kind in ("datasets", "datasetversions", "trainingruns", "modelversions", "modeldeployments")
]


@dataclass(frozen=True)
class Place:
    """`image`: of the example's training code. `typed`: how a person calls this kubectl."""

    kubectl: Kubectl
    image: str
    typed: str


@contextmanager
def own_cluster(timed: Parts, keep: bool) -> Iterator[Place]:
    """A new cluster, whatever an earlier run left; taken down at the end unless it is kept."""
    teardown.down(CLUSTER)
    try:
        yield _own(timed)
    finally:
        if not keep:
            with timed.part("clean up"):
                teardown.down(CLUSTER)


def _own(timed: Parts) -> Place:
    with timed.part("cluster"):
        cluster = bringup.up(CLUSTER)
    with timed.part("images"):
        built = images.build([f"{FLIGHTS}={paths.REPOSITORY / 'examples' / 'flights'}"])
        images.load(cluster, built)
        references = images.references(built)
    kubeconfig = cluster.plane.kubeconfig()
    with timed.part("chart"):
        install.install(kubeconfig, references)
    kubectl = Kubectl(parts.kubectl(), kubeconfig, NAMESPACE)
    kubectl.make_namespace(MINE | RESTRICTED)
    return Place(kubectl, references[FLIGHTS], f"{kubectl.program} --kubeconfig={kubeconfig} --namespace={NAMESPACE}")


@contextmanager
def named_cluster(timed: Parts, context: str, registry: str, tag: str, keep: bool) -> Iterator[Place]:
    """A cluster of the user: nothing but our own namespaces and, if the demo brought it, the chart is touched."""
    with tempfile.TemporaryDirectory() as folder:
        kubectl = Kubectl(parts.kubectl(), _kubeconfig(context, Path(folder)), NAMESPACE)
        _forget(kubectl)
        prefix = f"{registry.rstrip('/')}/" if registry else ""
        image = f"{prefix}{FLIGHTS}:{tag}" if tag else IMAGE
        try:
            with timed.part("chart"):
                _install(kubectl, registry, tag)
            kubectl.make_namespace(MINE | RESTRICTED)
            yield Place(kubectl, image, f"kubectl --context={context} --namespace={NAMESPACE}")
        finally:
            if not keep:
                with timed.part("clean up"):
                    _forget(kubectl)


def _kubeconfig(context: str, folder: Path) -> Path:
    """Only this context, so that no command can reach another."""
    command = [str(parts.kubectl()), "config", "view", "--minify", "--flatten", f"--context={context}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"CONTEXT={context}: {done.stderr.strip()}")
    file = folder / "kubeconfig"
    file.touch(mode=0o600)
    file.write_text(done.stdout)
    return file


def _install(kubectl: Kubectl, registry: str, tag: str) -> None:
    """The chart, unless the cluster has it already: then that one is used and left alone."""
    if kubectl.find("customresourcedefinition", CRDS[0]):
        say("Modelward is installed there already: it is used as it is")
        return
    parts.program("helm")
    replace(kubectl, namespace=install.NAMESPACE).make_namespace(MINE)
    values = {"images.registry": registry, "images.tag": tag}
    install.install(kubectl.kubeconfig, {}, {key: value for key, value in values.items() if value})


def _forget(kubectl: Kubectl) -> None:
    """The demo's namespace; and the chart, if a demo brought it and nobody has resources of it."""
    _delete_namespace(kubectl)
    system = replace(kubectl, namespace=install.NAMESPACE)
    if not _is_mine(system):
        return
    try:
        if system("get", "modelward", "--all-namespaces", "--output=name"):
            say("somebody has resources of Modelward by now: the chart stays")
            return
        install.uninstall(kubectl.kubeconfig)
    except KubectlFailed:
        pass  # killed before the chart was there
    system("delete", "customresourcedefinition", "--ignore-not-found", *CRDS)
    _delete_namespace(system)


def _delete_namespace(kubectl: Kubectl) -> None:
    if _is_mine(kubectl):
        kubectl("delete", "namespace", kubectl.namespace)
    elif kubectl.namespace == NAMESPACE and kubectl.find("namespace", NAMESPACE):
        raise SystemExit(f"namespace {NAMESPACE} is not the demo's own: delete or rename it")


def _is_mine(kubectl: Kubectl) -> bool:
    found = kubectl.find("namespace", kubectl.namespace)
    return bool(found and MINE.items() <= found["metadata"].get("labels", {}).items())
