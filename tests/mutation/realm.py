"""The operator in virtual time against a real API server: what is admitted, defaulted and merged is the server's doing.

The controllers of Kubernetes, servers and clients are those of `faults`, because nobody else can hurry them. They and
the operator are the only ones who write here, so that the mirror of the server's objects needs no reads.
"""

import json
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from faults.disturbed import Disturbed
from faults.world import ApiServer as Held
from localcluster.api import ApiServer
from modelward.clients.fake import Identity
from modelward.clients.kubernetes import KubernetesKube, load_configuration, path_of
from modelward.decide.conditions import timestamp
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest

NAMESPACE = "ns"
_OWNER = "test.modelward.dev/owner"
_OURS = "modelward.dev/"
_MERGE = {"Content-Type": "application/merge-patch+json"}
_POD = {"containers": [{"name": "server", "image": "none"}]}


class RefusedError(Exception):
    """What the API server said."""


class Mirror(Held):
    """What users and controllers write goes to the server first."""

    def __init__(self, server: ApiServer) -> None:
        super().__init__()
        keys = server.plane.authority
        context = ssl.create_default_context(cafile=keys / "ca.crt")
        context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        self._http = httpx.Client(base_url=server.url, verify=context, timeout=60, trust_env=False)

    def put(self, manifest: Manifest) -> Manifest:
        live = self.objects.get(identity(manifest))
        if manifest["apiVersion"].startswith(_OURS):
            return self._users(manifest, live)
        found = live or self._create(manifest)
        status = _whole(manifest, self.now()) if manifest.get("status") else {}
        if status and not status.items() <= (found.get("status") or {}).items():
            found = self._send("PATCH", f"{_path(manifest)}/status", {"status": status}, headers=_MERGE)
        return self.keep(found)

    def remove(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        body = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        self._send("DELETE", path_of(api_version, kind, namespace, name), body, missing_ok=True)
        self.objects.pop((api_version, kind, namespace, name), None)

    def close(self) -> None:
        self._http.close()

    def make_namespace(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        with suppress(RefusedError):  # it is there
            self._send("POST", "/api/v1/namespaces", namespace)

    def make(self, manifest: Manifest) -> Manifest:
        """Anything else, as it is."""
        return self.keep(self._send("POST", _collection(manifest), manifest))

    def suspend(self, job: Manifest) -> None:
        """As a queue does."""
        self.keep(self._send("PATCH", _path(job), {"spec": {"suspend": True}}, headers=_MERGE))

    def try_out(self, manifest: Manifest) -> str | None:
        """What the server says against it; nothing is changed."""
        try:
            self._users(manifest, self.objects.get(identity(manifest)), dryRun="All")
        except RefusedError as refused:
            return str(refused)
        return None

    def keep(self, found: Manifest) -> Manifest:
        owner = found["metadata"].get("annotations", {}).get(_OWNER)
        held = {**found, "owner": tuple(owner.split("/"))} if owner else found
        self.objects[identity(found)] = held
        return held

    now = staticmethod(lambda: datetime.now(UTC))

    def _users(self, manifest: Manifest, live: Manifest | None, **parameters: str) -> Manifest:
        version = {"resourceVersion": live["metadata"]["resourceVersion"]} if live else {}
        metadata = {k: v for k, v in manifest["metadata"].items() if k != "managedFields"} | version
        method, path = ("PUT", _path(manifest)) if live else ("POST", _collection(manifest))
        body = {**manifest, "metadata": metadata}
        found = self._send(method, path, body, params={"fieldValidation": "Strict", **parameters})
        return found if parameters else self.keep(found)

    def _create(self, manifest: Manifest) -> Manifest:
        body = {key: value for key, value in manifest.items() if key not in ("status", "owner")}
        if "owner" in manifest:
            notes = {_OWNER: "/".join(manifest["owner"])}
            body |= {"spec": _POD, "metadata": manifest["metadata"] | {"annotations": notes}}
        return self._send("POST", _collection(manifest), body)

    def _send(self, method: str, path: str, body: Any, *, missing_ok: bool = False, **more: Any) -> Manifest:
        answer = self._http.request(method, path, json=body, **more)
        found: Manifest = answer.json()
        if answer.is_error and not (missing_ok and answer.status_code == httpx.codes.NOT_FOUND):
            raise RefusedError(found["message"])
        return found


class Real(KubernetesKube):
    """The operator's own client. Logs come from the simulated Jobs: there is no kubelet."""

    def __init__(self, configuration: Any, town: "Realm") -> None:
        super().__init__(configuration)
        self._town = town

    async def create(self, manifest: Manifest) -> Manifest:
        return self._noted("create", await super().create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        return self._noted("apply", await super().apply(manifest))

    async def update_status(self, manifest: Manifest) -> Manifest:
        return self._noted("status", await super().update_status(manifest))

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        await super().delete(api_version, kind, namespace, name, uid)
        self._town.note("delete", kind, name)
        self._town.kube.objects.pop((api_version, kind, namespace, name), None)

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        with suppress(Refused, Unavailable):
            await super().pod_log(namespace, pod, container, limit_bytes, tail_lines)
        return await self._town.kube.pod_log(namespace, pod, container, limit_bytes, tail_lines)

    def _noted(self, verb: str, found: Manifest) -> Manifest:
        self._town.note(verb, found["kind"], found["metadata"]["name"])
        if found["kind"] != "Event":
            self._town.mirror.keep(found)
        return found


class Realm(Disturbed):
    """`async with Realm.on(server) as realm`"""

    mirror: Mirror

    @classmethod
    @asynccontextmanager
    async def on(cls, server: ApiServer, kubeconfig: Path | None = None) -> AsyncIterator["Realm"]:
        """`kubeconfig`: the operator's. The administrator's unless said otherwise."""
        mirror = Mirror(server)
        mirror.make_namespace()
        realm = cls(kube=mirror)
        realm.mirror, realm.now, realm.patience = mirror, datetime.now(UTC).replace(microsecond=0), 1
        mirror.now = lambda: realm.now
        client, log = (
            Real(await load_configuration(str(kubeconfig or server.kubeconfig)), realm),
            logging.getLogger("modelward"),
        )
        realm.use(client)
        log.addHandler(realm.complaints)
        try:
            yield realm
        finally:
            log.removeHandler(realm.complaints)
            await client.close()
            mirror.close()

    def note(self, verb: str, kind: str, name: str) -> None:
        self._note(verb, kind, name)

    async def settle(self, quiet: int = 4, held: int = 70, most: int = 400) -> None:
        """Until nobody writes, and nothing moves or is `held` for so long; it must come to that."""
        still = 0
        for _ in range(most):
            before = len(self.writes)
            await self.tick()
            still = still + 1 if len(self.writes) == before else 0
            if still >= (held if self._moves() else quiet):
                return
        raise AssertionError(f"it never comes to rest: {self.writes[-10:]}")

    def _moves(self) -> bool:
        moving = {d.get("status", {}).get("phase") for d in self.find("ModelDeployment")}
        jobs = [j for j in self.find("Job") if not (j.get("status") or {}).get("conditions")]
        return bool(moving & {"Canary", "Promoting", "Baking", "RollingBack"} or [j for j in jobs if not _held(j)])


def _held(job: Manifest) -> bool:
    return bool(job["spec"].get("suspend"))


def identity(found: Manifest) -> Identity:
    metadata = found["metadata"]
    return found["apiVersion"], found["kind"], metadata.get("namespace", ""), metadata["name"]


def _collection(manifest: Manifest) -> str:
    return path_of(manifest["apiVersion"], manifest["kind"], NAMESPACE)


def _path(manifest: Manifest) -> str:
    return path_of(manifest["apiVersion"], manifest["kind"], NAMESPACE, manifest["metadata"]["name"])


def _whole(manifest: Manifest, now: datetime) -> dict[str, Any]:
    """A status as the API server takes it: a Job that is over says when it began and ended, and what decided that."""
    status: dict[str, Any] = json.loads(json.dumps(manifest["status"]))
    if manifest["kind"] != "Job" or not status.get("conditions"):
        return status
    end = status["conditions"][0]
    decided = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[end["type"]]
    status["conditions"] = [end | {"type": decided}, end]
    status["startTime"] = timestamp(now)
    if end["type"] == "Complete":
        status["completionTime"] = timestamp(now)
    return status
