"""The admin port of scoring pods: read the counters, set the traffic. Lean, because it is done every few seconds.

Connections are kept alive for a moment, requests in flight are bounded, and nobody waits longer than two seconds for a
pod.
"""

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import aiohttp
import msgspec

from modelward.errors import Unavailable
from modelward.telemetry.metrics import PUSHES
from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic, public_key, sign

_TIMEOUT = aiohttp.ClientTimeout(total=2)
_AT_ONCE = 64
_KEPT = 5.0
"""Seconds that a connection is kept: from one look of a rollout to the next. At rest, thousands would lie there."""
_LARGEST = 8 * 2**20
"""A snapshot is some KiB per feature; a server that sends more than this is broken."""


class Pusher(Protocol):
    """What act needs of the scoring pods."""

    async def push(self, address: str, setting: Traffic) -> int:
        """The epoch then in force. Raises Unavailable."""
        ...


class Signer:
    """The operator's private key, read at every use: a rotated Secret needs no restart."""

    def __init__(self, key_file: str, until_mounted: bytes = b"") -> None:
        self._file, self._until_mounted = Path(key_file), until_mounted

    def sign(self, setting: Traffic) -> str:
        return sign(setting, self._key).decode()

    @property
    def public_keys(self) -> str:
        """PEM, for the pods."""
        return public_key(self._key).decode()

    @property
    def mounted(self) -> bool:
        return self._file.exists()

    @property
    def _key(self) -> bytes:
        return self._until_mounted if self._until_mounted and not self.mounted else self._file.read_bytes()


class _Epoch(msgspec.Struct):
    epoch: int


class ScoringPods:
    """`async with ScoringPods(signer) as pods:`"""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        connector = aiohttp.TCPConnector(limit=_AT_ONCE, keepalive_timeout=_KEPT)
        self._http = aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar())
        self._snapshots = msgspec.json.Decoder(Snapshot)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.close()

    async def scrape(self, address: str) -> Snapshot | None:
        """The counters of one server, `host:port`; None if it does not answer."""
        try:
            status, body = await self._send("GET", f"http://{address}/monitor")
            return self._snapshots.decode(body) if status == 200 else None
        except (Unavailable, msgspec.DecodeError):
            return None

    async def push(self, address: str, setting: Traffic) -> int:
        """The epoch then in force: a newer one than the setting's, if the server has seen that already."""
        try:
            status, body = await self._send("PUT", f"http://{address}/traffic", self._signer.sign(setting).encode())
            if status not in (200, 409):
                raise Unavailable(
                    f"{address} refused the traffic setting: {status} {body[:300].decode(errors='replace')}"
                )
            epoch = msgspec.json.decode(body, type=_Epoch).epoch
        except (Unavailable, msgspec.DecodeError, OSError) as error:
            PUSHES.labels("failed").inc()
            raise Unavailable(str(error)) from error
        PUSHES.labels("confirmed" if status == 200 else "outdated").inc()
        return epoch

    async def _send(self, method: str, url: str, data: bytes | None = None) -> tuple[int, bytes]:
        try:
            async with self._http.request(method, url, data=data) as response:
                body = b""
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise Unavailable(f"{url} sent more than {_LARGEST} bytes")
                return response.status, body
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(f"{url} did not answer: {error or type(error).__name__}") from error
