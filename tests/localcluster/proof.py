"""Proves that this machine allows what a cluster needs: namespaces, mounts, cgroups, containers, and their end."""

import difflib
from pathlib import Path

from localcluster import bringup, packages, paths, teardown
from localcluster.progress import run, say, step

_MANIFEST = Path(__file__).with_name("proof.json")
_DONE = "--for=jsonpath={.status.phase}=Succeeded"


def prove(name: str) -> None:
    """Bring a cluster up, run a pod to its end, take the cluster down, and find nothing left."""
    packages.install()
    if paths.state(name).exists():
        teardown.down(name)
    before = _host(name)
    try:
        _run_pod(name)
    finally:
        teardown.down(name)
    changed = list(difflib.unified_diff(before, _host(name), "before", "after", n=0, lineterm=""))
    if left := [*teardown.leftovers(name), *changed]:
        raise SystemExit("\n".join(["the cluster left something behind:", *left]))
    say("nothing is left: no process, mount, interface, route, iptables rule, network namespace, cgroup or file")


def _run_pod(name: str) -> None:
    with step(f"cluster {name}"):
        cluster = bringup.up(name)
    with step("a pod under Pod Security `restricted`, with a volume, to its end"):
        cluster.kubectl("apply", "--filename=-", stdin=_MANIFEST.read_text())
        cluster.kubectl("--namespace=proof", "wait", _DONE, "pod/proof", "--timeout=60s")
    say(cluster.kubectl("--namespace=proof", "get", "pod,persistentvolumeclaim", "--output=wide").rstrip())
    say(f"the pod said: {cluster.kubectl('--namespace=proof', 'logs', 'proof').rstrip()}")


def _host(name: str) -> list[str]:
    """The host's own lines that a node might change, without those of other clusters."""
    commands = {
        "iptables": ["iptables", "--list-rules"],
        "iptables nat": ["iptables", "--table=nat", "--list-rules"],
        "network namespace": ["ip", "netns", "list"],
        "setting": ["sysctl", "vm.overcommit_memory", "kernel.panic", "net.ipv4.ip_forward"],
    }
    lines = [f"{what}: {line}" for what, command in commands.items() for line in run(command).splitlines()]
    routes = run(["ip", "route", "show", "table", "all"]).splitlines()
    return sorted([*lines, *(f"route: {route}" for route in routes if "dev mw" not in route)])
