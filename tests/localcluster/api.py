"""A Kubernetes API without any node, for tests: real etcd and API server, controllers where a test needs them.

    with ApiServer(folder, controllers=["garbage-collector-controller"]) as server:
        client = connect(server.kubeconfig)

It takes free loopback ports, needs no root, and ends with the thread that started it, even if that is killed.
"""

import contextlib
import shutil
import socket
import ssl
import subprocess
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from localcluster import progress
from localcluster.control_plane import Component, ControlPlane

_TRIES = 3


class ApiServer:
    """A running API server; `kubeconfig` is its administrator's, `audit_log` lists every write."""

    def __init__(self, folder: Path, controllers: Sequence[str] = (), *, audit_reads: bool = False) -> None:
        self.folder = folder.resolve()
        self._audit_reads = audit_reads
        self._controllers = controllers
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._plane: ControlPlane | None = None

    @property
    def plane(self) -> ControlPlane:
        """The control plane's addresses, users and commands."""
        assert self._plane, "the API server is not started"
        return self._plane

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.plane.url

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.plane.kubeconfig()

    @property
    def audit_log(self) -> Path:
        """One JSON object per write."""
        return self.plane.audit_log

    def __enter__(self) -> Self:
        for attempt in range(_TRIES):
            try:
                self._start()
                return self
            except _PortTakenError:
                self.__exit__(None, None, None)
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in reversed(self._running):
            self.kill(name)
        self._running.clear()

    def kill(self, name: str) -> None:
        """End one component at once, as a crash would."""
        self._running[name].kill()
        self._running[name].wait()

    def start(self, name: str) -> None:
        """Start a component, and wait until the API answers."""
        components = {component.name: component for component in self._components()}
        self._spawn(components[name])
        self._wait_until_ready()

    def _start(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        client, peer, api = _free_ports(3)
        etcd, etcd_peer = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
        self._plane = ControlPlane(self.folder, "127.0.0.1", api, etcd, etcd_peer, audit_reads=self._audit_reads)
        self.plane.prepare()
        for component in self._components():
            self._spawn(component)
        self._wait_until_ready()

    def _components(self) -> list[Component]:
        components = [self.plane.etcd_component(), self._apiserver()]
        if self._controllers:
            (port,) = _free_ports(1)
            components.append(self.plane.controllers_component(self._controllers, secure_port=str(port)))
        return components

    def _apiserver(self) -> Component:
        if {"*", "serviceaccount-controller"} & set(self._controllers):
            return self.plane.apiserver_component()
        # Nobody would create the service account that every pod must have.
        return self.plane.apiserver_component(disable_admission_plugins="ServiceAccount")

    def _spawn(self, component: Component) -> None:
        with (self.folder / f"{component.name}.log").open("ab") as log:
            command = ["setpriv", "--pdeathsig", "KILL", *component.command]
            self._running[component.name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _wait_until_ready(self) -> None:
        hint = f"See the logs in {self.folder}"
        progress.wait_for("the API server is ready", self._ready, 60, hint)

    def _ready(self) -> bool:
        for name in ("etcd", "kube-apiserver"):
            if self._running[name].poll() is not None:
                self._explain(name)
        return _answers(self.plane)

    def _explain(self, name: str) -> None:
        log = (self.folder / f"{name}.log").read_text(errors="replace")
        if "address already in use" in log:
            raise _PortTakenError(f"{name}: its port was taken by another process {_TRIES} times in a row")
        raise RuntimeError(f"{name} ended at its start:\n{log[-3000:]}")


class _PortTakenError(RuntimeError):
    """Another process took the port between our choice and our use of it."""


def _answers(plane: ControlPlane) -> bool:
    context = ssl.create_default_context(cafile=plane.authority / "ca.crt")
    context.load_cert_chain(plane.authority / "admin.crt", plane.authority / "admin.key")
    with contextlib.suppress(OSError):
        for path in ("/readyz", "/api/v1/namespaces/default"):
            with urllib.request.urlopen(f"{plane.url}{path}", context=context, timeout=5):
                pass
        return True
    return False


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
