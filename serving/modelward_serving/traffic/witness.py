"""What this server's own answer is to a request that the candidate failed, or that is to try it again.

Only that tells whose fault a failure is: a candidate is not to blame for a request that no server can answer, or not in
the time it was given.
"""

import asyncio
from collections.abc import Callable
from time import perf_counter

from modelward_serving.http.messages import Answers, Client, Request

_STATUS = slice(len(b"HTTP/1.1 "), len(b"HTTP/1.1 200"))


class Witness:
    """Stands where the client was. Implements `messages.Client`."""

    __slots__ = ("_began", "_client", "_loop", "_tell", "port")
    lost = False
    """A client that has gone does not make it less telling whether there would have been an answer."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: Client, tell: Callable[[bool, float], None]) -> None:
        self._loop, self._client, self._tell = loop, client, tell
        self.port: Answers = client.port
        self._began = perf_counter()

    def finish(self, data: bytes, close: bool) -> None:
        self._client.finish(data, close)
        # Not at once: who answers is in the midst of a batch.
        self._loop.call_soon(self._tell, data[_STATUS].startswith(b"2"), perf_counter() - self._began)


def watch(loop: asyncio.AbstractEventLoop, request: Request, tell: Callable[[bool, float], None]) -> None:
    """`tell` hears whether the answer is a good one, and in how many seconds from now it came."""
    request.connection = Witness(loop, request.connection, tell)
