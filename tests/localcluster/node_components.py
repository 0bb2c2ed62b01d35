"""What runs on a node, with all its arguments, in the order of starting."""

from localcluster import parts
from localcluster.control_plane import Component, ControlPlane
from localcluster.record import Record


def control_plane(record: Record) -> ControlPlane:
    """The cluster's control plane; its ports are the usual ones, because the node has a network of its own."""
    return ControlPlane(
        record.folder,
        record.node_address,
        6443,
        "http://127.0.0.1:2379",
        "http://127.0.0.1:2380",
        record.service_cidr,
        record.service_address,
        users={
            "scheduler": ("system:kube-scheduler", ""),
            "kubelet": (f"system:node:{record.name}", "system:nodes"),
            "kube-proxy": ("system:kube-proxy", ""),
            "coredns": ("local:coredns", ""),
            "provisioner": ("local:provisioner", ""),
            "apiserver-kubelet-client": ("kube-apiserver", "system:masters"),
        },
    )


def components(record: Record) -> dict[str, list[str]]:
    """The command of every component, by name."""
    plane = control_plane(record)
    listed = [plane.etcd_component(), _apiserver(plane), plane.controllers_component(), *_node(record, plane)]
    return {component.name: component.command for component in listed}


def _apiserver(plane: ControlPlane) -> Component:
    return plane.apiserver_component(
        bind_address="0.0.0.0",
        kubelet_client_certificate=str(plane.authority / "apiserver-kubelet-client.crt"),
        kubelet_client_key=str(plane.authority / "apiserver-kubelet-client.key"),
        kubelet_preferred_address_types="InternalIP",  # a node's name is in no DNS
        endpoint_reconciler_type="lease",
    )


def _node(record: Record, plane: ControlPlane) -> list[Component]:
    etc = record.folder / "etc"
    kubelet = {
        "config": etc / "kubelet.json",
        "kubeconfig": plane.kubeconfig("kubelet"),
        "hostname-override": record.name,
        "node-ip": record.node_address,
    }
    scheduler = {"kubeconfig": plane.kubeconfig("scheduler"), "leader-elect": "false", "bind-address": "127.0.0.1"}
    return [
        Component("containerd", ["containerd", "--config", str(etc / "containerd.toml")]),
        _built("kube-scheduler", scheduler),
        _built("kubelet", kubelet),
        _built("kube-proxy", {"config": etc / "kube-proxy.json"}),
        _built("provisioner", {"kubeconfig": plane.kubeconfig("provisioner")}),
        Component("coredns", [str(parts.program("coredns")), "-conf", str(etc / "Corefile")]),
    ]


def _built(name: str, flags: dict[str, object]) -> Component:
    return Component(name, [str(parts.program(name)), *(f"--{flag}={value}" for flag, value in flags.items())])
