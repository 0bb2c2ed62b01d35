"""What workers ask of each other: a socket from the lead to each, frames of four bytes of length and that much JSON.

The lead asks the others, and each of them the lead, which asks the rest where that is needed.
"""

import asyncio
import socket
from contextlib import suppress
from typing import Protocol

import msgspec

from modelward_contracts.traffic import Untrusted
from modelward_contracts.wire import Wire, canonical, decode
from modelward_serving.monitor.report import Report
from modelward_serving.traffic.setting import Older

ANSWER_SECONDS = 2.0


class Ask(Wire, frozen=True, kw_only=True):
    signed: str | None = None
    """A traffic setting to put in force."""
    report: bool = False
    """What this worker has counted."""
    whole: bool = False
    """What all workers have counted; only the lead knows."""
    all_ready: bool = False
    """Tells that every worker is ready."""


class Answer(Wire, frozen=True, kw_only=True):
    epoch: int = 0
    error: str = ""
    report: Report | None = None


class Frame(Wire, frozen=True, kw_only=True):
    """One of the two."""

    ask: Ask | None = None
    answer: Answer | None = None


class Worker(Protocol):
    """What a worker does when it is asked."""

    def apply_signed(self, signed: bytes) -> int:
        """The epoch in force. Raises `Untrusted` or `Older`."""

    def all_ready(self) -> None: ...

    def report(self) -> Report: ...

    async def whole(self) -> Report:
        """Of all workers. Raises `TimeoutError` or `EOFError`."""


class Link:
    """One end. Both sides connect once they have a loop, and never again. Each may ask one thing at a time."""

    def __init__(self, end: socket.socket, worker: Worker) -> None:
        self._end, self._worker = end, worker
        self._turn = asyncio.Lock()
        self._expected: asyncio.Future[Answer] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._answering: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """From here on this worker answers: that it does tells the other that it is ready."""
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._end)
        self._listening = asyncio.get_running_loop().create_task(self._listen())

    @property
    def ended(self) -> bool:
        """The process at the other end is gone."""
        return self._listening is not None and self._listening.done()

    async def ask(self, ask: Ask, seconds: float | None = ANSWER_SECONDS) -> Answer:
        """Raises `EOFError`, and `TimeoutError`: a late answer would be taken for the next one, so the link is of no
        further use."""
        async with self._turn:
            if self.ended:
                raise EOFError
            self._expected = asyncio.get_running_loop().create_future()
            self._write(Frame(ask=ask))
            try:
                return await asyncio.wait_for(self._expected, seconds)
            except TimeoutError:
                self._writer.close()
                raise

    async def _listen(self) -> None:
        with suppress(EOFError, ConnectionError):
            while True:
                size = int.from_bytes(await self._reader.readexactly(4), "little")
                frame = decode(await self._reader.readexactly(size), Frame)
                if frame.ask is not None:
                    # Not at once: what is asked may need an answer from the other side first.
                    task = asyncio.get_running_loop().create_task(self._answer(frame.ask))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
                elif self._expected is not None and not self._expected.done():
                    self._expected.set_result(frame.answer or Answer())
        if self._expected is not None and not self._expected.done():
            self._expected.set_exception(EOFError())

    async def _answer(self, ask: Ask) -> None:
        self._write(Frame(answer=await _answer(self._worker, ask)))

    def _write(self, frame: Frame) -> None:
        data = canonical(frame)
        self._writer.write(len(data).to_bytes(4, "little") + data)


async def _answer(worker: Worker, ask: Ask) -> Answer:
    if ask.signed is not None:
        try:
            return Answer(epoch=worker.apply_signed(ask.signed.encode()))
        except Older as older:
            return Answer(epoch=older.epoch)
        except (Untrusted, msgspec.DecodeError) as error:
            return Answer(error=str(error))
    if ask.all_ready:
        worker.all_ready()
    if ask.whole:
        try:
            return Answer(report=await worker.whole())
        except (TimeoutError, EOFError, OSError) as error:
            return Answer(error=repr(error))
    return Answer(report=worker.report() if ask.report else None)
