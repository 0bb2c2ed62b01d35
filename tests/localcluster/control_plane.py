"""How etcd, the API server and the controllers are started, for the tests' API server and for a whole cluster."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from localcluster import kubeconfig, parts
from localcluster.certs import Authority

_AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class Component:
    """One long-running program and its arguments."""

    name: str
    command: list[str]


@dataclass(frozen=True)
class ControlPlane:
    """Addresses and files of one control plane; `prepare` writes the files, the rest only names commands."""

    folder: Path
    address: str
    port: int
    etcd: str
    etcd_peer: str
    service_cidr: str = "10.96.0.0/16"
    service_ip: str = "10.96.0.1"
    users: dict[str, tuple[str, str]] = field(default_factory=dict)
    audit_reads: bool = False
    """Also who read what."""

    @property
    def url(self) -> str:
        """Where clients find the API server."""
        return f"https://{self.address}:{self.port}"

    @property
    def audit_log(self) -> Path:
        """One JSON object per write that anybody made."""
        return self.folder / "audit.log"

    @property
    def authority(self) -> Path:
        """The folder of keys and certificates."""
        return self.folder / "pki"

    def kubeconfig(self, user: str = "admin") -> Path:
        """The kubeconfig of one of the users."""
        return self.folder / f"{user}.kubeconfig"

    def prepare(self) -> None:
        """Write keys, certificates, kubeconfigs and the audit policy."""
        authority = Authority(self.authority)
        names = [
            "localhost",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ]
        authority.server("apiserver", names, [self.address, self.service_ip, "127.0.0.1"])
        authority.signing_key("service-accounts")
        users = {
            "admin": ("admin", "system:masters"),
            "controller-manager": ("system:kube-controller-manager", ""),
            **self.users,
        }
        for name, (user, group) in users.items():
            authority.client(name, user, group)
            kubeconfig.write(self.kubeconfig(name), self.url, authority, name)
        everything = _AUDIT_POLICY | {"rules": [{"level": "Metadata"}]}
        policy = everything if self.audit_reads else _AUDIT_POLICY
        (self.folder / "audit-policy.json").write_text(json.dumps(policy))

    def etcd_component(self) -> Component:
        """The store. Without fsync: it need not outlive the machine."""
        flags: dict[str, object] = {
            "name": "local",
            "data-dir": self.folder / "etcd",
            "listen-client-urls": self.etcd,
            "advertise-client-urls": self.etcd,
            "listen-peer-urls": self.etcd_peer,
            "initial-advertise-peer-urls": self.etcd_peer,
            "initial-cluster": f"local={self.etcd_peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }
        return _component("etcd", flags)

    def apiserver_component(self, **more: str) -> Component:
        """The API server, with RBAC, audit of writes and Kubernetes' default admission plugins."""
        pki = self.authority
        flags: dict[str, object] = {
            "bind-address": self.address,
            "advertise-address": self.address,
            "secure-port": str(self.port),
            "etcd-servers": self.etcd,
            "authorization-mode": "Node,RBAC",
            "client-ca-file": pki / "ca.crt",
            "tls-cert-file": pki / "apiserver.crt",
            "tls-private-key-file": pki / "apiserver.key",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": pki / "service-accounts.pub",
            "service-account-signing-key-file": pki / "service-accounts.key",
            "service-cluster-ip-range": self.service_cidr,
            "audit-policy-file": self.folder / "audit-policy.json",
            "audit-log-path": self.audit_log,
            "endpoint-reconciler-type": "none",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        return _component("kube-apiserver", flags)

    def controllers_component(self, controllers: Sequence[str] = ("*",), **more: str) -> Component:
        """The controllers of Kubernetes itself, or only those named."""
        flags: dict[str, object] = {
            "kubeconfig": self.kubeconfig("controller-manager"),
            "bind-address": "127.0.0.1",
            "controllers": ",".join(controllers),
            "leader-elect": "false",
            "root-ca-file": self.authority / "ca.crt",
            "service-account-private-key-file": self.authority / "service-accounts.key",
            "use-service-account-credentials": "true",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        return _component("kube-controller-manager", flags)


def _component(name: str, flags: dict[str, object]) -> Component:
    return Component(name, [str(parts.program(name)), *(f"--{flag}={value}" for flag, value in flags.items())])
