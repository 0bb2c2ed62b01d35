"""What the lead asks of the other workers, over a socket to each: frames of four bytes of length and that much JSON."""

import asyncio
import socket
from typing import Protocol

import msgspec

from modelward_contracts.traffic import Untrusted
from modelward_contracts.wire import Wire, canonical, decode

from .monitor.report import Report
from .traffic.setting import Older

ANSWER_SECONDS = 2.0


class Ask(Wire, frozen=True, kw_only=True):
    signed: str | None = None
    """A traffic setting to put in force."""
    report: bool = False


class Answer(Wire, frozen=True, kw_only=True):
    epoch: int = 0
    error: str = ""
    report: Report | None = None


class Worker(Protocol):
    """What a worker does when it is asked."""

    def apply_signed(self, signed: bytes) -> int:
        """The epoch in force. Raises `Untrusted` or `Older`."""

    def report(self) -> Report: ...


class Link:
    """One end. Both sides connect once they have a loop, and never again."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_unix_connection(sock=self._end)

    @property
    def ended(self) -> bool:
        """The process at the other end is gone."""
        return self._reader.at_eof()

    async def ask(self, ask: Ask, seconds: float | None = ANSWER_SECONDS) -> Answer:
        """Raises `TimeoutError`; a late answer would be taken for the next one, so the link is of no further use."""
        async with self._turn:
            self._write(canonical(ask))
            try:
                return decode(await asyncio.wait_for(self._read(), seconds), Answer)
            except TimeoutError:
                self._writer.close()
                raise

    async def serve(self, worker: Worker) -> None:
        """Answers until the lead is gone. The first answer tells it that this worker is ready."""
        while True:
            try:
                ask = decode(await self._read(), Ask)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            self._write(canonical(_answer(worker, ask)))

    async def _read(self) -> bytes:
        size = int.from_bytes(await self._reader.readexactly(4), "little")
        return await self._reader.readexactly(size)

    def _write(self, data: bytes) -> None:
        self._writer.write(len(data).to_bytes(4, "little") + data)


def _answer(worker: Worker, ask: Ask) -> Answer:
    if ask.signed is not None:
        try:
            return Answer(epoch=worker.apply_signed(ask.signed.encode()))
        except Older as older:
            return Answer(epoch=older.epoch)
        except (Untrusted, msgspec.DecodeError) as error:
            return Answer(error=str(error))
    return Answer(report=worker.report() if ask.report else None)
