"""The admin port: probes, the monitor snapshot, metrics, and the traffic setting. For the operator and the kubelet."""

from collections.abc import Callable, Coroutine
from typing import Protocol

import orjson

from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic, Untrusted
from modelward_contracts.wire import canonical
from modelward_serving.http.later import later
from modelward_serving.http.messages import Request
from modelward_serving.http.routing import Routes, fixed, shown
from modelward_serving.traffic.setting import Older

MAX_SETTING = 64 << 10


class Served(Protocol):
    """What the admin port shows and changes: of all workers at once."""

    def readiness(self) -> tuple[bool, str, str]:
        """Ready, or the reason and a sentence why not."""

    async def snapshot(self) -> Snapshot: ...

    async def metrics(self) -> bytes: ...

    async def set_traffic(self, signed: bytes) -> Traffic:
        """Returns when it is in force everywhere. Raises `Untrusted`, `Older`, or `TimeoutError`."""

    def traffic(self) -> Traffic: ...


def admin_routes(served: Served) -> Routes:
    async def monitor(request: Request) -> None:
        request.respond(200, canonical(await served.snapshot()))

    async def metrics(request: Request) -> None:
        request.respond(200, await served.metrics(), METRICS)

    routes = Routes()
    routes.explain = lambda _request, path: (
        f"there is nothing at {shown(path)}: this is the admin port, with /healthz, /readyz, /monitor, /metrics and"
        " /traffic; the model is asked on the data port"
    )
    routes.add(b"GET", "/healthz", fixed(200, {"live": True}))
    routes.add(b"GET", "/readyz", _ready(served))
    routes.add(b"GET", "/monitor", later(monitor))
    routes.add(b"GET", "/metrics", later(metrics))
    routes.add(b"GET", "/traffic", lambda request: request.respond(200, canonical(served.traffic())))
    routes.add(b"PUT", "/traffic", later(_put_traffic(served)))
    return routes


METRICS = b"text/plain; version=0.0.4; charset=utf-8"


def _ready(served: Served) -> Callable[[Request], None]:
    def answer(request: Request) -> None:
        ready, reason, message = served.readiness()
        body = orjson.dumps({"ready": ready, "reason": reason, "message": message})
        request.respond(200 if ready else 503, body)

    return answer


def _put_traffic(served: Served) -> Callable[[Request], Coroutine[None, None, None]]:
    async def answer(request: Request) -> None:
        if len(request.body) > MAX_SETTING:
            request.refuse(413, f"a setting has at most {MAX_SETTING} bytes")
            return
        try:
            traffic = await served.set_traffic(request.body)
        except Untrusted as error:
            request.refuse(400 if str(error).startswith("not a") else 403, str(error))
        except Older as error:
            request.respond(409, orjson.dumps({"error": str(error), "epoch": error.epoch}))
        else:
            request.respond(200, orjson.dumps({"epoch": traffic.epoch}))

    return answer
