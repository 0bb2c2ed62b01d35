"""Where the API server keeps things, and how its refusals are told apart."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from kubernetes.aio.config import incluster_config

from modelward.clients.kube import Conflict
from modelward.clients.kubernetes import KubernetesKube, _failure, load_configuration, path_of
from modelward.errors import Refused, Unavailable


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (("v1", "Pod", "ns", "a", "log"), "/api/v1/namespaces/ns/pods/a/log"),
        (("batch/v1", "Job", "ns"), "/apis/batch/v1/namespaces/ns/jobs"),
        (("modelward.dev/v1alpha1", "Dataset", None), "/apis/modelward.dev/v1alpha1/datasets"),
        (("networking.k8s.io/v1", "NetworkPolicy", "ns"), "/apis/networking.k8s.io/v1/namespaces/ns/networkpolicies"),
        (("v1", "Node", "", "a"), "/api/v1/nodes/a"),
    ],
)
def test_path_follows_from_version_kind_and_name(path: tuple[str, str, str | None], expected: str) -> None:
    assert path_of(*path) == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, Refused),
        (401, Unavailable),
        (403, Refused),
        (408, Unavailable),
        (409, Conflict),
        (410, Unavailable),
        (422, Refused),
        (429, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_failure_is_told_apart_and_keeps_the_servers_words(status: int, expected: type[Exception]) -> None:
    failure = _failure(status, b'{"reason": "Why", "message": "the words"}', "GET /api")

    assert type(failure) is expected
    assert "the words" in str(failure)


@pytest.mark.parametrize("body", [b"404 page not found\n", b"[]", b"\xff"])
def test_refusal_that_is_no_status_object_is_told_as_it_came(body: bytes) -> None:
    failure = _failure(404, body, "GET /api")

    assert isinstance(failure, Refused)
    assert failure.reason == "404"


@pytest.fixture
async def authorizations() -> AsyncIterator[tuple[int, list[str | None]]]:
    """The port of a server, and the Authorization headers that it got."""
    got: list[str | None] = []

    async def answer(request: web.Request) -> web.Response:
        got.append(request.headers.get("Authorization"))
        return web.json_response({"metadata": {}})

    app = web.Application()
    app.add_routes([web.get("/{path:.*}", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], got
    await runner.cleanup()


async def read_something(configuration: Any) -> None:
    kube = KubernetesKube(configuration)
    try:
        await kube.get("v1", "ConfigMap", "ns", "a")
    finally:
        await kube.close()


async def test_token_of_the_pods_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("token", "ca.crt"):
        (tmp_path / name).write_text("of-the-pod")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(tmp_path / "ca.crt"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    configuration = await load_configuration()

    assert configuration.host == "https://10.0.0.1:443"
    assert (await configuration.auth_settings())["BearerToken"]["value"] == "bearer of-the-pod"


async def test_token_of_a_kubeconfig_is_sent(authorizations: tuple[int, list[str | None]], tmp_path: Path) -> None:
    port, got = authorizations
    kubeconfig = {
        "current-context": "a",
        "contexts": [{"name": "a", "context": {"cluster": "a", "user": "a"}}],
        "clusters": [{"name": "a", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "a", "user": {"token": "of-the-user"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig))

    await read_something(await load_configuration(str(tmp_path / "config")))

    assert got == ["Bearer of-the-user"]
