"""The API server as users meet it: strict about unknown fields, and quoted when it refuses."""

import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Self

import httpx
import yaml

from localcluster import paths
from localcluster.api import ApiServer

Manifest = dict[str, Any]

TRIES = 10
"""While the server is busy, as while a CRD is replaced: 429, and when to ask again."""
_PLURALS = {
    "Namespace": "namespaces",
    "CustomResourceDefinition": "customresourcedefinitions",
    "Dataset": "datasets",
    "DatasetVersion": "datasetversions",
    "TrainingRun": "trainingruns",
    "ModelVersion": "modelversions",
    "RegisteredModel": "registeredmodels",
    "ModelDeployment": "modeldeployments",
    "Deployment": "deployments",
    "Job": "jobs",
    "Pod": "pods",
}


class RefusedByServer(Exception):
    """What the API server said."""


class Api:
    """Creates, reads and changes objects; raises RefusedByServer with the server's own words."""

    def __init__(self, server: ApiServer) -> None:
        keys = server.plane.authority
        context = ssl.create_default_context(cafile=keys / "ca.crt")
        context.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        self._http = httpx.Client(base_url=server.url, verify=context, timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def create(self, manifest: Manifest, *, dry_run: bool = False) -> Manifest:
        return self._send("POST", _collection(manifest), manifest, dry_run=dry_run)

    def read(self, manifest: Manifest) -> Manifest:
        return self._send("GET", _path(manifest), None)

    def find(self, kind: str, namespace: str) -> list[Manifest]:
        """Deployments or Jobs of a namespace."""
        version = {"Deployment": "apps/v1", "Job": "batch/v1"}[kind]
        about: Manifest = {"apiVersion": version, "kind": kind, "metadata": {"namespace": namespace}}
        return [{**about, **each} for each in self._send("GET", _collection(about), None)["items"]]

    def replace(self, manifest: Manifest) -> Manifest:
        return self._send("PUT", _path(manifest), manifest)

    def label(self, manifest: Manifest, labels: dict[str, str]) -> Manifest:
        """A patch: an object read and replaced is refused where the operator has written meanwhile."""
        return self.patch(manifest, {"metadata": {"labels": labels}})

    def patch(self, manifest: Manifest, patch: Manifest) -> Manifest:
        """A merge patch."""
        return self._send("PATCH", _path(manifest), patch)

    def apply(self, manifest: Manifest, manager: str) -> Manifest:
        """Server-side, as a GitOps tool does."""
        form, parameters = {"Content-Type": "application/apply-patch+yaml"}, {"fieldManager": manager, "force": "true"}
        answer = self._http.patch(_path(manifest), json=manifest, params=parameters, headers=form)
        found: Manifest = answer.raise_for_status().json()
        return found

    def replace_status(self, manifest: Manifest) -> Manifest:
        return self._send("PUT", f"{_path(manifest)}/status", manifest)

    def scale(self, manifest: Manifest) -> Manifest:
        return self._send("GET", f"{_path(manifest)}/scale", None)

    def _send(self, method: str, path: str, body: Manifest | None, *, dry_run: bool = False) -> Manifest:
        parameters = {"fieldValidation": "Strict"} | ({"dryRun": "All"} if dry_run else {})
        kind = {"Content-Type": "application/merge-patch+json"} if method == "PATCH" else {}
        for _ in range(TRIES):
            answer = self._http.request(method, path, json=body, params=parameters if body else {}, headers=kind)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        found: Manifest = answer.json()
        if answer.is_error:
            raise RefusedByServer(found["message"])
        return found


def wait_until(met: Callable[[], bool], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.05)


def is_established(crd: Manifest) -> bool:
    conditions: Iterable[Manifest] = crd.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def our_crds() -> list[Manifest]:
    """By libyaml: ten times as fast."""
    files = sorted((paths.REPOSITORY / "crds").glob("*.yaml"))
    return [yaml.load(path.read_text(), yaml.CSafeLoader) for path in files]


def establish(server: ApiServer, crds: Iterable[Manifest]) -> None:
    """Give the API server our kinds."""
    with Api(server) as api:
        for crd in crds:
            api.create(crd)
        for crd in crds:
            wait_until(lambda crd=crd: is_established(api.read(crd)), f"{crd['metadata']['name']} is established")  # type: ignore[misc]


def _collection(manifest: Manifest) -> str:
    version, namespace = manifest["apiVersion"], manifest["metadata"].get("namespace")
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{namespace}" if namespace else ""
    return f"{root}{scope}/{_PLURALS[manifest['kind']]}"


def _path(manifest: Manifest) -> str:
    return f"{_collection(manifest)}/{manifest['metadata']['name']}"
