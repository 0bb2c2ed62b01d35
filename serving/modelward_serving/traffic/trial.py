"""Whether a candidate is back to which nothing is forwarded any more.

A client is not made to wait for that: it has this server's answer, a good one, when a copy of its request is sent.
"""

import asyncio
from collections.abc import Callable

from .exchange import Exchange
from .upstream import Pool


class Trial(Exchange):
    __slots__ = ("_tell",)

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Pool, tell: Callable[[bool], None]) -> None:
        super().__init__(loop, pool)
        self._tell = tell

    def came(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:  # noqa: ARG002
        self._tell(status < 300)

    def failed(self, cause: str) -> None:  # noqa: ARG002
        self._tell(False)
