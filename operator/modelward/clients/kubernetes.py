"""`Kube` over the official client's asyncio half, by plain paths: JSON in and out, no generated models."""

import os
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration

from modelward.errors import Refused, Unavailable
from modelward.names import FIELD_MANAGER, Manifest
from modelward.telemetry.metrics import API_REQUESTS

from .kube import Conflict

_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_PAGE = 500
_JSON = "application/json"
_APPLY = "application/apply-patch+yaml"
_MERGE = "application/merge-patch+json"
_METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_PASSING = {401, 408, 410, 429}
"""Worth a retry, unlike a 403: a token that was just rotated, a server that is busy, a list too long in its reading."""


async def load_configuration(kubeconfig: str | None = None, context: str | None = None) -> Any:
    """The pod's own service account, unless a kubeconfig or one of its contexts is named, or there is no pod."""
    configuration, load = Configuration(), _untyped(config)
    if kubeconfig or context or "KUBERNETES_SERVICE_HOST" not in os.environ:
        await load.load_kube_config(config_file=kubeconfig, context=context, client_configuration=configuration)
    else:
        load.load_incluster_config(client_configuration=configuration)
    # Else the environment and ~/.netrc are read anew for each request.
    configuration.client_session_kwargs = {"trust_env": False}
    configuration.proxy = configuration.proxy or _proxy_to(configuration.host)
    return configuration


def _proxy_to(host: str) -> str | None:
    """By HTTPS_PROXY and NO_PROXY."""
    url = urlsplit(host)
    return None if proxy_bypass(url.netloc) else getproxies().get(url.scheme)


def _untyped(library: Any) -> Any:
    """The client's own annotations stop half-way."""
    return library


def path_of(api_version: str, kind: str, namespace: str | None, *rest: str) -> str:
    """`/apis/batch/v1/namespaces/NS/jobs/NAME/status`; without a namespace, over all of them."""
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    plural = kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    return "/".join([root, *(("namespaces", namespace) if namespace else ()), plural, *rest])


class KubernetesKube:
    """One shared connection pool; close it in the end."""

    def __init__(self, configuration: Any) -> None:
        self._client = _untyped(ApiClient(configuration))
        self._client.user_agent = FIELD_MANAGER

    async def close(self) -> None:
        await self._client.close()

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        found: Manifest | None = await self._call("GET", path_of(api_version, kind, namespace, name), missing_ok=True)
        return found

    async def metadata(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        path = path_of(api_version, kind, namespace, name)
        data = await self._send("GET", path, missing_ok=True, accept=_METADATA)
        return None if data is None else msgspec.json.decode(data)

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        labels: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        only: Callable[[Manifest], bool] | None = None,
    ) -> Sequence[Manifest]:
        query = {"limit": str(_PAGE)}
        for name, selected in (("labelSelector", labels), ("fieldSelector", fields)):
            if selected:
                query[name] = ",".join(f"{key}={value}" for key, value in selected.items())
        found: list[Manifest] = []
        while True:
            page = await self._call("GET", path_of(api_version, kind, namespace), query)
            # Items of a list carry neither; everything else in the house relies on them.
            items = ({"apiVersion": api_version, "kind": kind, **item} for item in page.get("items") or ())
            found += filter(only, items) if only else items
            token = page["metadata"].get("continue")
            if not token:
                return found
            query = {**query, "continue": token}

    async def create(self, manifest: Manifest) -> Manifest:
        path = path_of(manifest["apiVersion"], manifest["kind"], manifest["metadata"].get("namespace"))
        # What is dropped without a word would be missed later: a user's affinity, say.
        query = {"fieldManager": FIELD_MANAGER, "fieldValidation": "Strict"}
        created: Manifest = await self._call("POST", path, query, manifest)
        return created

    async def apply(self, manifest: Manifest) -> Manifest:
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        applied: Manifest = await self._call("PATCH", _path_to(manifest), query, manifest, _APPLY)
        return applied

    async def merge(self, manifest: Manifest, manager: str) -> Manifest:
        """JSON merge patch, at the resourceVersion in the manifest. Raises Conflict. For people's commands: the
        operator never writes so."""
        merged: Manifest = await self._call("PATCH", _path_to(manifest), {"fieldManager": manager}, manifest, _MERGE)
        return merged

    async def update_status(self, manifest: Manifest) -> Manifest:
        query = {"fieldManager": FIELD_MANAGER}
        updated: Manifest = await self._call("PUT", _path_to(manifest, "status"), query, manifest)
        return updated

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        options: Manifest = {"propagationPolicy": "Background"}
        if uid:
            options["preconditions"] = {"uid": uid}
        try:
            await self._call("DELETE", path_of(api_version, kind, namespace, name), body=options, missing_ok=True)
        except Conflict:
            if not uid:
                raise
            # The name belongs to another object by now: the one that was meant is gone.

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        query = {"container": container, "limitBytes": str(limit_bytes)}
        if tail_lines is not None:
            query["tailLines"] = str(tail_lines)
        path = path_of("v1", "Pod", namespace, pod, "log")
        data = await self._send("GET", path, query, missing_ok=True)
        return None if data is None else data.decode(errors="replace")

    async def _call(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = _JSON,
        *,
        missing_ok: bool = False,
    ) -> Any:
        data = await self._send(method, path, query, body, content_type, missing_ok=missing_ok)
        return None if data is None else msgspec.json.decode(data)

    async def _send(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = _JSON,
        *,
        missing_ok: bool = False,
        accept: str = "application/json, */*",
    ) -> bytes | None:
        headers = {"Accept": accept, "Content-Type": content_type}
        try:
            request = await self._client.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=headers,
                body=body,
                auth_settings=["BearerToken"],
            )
            response = await self._client.call_api(*request, _request_timeout=_TIMEOUT)
            data: bytes = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            API_REQUESTS.labels(method, "<error>").inc()
            raise Unavailable(
                f"the API server did not answer {method} {path}: {error or type(error).__name__}"
            ) from error
        API_REQUESTS.labels(method, str(response.status)).inc()
        if missing_ok and response.status == 404:
            return None
        if response.status >= 400:
            raise _failure(response.status, data, f"{method} {path}")
        return data


def _path_to(manifest: Manifest, *rest: str) -> str:
    metadata = manifest["metadata"]
    return path_of(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"], *rest)


def _failure(status: int, data: bytes, request: str) -> Exception:
    """The exception for an answer ≥ 400, with the server's own sentence."""
    try:
        answer = msgspec.json.decode(data)
        reason, message = str(answer.get("reason") or status), str(answer.get("message") or answer)
    except (msgspec.DecodeError, AttributeError):
        reason, message = str(status), data[:500].decode(errors="replace")
    if status == 409:
        return Conflict(message)
    if status >= 500 or status in _PASSING:
        return Unavailable(f"the API server answered {status} to {request}: {message}")
    return Refused(reason, f"the API server refused {request}: {message}")
