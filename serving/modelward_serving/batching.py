"""Requests that arrived in the same turn of the event loop run as one batch: no request ever waits for another to come.

Of several that came together, the first had to wait while the others were read; what arrived meanwhile is read too and
runs with them. All answers of a turn are computed first and written together. A fast model runs on the loop itself; one
whose runs take long enough to be felt by other connections runs in a thread, and what arrives meanwhile is the next
batch.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from .encode import Results
from .inference import Inference
from .model import Model
from .pace import Pace
from .refusal import Refused

log = logging.getLogger(__name__)
Array = np.ndarray[Any, Any]
Outcome = tuple[Results, int, int] | Exception
"""Results and the request's rows in them, or what went wrong."""
MAX_ROWS = 1024
MAX_WAIT = 2.0
"""Seconds that a new request may have to wait for those before it; above, it is refused."""
MIN_QUEUE = 64
THREAD_SECONDS = 0.002
"""Runs expected to take longer leave the loop free; a hand-over costs about 0.05 ms."""


_Run = tuple[dict[str, Array], list[Array] | Exception, float, float]


class Job(msgspec.Struct, eq=False):
    """A checked request, and what becomes of its outcome."""

    inference: Inference
    started: float

    def done(self, outcome: Outcome) -> None:
        raise NotImplementedError

    @property
    def gone(self) -> bool:
        """Nobody waits for the outcome any more."""
        return False


class Observer:
    """What a batcher reports; the server's counters in life, nothing in most tests."""

    def batch(self, jobs: list[Job], rows: int, began: float, ended: float) -> None: ...

    def note(self, feeds: dict[str, Array], outputs: list[Array], rows: int) -> None: ...


def _rows(batch: list[Job]) -> int:
    return sum([job.inference.rows for job in batch])


def _answer(finished: list[tuple[Job, Outcome]]) -> None:
    for job, outcome in finished:
        try:
            job.done(outcome)
        except Exception as error:  # a defect must cost one request, not its neighbours
            log.error("an answer failed", exc_info=error)
            job.done(error)


class Batcher:
    def __init__(
        self,
        model: Model,
        loop: asyncio.AbstractEventLoop,
        observer: Observer,
        max_queue: int = 4096,
        thread_seconds: float = THREAD_SECONDS,
        max_rows: int = MAX_ROWS,
        one_row: float = 0.0,
    ) -> None:
        self._model = model
        self._loop = loop
        self._observer = observer
        self._max_queue = self._limit = max_queue
        self._a_job = 0.0
        self._thread_seconds = thread_seconds
        self._max_rows = max_rows if model.interface.batches else 1
        self._pace = Pace(one_row)
        self._queue: list[Job] = []
        self._scheduled = False
        self._running = False
        self._executor: ThreadPoolExecutor | None = None

    @property
    def queued(self) -> int:
        return len(self._queue)

    def submit(self, job: Job) -> None:
        """`job.done` is called with its outputs, or with what went wrong. Raises `Refused` when too many wait."""
        if len(self._queue) >= self._limit:
            raise Refused("too many requests are waiting; try again later", status=503)
        self._queue.append(job)
        if not self._scheduled and not self._running:
            self._scheduled = True
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        """The loop reads what is there before it calls this the second time; a lone request is not held up for that."""
        if len(self._queue) > 1:
            self._loop.call_soon(self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        self._scheduled = False
        finished: list[tuple[Job, Outcome]] = []
        while self._queue and not self._running:
            batch = self._next_batch(finished)
            if not batch:
                continue
            if self._pace.expect(_rows(batch)) > self._thread_seconds:
                self._run_in_thread(batch)
            else:
                finished += self._settle(batch, self._run(batch))
        _answer(finished)

    def _next_batch(self, finished: list[tuple[Job, Outcome]]) -> list[Job]:
        """The longest run of jobs that can go together. Late ones are answered, abandoned ones dropped."""
        queue, now, taken, rows = self._queue, perf_counter(), 0, 0
        batch: list[Job] = []
        for job in queue:
            inference = job.inference
            if batch and (rows + inference.rows > self._max_rows or inference.shapes != batch[0].inference.shapes):
                break
            taken += 1
            if inference.timeout is not None and now > job.started + inference.timeout:
                finished.append((job, Refused("the request's timeout passed while it waited", status=503)))
            elif job.gone:
                finished.append((job, Refused("the client has gone", status=499)))
            else:
                batch.append(job)
                rows += inference.rows
        del queue[:taken]
        return batch

    def _run(self, batch: list[Job]) -> "_Run":
        """Only this may be called from the thread."""
        began = perf_counter()
        feeds: dict[str, Array] = {}
        try:
            feeds = self._model.feeds([job.inference for job in batch])
            outputs: list[Array] | Exception = self._model.run(feeds)
        except Exception as error:  # onnxruntime raises a dozen types without a common base
            outputs = error
        return feeds, outputs, began, perf_counter()

    def _settle(self, batch: list[Job], run: "_Run") -> list[tuple[Job, Outcome]]:
        feeds, outputs, began, ended = run
        if isinstance(outputs, Exception):
            if len(batch) == 1:
                return [(batch[0], outputs)]
            # One bad request must not fail its neighbours.
            return [pair for job in batch for pair in self._settle([job], self._run([job]))]
        batched, rows = self._model.interface.batches, _rows(batch)
        if batched and set(map(len, outputs)) != {rows}:
            # An output whose free first dimension is not the requests' rows: no request may get another's, ever again.
            self._max_rows = 1
            if len(batch) > 1:
                return [pair for job in batch for pair in self._settle([job], self._run([job]))]
            batched = False
        results = Results(self._model.interface, outputs, batched)
        settled: list[tuple[Job, Outcome]] = []
        start = 0
        for job in batch:
            end = start + job.inference.rows
            settled.append((job, (results, start, end)))
            start = end
        self._pace.learn(rows, ended - began)
        self._admit((ended - began) / len(batch))
        self._observer.batch(batch, rows, began, ended)
        self._observer.note(feeds, outputs, rows)
        return settled

    def _admit(self, seconds: float) -> None:
        """So many may wait as are answered within `MAX_WAIT`, going by what a job took lately."""
        known = self._a_job or seconds
        self._a_job = known + 0.1 * (min(seconds, 4 * known) - known)
        if self._a_job * self._max_queue <= MAX_WAIT:
            self._limit = self._max_queue
        else:
            self._limit = max(MIN_QUEUE, int(MAX_WAIT / self._a_job))

    def _run_in_thread(self, batch: list[Job]) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._running = True
        future = self._loop.run_in_executor(self._executor, self._run, batch)
        future.add_done_callback(lambda done: self._thread_done(batch, done))

    def _thread_done(self, batch: list[Job], future: "asyncio.Future[Any]") -> None:
        self._running = False
        _answer(self._settle(batch, future.result()))
        if self._queue:
            self._flush()

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False)
