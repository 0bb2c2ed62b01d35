"""A Kubernetes without machines: etcd, API server, controllers and scheduler are real, and kwok makes pods Ready.

The pods' addresses all lead to this machine, where one process answers for every scoring server: the operator runs as
it is. For that, the whole of it has a network of its own.
"""

import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from localcluster import parts
from localcluster.api import ApiServer
from localcluster.control_plane import Component

POD_ADDRESSES = "10.128.0.0/12"
"""As kwok.yaml has them."""
NODE = "everywhere"
_CONTROLLERS = (
    "deployment-controller",
    "replicaset-controller",
    "job-controller",
    "disruption-controller",
    "garbage-collector-controller",
)
_OWN_NETWORK = "MODELWARD_BENCH_NETWORK"
_MUCH = "1000000"


def enter_a_network_of_our_own() -> None:
    """Start this program again in one, where the addresses of pods are this machine's."""
    if os.environ.get(_OWN_NETWORK):
        return
    inside = (
        f"ip link set lo up && ip address add 10.127.0.1/32 dev lo && ip route add local {POD_ADDRESSES} dev lo"
        ' && exec "$0" "$@"'
    )
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    command = ["unshare", "--net", *as_root, "sh", "-c", inside, *sys.orig_argv]
    os.execvpe(command[0], command, {**os.environ, _OWN_NETWORK: "own"})


class Kubernetes(ApiServer):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _CONTROLLERS)

    def __enter__(self) -> Self:
        super().__enter__()
        for component in (self._scheduler(), self._kwok()):
            self._spawn(component)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)

    def _components(self) -> list[Component]:
        """Their own bounds on requests are for clusters that share an API server with others."""
        fast = {"kube_api_qps": "2000", "kube_api_burst": "4000"}
        many = {f"concurrent_{kind}_syncs": "20" for kind in ("deployment", "replicaset", "job")}
        return [
            self.plane.etcd_component(),
            self.plane.apiserver_component(disable_admission_plugins="ServiceAccount", audit_log_maxsize="100000"),
            self.plane.controllers_component(_CONTROLLERS, secure_port="10257", **fast, **many),
        ]

    def _scheduler(self) -> Component:
        configuration = {
            "apiVersion": "kubescheduler.config.k8s.io/v1",
            "kind": "KubeSchedulerConfiguration",
            "clientConnection": {"kubeconfig": str(self.kubeconfig), "qps": 2000, "burst": 4000},
            "leaderElection": {"leaderElect": False},
        }
        file = self.folder / "scheduler.json"
        file.write_text(json.dumps(configuration))
        return Component("kube-scheduler", [str(parts.program("kube-scheduler")), f"--config={file}"])

    def _kwok(self) -> Component:
        parts.build([parts.KWOK])
        configuration = Path(__file__).with_name("kwok.yaml")
        return Component("kwok", [str(parts.KWOK.path), f"--kubeconfig={self.kubeconfig}", f"--config={configuration}"])


def node() -> dict[str, object]:
    """One that has room for everything."""
    room = {"cpu": _MUCH, "memory": f"{_MUCH}Gi", "pods": _MUCH, "ephemeral-storage": f"{_MUCH}Gi"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": NODE, "labels": {"kubernetes.io/hostname": NODE}},
        "status": {"capacity": room, "allocatable": room},
    }
