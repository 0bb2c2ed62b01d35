"""Health and metrics, wherever the kubelet and Prometheus come from."""

import aiohttp
import pytest

from benchmarks.serving.process import free_port
from modelward.telemetry import endpoint


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
async def test_health_is_told_in_both_families(host: str) -> None:
    port = free_port()
    runner = await endpoint.serve(port, list)
    try:
        async with aiohttp.ClientSession() as session, session.get(f"http://{host}:{port}/healthz") as answer:
            assert (answer.status, await answer.text()) == (200, "ok\n")
    finally:
        await runner.cleanup()
