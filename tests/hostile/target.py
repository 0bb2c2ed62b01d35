"""A server of the Open Inference Protocol that is about to be treated badly, known by its URL alone."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

ENOUGH = 16 << 20
"""Bytes of an answer that are read; nothing here deserves a longer one."""
_SAMPLES: dict[str, Any] = {"BOOL": True, "BYTES": "text"}


@dataclass(frozen=True)
class Target:
    url: str
    model: str
    good: dict[str, Any]
    """A request that it answers with 200."""
    pid: int | None = None
    """Where it runs on this machine, to see whether it grows."""

    @property
    def path(self) -> str:
        return f"{urlsplit(self.url).path.rstrip('/')}/v2/models/{self.model}/infer"

    @property
    def body(self) -> bytes:
        return json.dumps(self.good).encode()

    def connect(self, seconds: float = 20.0) -> socket.socket:
        parts = urlsplit(self.url)
        return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=seconds)

    def infer(self) -> httpx.Response:
        return httpx.post(self.url + self.path, json=self.good, timeout=30)

    def first(self, **fields: Any) -> bytes:
        """The good request with other fields in its first tensor."""
        tensor, *others = self.good["inputs"]
        return json.dumps({**self.good, "inputs": [{**tensor, **fields}, *others]}).encode()

    def message(self, body: bytes, *headers: str, path: str | None = None, last: bool = True) -> bytes:
        """`last`: the server is to hang up after its answer."""
        close = ["Connection: close"] if last else []
        return self.head(*headers, f"Content-Length: {len(body)}", *close, path=path) + body

    def head(self, *headers: str, path: str | None = None, method: str = "POST") -> bytes:
        lines = [f"{method} {path or self.path} HTTP/1.1", "Host: hostile", "Content-Type: application/json", *headers]
        return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()

    def resident(self) -> int:
        """Bytes of memory of the process and its children; 0 where that is unknown."""
        return _resident(self.pid) if self.pid is not None else 0


def _resident(pid: int) -> int:
    proc = Path(f"/proc/{pid}")
    children = [child for task in proc.glob("task/*/children") for child in task.read_text().split()]
    own = int((proc / "statm").read_text().split()[1]) * 4096
    return own + sum(_resident(int(child)) for child in children)


def talk(target: Target, *parts: bytes, seconds: float = 20.0) -> list[tuple[int, bytes]]:
    """The statuses and bodies of what comes back until the server hangs up or has no more to say."""
    received = b""
    with target.connect(seconds) as client:
        try:
            for part in parts:
                client.sendall(part)
        except OSError:  # it has hung up, perhaps after saying why
            pass
        try:
            while len(received) < ENOUGH and (chunk := client.recv(65536)):
                received += chunk
                client.settimeout(1.0)
        except OSError:
            pass
    return answers(received)


def answers(received: bytes) -> list[tuple[int, bytes]]:
    found = []
    while received.startswith(b"HTTP/1."):
        head, _, rest = received.partition(b"\r\n\r\n")
        length = next((int(v) for k, v in _headers(head) if k == b"content-length"), len(rest))
        found.append((int(head.split(b" ", 2)[1]), rest[:length]))
        received = rest[length:]
    return [answer for answer in found if answer[0] >= 200]


def _headers(head: bytes) -> list[tuple[bytes, bytes]]:
    return [(name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in head.split(b"\r\n"))]


def good_request(url: str, model: str) -> dict[str, Any]:
    """From the model's metadata: one row of ones."""
    metadata = httpx.get(f"{url}/v2/models/{model}", timeout=30).raise_for_status().json()
    return {"inputs": [_tensor(tensor) for tensor in metadata["inputs"]]}


def _tensor(tensor: dict[str, Any]) -> dict[str, Any]:
    shape, count = [max(1, int(size)) for size in tensor["shape"]], 1
    for size in shape:
        count *= size
    return {
        "name": tensor["name"],
        "datatype": tensor["datatype"],
        "shape": shape,
        "data": [_SAMPLES.get(tensor["datatype"], 1)] * count,
    }
