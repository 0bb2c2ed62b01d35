"""One process that answers for the admin port of every scoring pod: `python -m benchmarks.operator.scoring_pods`.

Which pod is asked, the address tells that the connection was made to. Its counters grow as those of a server with 20
requests a second, in the form of the real ones, over a model of 30 inputs and 4 outputs. Traffic settings are taken and
confirmed. `GET /asked` tells how many pods were asked since `DELETE /asked`, and the longest pause between two times.
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.operator.client import Client
from localcluster.api import ApiServer
from localcluster.control_plane import ControlPlane
from modelward_contracts.monitor import Histogram, SignalCounts, Snapshot
from modelward_contracts.traffic import SignedTraffic, Traffic

PORT = 8082
_RATE = 20.0
_SIGNALS, _BINS = 34, 12
_REFERENCE = [1000] * _BINS
_EDGES = [0.0001 * 1.5**n for n in range(20)]


class Pod:
    def __init__(self, name: str, revision: str) -> None:
        self.name, self.revision, self.epoch, self.started = name, revision, 0, time.time()
        self.asked: float | None = None
        self.longest_pause = 0.0

    def snapshot(self) -> bytes:
        now = time.time()
        rows = int((now - self.started) * _RATE)
        if self.asked:
            self.longest_pause = max(self.longest_pause, now - self.asked)
        self.asked = now
        spread = [rows // _BINS + (index < rows % _BINS) for index in range(_BINS)]
        return msgspec.json.encode(
            Snapshot(
                pod=self.name,
                revision=self.revision,
                model="m",
                profile=self.revision,
                started=self.started,
                epoch=self.epoch,
                ready=True,
                scored={"200": rows},
                latency=Histogram(edges=_EDGES, counts=[0] * 5 + [rows] + [0] * 15, sum=rows * 0.001),
                forwards={},
                connections=4,
                in_flight=0,
                signals=[
                    SignalCounts(
                        name=f"feature_{n}",
                        source="input" if n < 30 else "output",
                        kind="number",
                        reference=_REFERENCE,
                        counts=spread,
                    )
                    for n in range(_SIGNALS)
                ],
            )
        )


PODS: dict[str, Pod] = {}
"""By address."""


class Connection(asyncio.Protocol):
    """HTTP/1.1, as much of it as the operator speaks."""

    def __init__(self) -> None:
        self._data = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._address = transport, str(transport.get_extra_info("sockname")[0])

    def data_received(self, data: bytes) -> None:
        self._data += data
        while b"\r\n\r\n" in self._data:
            head, _, rest = self._data.partition(b"\r\n\r\n")
            lines = head.decode().lower().split("\r\n")
            length = next((int(line[15:]) for line in lines if line.startswith("content-length:")), 0)
            if len(rest) < length:
                return
            self._data = rest[length:]
            status, body = answer(self._address, lines[0], rest[:length])
            self._transport.write(b"HTTP/1.1 %d -\r\nContent-Length: %d\r\n\r\n" % (status, len(body)) + body)


def answer(address: str, request: str, body: bytes) -> tuple[int, bytes]:
    method, path, _ = request.split(" ")
    if path == "/asked":
        return 200, asked(forget=method == "delete")
    pod = PODS.get(address)
    if pod is None:
        return 503, b""
    if path == "/monitor":
        return 200, pod.snapshot()
    setting = msgspec.json.decode(msgspec.json.decode(body, type=SignedTraffic).payload, type=Traffic)
    pod.epoch = max(pod.epoch, setting.epoch)
    return 200, json.dumps({"epoch": pod.epoch}).encode()


def asked(forget: bool) -> bytes:
    known = [pod for pod in PODS.values() if pod.asked]
    if forget:
        for pod in PODS.values():
            pod.asked, pod.longest_pause = None, 0.0
    pause = max((pod.longest_pause for pod in known), default=0.0)
    return json.dumps({"pods": len(known), "known": len(PODS), "longest_pause": round(pause, 1)}).encode()


async def follow(client: Client) -> None:
    """Who the pods are, and what serves in them."""
    selector = {"labelSelector": "app.kubernetes.io/component=scoring"}
    while True:
        async for event in client.watch("/api/v1/pods", selector):
            note(event["type"], event["object"])


def note(type_: str, pod: dict[str, Any]) -> None:
    address = pod.get("status", {}).get("podIP")
    if not address:
        return
    known, name = PODS.get(address), pod["metadata"]["name"]
    if type_ == "DELETED":
        if known and known.name == name:
            del PODS[address]
    elif known is None or known.name != name:
        PODS[address] = Pod(name, pod["metadata"]["labels"]["modelward.dev/revision"])


async def main(folder: Path, url: str, hosts: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    server = ApiServer(folder)
    server._plane = ControlPlane(folder, "127.0.0.1", int(url.rpartition(":")[2]), "", "")
    async with Client(server) as client:
        await asyncio.get_running_loop().create_server(Connection, hosts or "0.0.0.0", PORT, backlog=4096)
        await follow(client)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
