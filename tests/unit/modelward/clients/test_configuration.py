"""How the API server is reached: through the kubeconfig's proxy, the environment's, or none."""

from pathlib import Path

import pytest
import yaml

from modelward.clients.kubernetes import load_configuration

SERVER = "https://cluster.example:6443"


async def proxy(folder: Path, **cluster: str) -> str | None:
    found = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "me"}}],
        "clusters": [{"name": "it", "cluster": {"server": SERVER, **cluster}}],
        "users": [{"name": "me", "user": {"token": "t"}}],
    }
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(found))
    configuration = await load_configuration(str(file))
    assert configuration.client_session_kwargs == {"trust_env": False}
    return configuration.proxy  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_no_proxy_where_none_is_named(tmp_path: Path) -> None:
    assert await proxy(tmp_path) is None


async def test_proxy_of_the_environment_unless_the_host_is_excepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert await proxy(tmp_path) == "http://proxy.example:3128"
    monkeypatch.setenv("NO_PROXY", "localhost,.example")
    assert await proxy(tmp_path) is None


async def test_proxy_of_the_kubeconfig_goes_before_that_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    assert await proxy(tmp_path, **{"proxy-url": "http://other.example:3128"}) == "http://other.example:3128"
