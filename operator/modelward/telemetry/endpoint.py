"""`/healthz` for the kubelet, `/metrics` for Prometheus, on one port."""

import logging
from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

_log = logging.getLogger(__name__)


async def serve(port: int, complaints: Callable[[], list[str]]) -> web.AppRunner:
    """Until the runner is cleaned up. `complaints`: why the operator should be restarted; none if it is alive."""

    async def healthz(_: web.Request) -> web.Response:
        found = complaints()
        return web.Response(status=503 if found else 200, text="\n".join(found or ["ok"]) + "\n")

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/healthz", healthz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, port=port).start()
    # Port 0 gives IPv4 (host, port) and IPv6 (host, port, flow, scope) ports of their own.
    _log.info("metrics and health at port %s", min(runner.addresses, key=len)[1])
    return runner
