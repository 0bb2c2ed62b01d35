"""The configuration of what runs on the node: containerd, CNI, kubelet, kube-proxy, CoreDNS."""

import json
from pathlib import Path

from localcluster.record import Record

PAUSE_IMAGE = "localhost/pause:local"
DOMAIN = "cluster.local"

# containerd 1.6 lowers the pause container's oom score, which a kernel may refuse: restrict_oom_score_adj.
_CONTAINERD = f"""\
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{{folder}}/cni"
"""

_COREFILE = """\
.:53 {{
    bind {address}
    errors
    health {address}:8080
    ready {address}:8181
    cache 5
    kubernetes {domain} in-addr.arpa {{
        kubeconfig {kubeconfig} local
        pods disabled
        ttl 5
    }}
}}
"""


def write(record: Record, cgroup: str) -> None:
    """Write all of it below the cluster's folder."""
    folder = record.folder / "etc"
    (folder / "cni").mkdir(parents=True)
    (folder / "containerd.toml").write_text(_CONTAINERD.format(folder=folder))
    (folder / "cni" / "10-bridge.conflist").write_text(json.dumps(_cni(record)))
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(record, folder, cgroup)))
    (folder / "kube-proxy.json").write_text(json.dumps(_kube_proxy(record, record.folder / "kube-proxy.kubeconfig")))
    (folder / "resolv.conf").write_text(f"nameserver {record.node_address}\n")
    dns = record.folder / "coredns.kubeconfig"
    (folder / "Corefile").write_text(_COREFILE.format(address=record.node_address, domain=DOMAIN, kubeconfig=dns))


def _cni(record: Record) -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": "pods",
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": record.pod_cidr}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    plugins = [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}]
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": plugins}


def _kubelet(record: Record, folder: Path, cgroup: str) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(record.folder / "pki" / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroup}",
        "clusterDNS": [record.node_address],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "imagefs.available": "1%",
            "nodefs.inodesFree": "1%",
        },
        "failCgroupV1": False,
        "failSwapOn": False,
        "fileCheckFrequency": "0s",
        # There is no registry to pull an image from again.
        "imageGCHighThresholdPercent": 100,
        "maxPods": 200,
        "resolvConf": str(folder / "resolv.conf"),
        "serializeImagePulls": False,
        "shutdownGracePeriod": "0s",
    }


def _kube_proxy(record: Record, kubeconfig: Path) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": record.pod_cidr,
        # Limits of connection tracking belong to the machine, not to a network namespace.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "hostnameOverride": record.name,
        "iptables": {"minSyncPeriod": "0s", "syncPeriod": "30s"},
        "mode": "iptables",
        "nodePortAddresses": ["primary"],
    }
