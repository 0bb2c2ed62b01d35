"""Requests that arrived in the same turn of the event loop run as one batch: no request ever waits for another to come.

Of several that came together, the first had to wait while the others were read; what arrived meanwhile is read too and
runs with them. All answers of a turn are computed first and written together. A fast model runs on the loop itself; one
whose runs take long enough to be felt by other connections runs in a thread, and what arrives meanwhile is the next
batch.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import msgspec
import numpy as np

from modelward_serving.model.model import Model
from modelward_serving.protocol.encode import Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.refusal import Refused

from .pace import Pace

Array = np.ndarray[Any, Any]
MAX_ROWS = 1024
MAX_QUEUE = 4096
MAX_WAIT = 2.0
"""Seconds that a new request may have to wait for those before it; above, it is refused."""
MIN_QUEUE = 64
THREAD_SECONDS = 0.002
"""Runs expected to take longer leave the loop free; a hand-over costs about 0.05 ms."""


class Run(msgspec.Struct, eq=False):
    """One run of the model."""

    batch: list[Inference]
    rows: int
    began: float
    ended: float = 0.0
    feeds: dict[str, Array] = {}
    outputs: list[Array] = []
    failure: Exception | None = None
    results: Results | None = None
    """Of the outputs each request gets its rows."""


class Receiver:
    """What a batcher has to tell."""

    def answer(self, batch: list[Inference], results: Results) -> None:
        """Each request's rows follow on those of the one before it."""

    def fail(self, inference: Inference, error: Exception) -> None: ...

    def record(self, run: Run) -> None:
        """Called when all answers are written."""


class Batcher:
    def __init__(
        self,
        model: Model,
        loop: asyncio.AbstractEventLoop,
        receiver: Receiver,
        max_queue: int = MAX_QUEUE,
        thread_seconds: float = THREAD_SECONDS,
        max_rows: int = MAX_ROWS,
        one_row: float = 0.0,
    ) -> None:
        self._model = model
        self._loop = loop
        self._receiver = receiver
        self._max_queue = self._limit = max_queue
        self._a_request = 0.0
        self._thread_seconds = thread_seconds
        self._max_rows = max_rows if model.interface.batches else 1
        self._pace = Pace(one_row)
        self._queue: list[Inference] = []
        self._scheduled = False
        self._running = False
        self._executor: ThreadPoolExecutor | None = None

    @property
    def queued(self) -> int:
        return len(self._queue)

    def submit(self, inference: Inference) -> None:
        """The receiver gets its outcome. Raises `Refused` when too many wait."""
        if len(self._queue) >= self._limit:
            raise Refused("too many requests are waiting; try again later", status=503)
        self._queue.append(inference)
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
        runs: list[Run] = []
        while self._queue and not self._running:
            batch, rows = self._next_batch()
            if not batch:
                continue
            if self._pace.expect(rows) > self._thread_seconds:
                self._run_in_thread(batch, rows)
            else:
                runs += self._settle(self._run(batch, rows))
        self._tell(runs)

    def _next_batch(self) -> tuple[list[Inference], int]:
        """The longest run of requests that can go together, and their rows. Late and abandoned ones are told so."""
        queue, now, taken, rows = self._queue, perf_counter(), 0, 0
        batch: list[Inference] = []
        for inference in queue:
            if batch and (rows + inference.rows > self._max_rows or inference.shapes != batch[0].shapes):
                break
            taken += 1
            request = inference.request
            if request is not None and request.connection.lost:
                self._receiver.fail(inference, Refused("the client has gone", status=499))
            elif inference.timeout is not None and request is not None and now > request.started + inference.timeout:
                late = Refused("the request's timeout passed while it waited", status=503)
                self._receiver.fail(inference, late)
            else:
                batch.append(inference)
                rows += inference.rows
        del queue[:taken]
        return batch, rows

    def _run(self, batch: list[Inference], rows: int) -> Run:
        """Only this may be called from the thread."""
        run = Run(batch, rows, perf_counter())
        try:
            run.feeds = self._model.feeds(batch, rows)
            run.outputs = self._model.run(run.feeds)
        except Exception as error:  # onnxruntime raises a dozen types without a common base
            run.failure = error
        run.ended = perf_counter()
        return run

    def _settle(self, run: Run) -> list[Run]:
        """The run, or where it is good for none of its requests, a run for each."""
        batched = self._model.interface.batches
        if run.failure is None and batched and set(map(len, run.outputs)) != {run.rows}:
            # An output whose free first dimension is not the requests' rows: no request may get another's, ever again.
            self._max_rows = 1
            batched = False
        if len(run.batch) > 1 and (run.failure is not None or not batched):
            # One bad request must not fail its neighbours.
            return [one for inference in run.batch for one in self._settle(self._run([inference], inference.rows))]
        if run.failure is None:
            seconds = run.ended - run.began
            run.results = Results(self._model.interface, run.outputs, batched)
            self._pace.learn(run.rows, seconds)
            self._admit(seconds / len(run.batch))
        return [run]

    def _tell(self, runs: list[Run]) -> None:
        for run in runs:
            if run.results is not None:
                self._receiver.answer(run.batch, run.results)
            elif run.failure is not None:
                self._receiver.fail(run.batch[0], run.failure)
        for run in runs:
            if run.results is not None:
                self._receiver.record(run)

    def _admit(self, seconds: float) -> None:
        """So many may wait as are answered within `MAX_WAIT`, going by what a request took lately."""
        known = self._a_request or seconds
        self._a_request = known + 0.1 * (min(seconds, 4 * known) - known)
        if self._a_request * self._max_queue <= MAX_WAIT:
            self._limit = self._max_queue
        else:
            self._limit = max(MIN_QUEUE, int(MAX_WAIT / self._a_request))

    def _run_in_thread(self, batch: list[Inference], rows: int) -> None:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, thread_name_prefix="model")
        self._running = True
        future = self._loop.run_in_executor(self._executor, self._run, batch, rows)
        future.add_done_callback(self._thread_done)

    def _thread_done(self, future: "asyncio.Future[Run]") -> None:
        self._running = False
        self._tell(self._settle(future.result()))
        if self._queue:
            self._flush()

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=False)
