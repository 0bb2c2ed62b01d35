"""Where the demo plays: a cluster of its own, in Docker or on this machine, or one that the user names."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from demo.console import Parts, say
from demo.kubectl import Kubectl, KubectlFailed
from demo.manifests import IMAGE
from localcluster import bringup, docker, images, in_docker, install, parts, paths, teardown

NAMESPACE = "modelward-demo"
CLUSTER = "demo"
FLIGHTS = "modelward-example-flights"
EXTRAS = [f"{FLIGHTS}={paths.REPOSITORY / 'examples' / 'flights'}"]
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
def own_cluster(timed: Parts, wanted: str, keep: bool) -> Iterator[Place]:
    """A new cluster, whatever an earlier run left; taken down at the end unless it is kept."""
    tool = in_docker.chosen(wanted)
    down = tool.down if tool else lambda: teardown.down(CLUSTER)
    down()
    try:
        say(f"a cluster {in_docker.NAME} of its own in Docker, by {tool.name}" if tool else "a node on this machine")
        yield _own(timed, *(_in_docker(timed, tool) if tool else _on_this_machine(timed)))
    finally:
        if not keep:
            with timed.part("clean up"):
                down()


def clean() -> None:
    """Whatever demos left on this machine."""
    for tool in in_docker.TOOLS:
        tool.down()
    if paths.state(CLUSTER).exists():
        teardown.down(CLUSTER)


def _on_this_machine(timed: Parts) -> tuple[Path, dict[str, str]]:
    with timed.part("cluster"):
        cluster = bringup.up(CLUSTER)
    with timed.part("images"):
        built = images.build(EXTRAS)
        images.load(cluster, built)
    return cluster.plane.kubeconfig(), images.references(built)


def _in_docker(timed: Parts, tool: in_docker.Tool) -> tuple[Path, dict[str, str]]:
    with timed.part("images"):
        built = docker.build(EXTRAS)
    with timed.part("cluster"):
        kubeconfig = tool.up()
        tool.load(built)
    return kubeconfig, images.references(built)


def _own(timed: Parts, kubeconfig: Path, references: dict[str, str]) -> Place:
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
