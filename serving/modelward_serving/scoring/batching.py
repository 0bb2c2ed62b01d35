"""Requests that arrived in the same turn of the event loop run as one batch: no request ever waits for another to come.

Of several that came together, the first had to wait while the others were read; what arrived meanwhile is read too and
runs with them. All answers of a turn are computed first and written together. A fast model runs on the loop itself; one
whose runs take long enough to be felt by other connections runs in a thread, and what arrives meanwhile is the next
batch.

Rows of several requests run together only where a row's answer is proven to be its own. Else each request runs by
itself, in the order in which they came, as many at a time as there are CPUs for.
"""

import asyncio
import logging
import math
from time import perf_counter

from modelward_serving.model.model import Model
from modelward_serving.protocol.encode import Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.interface import has_rows
from modelward_serving.refusal import Refused

from .pace import Pace
from .recheck import Recheck
from .run import Array, Receiver, Run
from .threads import Threads

MAX_ROWS = 1024
MAX_QUEUE = 4096
MAX_WAIT = 2.0
"""Seconds that a new request may have to wait for those before it; above, it is refused."""
MIN_QUEUE = 64
THREAD_SECONDS = 0.002
"""Runs expected to take longer leave the loop free; a hand-over costs about 0.05 ms."""
TURN_SECONDS = 0.005
"""After so much on the loop it sees to what else there is."""
SURPRISE_SECONDS = 0.05
"""A run on the loop that takes so long shows that the model's cost does not follow its inputs' sizes."""
LONG_SECONDS = 0.02
"""A lone request that is expected to take longer, and `LONG_TIMES` what the least takes, holds up no others."""
LONG_TIMES = 8
log = logging.getLogger(__name__)


class Batcher:
    def __init__(
        self,
        model: Model,
        loop: asyncio.AbstractEventLoop,
        receiver: Receiver,
        max_queue: int = MAX_QUEUE,
        thread_seconds: float = THREAD_SECONDS,
        max_rows: int = MAX_ROWS,
        one_row: float | None = 0.0,
        concurrent: int = 1,
    ) -> None:
        """`one_row`: seconds of a run of one, None where that is not known. `concurrent`: runs at a time where each
        request runs by itself."""
        self._model = model
        self._loop = loop
        self._receiver = receiver
        self._max_queue = self._limit = max_queue
        self._a_request = 0.0
        self._thread_seconds = thread_seconds
        self._max_rows = max_rows
        self._concurrent = concurrent
        self.together = model.interface.batches
        """Rows of several requests run together."""
        self._slots = 1 if self.together else concurrent
        self._fixed = has_rows(model.interface)
        self._by_rows = self._fixed and self.together
        self._row_values = sum(spec.fixed_row or 1 for spec in model.interface.inputs)
        self._pace = Pace(one_row, 1 if self._fixed else self._row_values, self._fixed)
        self._queue: list[Inference] = []
        self._scheduled = False
        self._running = self._long = 0
        self._threads = Threads(loop)
        self._recheck = Recheck(model)

    @property
    def queued(self) -> int:
        return len(self._queue)

    def submit(self, inference: Inference) -> None:
        """The receiver gets its outcome. Raises `Refused` when too many wait."""
        if len(self._queue) >= self._limit:
            raise Refused("too many requests are waiting; try again later", status=503)
        self._queue.append(inference)
        if not self._scheduled and self._running - self._long < self._slots:
            self._scheduled = True
            self._loop.call_soon(self._read_on)

    def separate(self) -> None:
        """From now on each request runs by itself."""
        self.together = False
        self._slots = self._concurrent

    def close(self) -> None:
        self._threads.close()

    def _read_on(self) -> None:
        """The loop reads what is there before it calls this the second time; a lone request is not held up for that."""
        if len(self._queue) > 1:
            self._loop.call_soon(self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        self._scheduled = False
        runs: list[Run] = []
        while self._queue and self._running - self._long < self._slots:
            batch, rows = self._next_batch()
            if not batch:
                continue
            size = rows if self._by_rows else self._size(batch, rows)
            expected = self._pace.expect(size)
            if expected > self._thread_seconds:
                self._run_in_thread(batch, rows, size, expected)
            else:
                runs += self._settled(batch, rows, size)
                if not self._fixed and runs[-1].ended - runs[-1].began > SURPRISE_SECONDS:
                    self._thread_seconds = 0.0
                if runs[-1].ended - runs[0].began > TURN_SECONDS:
                    break
        self._tell(runs)
        if self._queue and not self._scheduled and self._running - self._long < self._slots:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _next_batch(self) -> tuple[list[Inference], int]:
        """The longest run of requests that can go together, and their rows. Late and abandoned ones are told so."""
        queue, now, taken, rows = self._queue, perf_counter(), 0, 0
        batch: list[Inference] = []
        ended: list[tuple[Inference, Refused]] = []
        together, most = self.together, self._max_rows
        for inference in queue:
            if batch and not (together and rows + inference.rows <= most and inference.shapes == batch[0].shapes):
                break
            taken += 1
            request = inference.request
            if request is not None and request.connection.lost:
                ended.append((inference, Refused("the client has gone", status=499)))
            elif inference.timeout is not None and request is not None and now > request.started + inference.timeout:
                ended.append((inference, Refused("the request's timeout passed while it waited", status=503)))
            else:
                batch.append(inference)
                rows += inference.rows
        del queue[:taken]
        for inference, refused in ended:
            self._fail(inference, refused)
        return batch, rows

    def _size(self, batch: list[Inference], rows: int) -> int:
        """As `Pace` takes it: rows, where they have a fixed length, else values."""
        if self._fixed:
            return rows if batch[0].shapes is None or self.together else max(map(_first, batch[0].shapes))
        shapes = batch[0].shapes
        if shapes is None:
            return rows * self._row_values
        values = sum(map(math.prod, shapes))
        return values * rows if self._model.interface.batches else values

    def _settled(self, batch: list[Inference], rows: int, size: int) -> list[Run]:
        """The run with its replies, or where it is good for none of its requests, a run for each. Never raises; may be
        called from a thread."""
        run = Run(batch, rows, perf_counter(), size)
        try:
            run.feeds = self._model.feeds(batch, rows)
            run.outputs = self._model.run(run.feeds) if rows else self._model.run_without_rows(run.feeds)
            run.ended = perf_counter()
            by_rows = _have_rows(run.outputs, rows)
            if by_rows or len(batch) == 1:
                results = Results(self._model.interface, run.outputs, by_rows)
                run.replies = self._receiver.encode(batch, results)
                run.done = perf_counter()
                return [run]
            self._loop.call_soon_threadsafe(self._found, "an output has not as many rows as the requests")
        except Exception as error:  # onnxruntime raises a dozen types without a common base
            run.failure = error.with_traceback(None)  # which would keep all of the run
            run.ended = perf_counter()
            if len(batch) == 1:
                return [run]
        # One bad request must not fail its neighbours.
        alone = [([inference], inference.rows) for inference in batch]
        return [run for one, rows in alone for run in self._settled(one, rows, self._size(one, rows))]

    def _tell(self, runs: list[Run]) -> None:
        """On the loop. What goes wrong with one run must not keep the others from their answers."""
        for run in runs:
            if run.failure is not None:
                self._fail(run.batch[0], run.failure)
                continue
            try:
                self._receiver.answer(run.batch, run.replies)
            except Exception as error:
                log.error("answers failed", exc_info=error)
        for run in runs:
            if run.failure is None:
                self._learn(run)

    def _learn(self, run: Run) -> None:
        seconds = run.done - run.began
        self._pace.learn(run.size, seconds)
        self._admit(seconds / len(run.batch))
        try:
            self._receiver.record(run)
        except Exception as error:
            log.error("a run could not be counted", exc_info=error)
        if len(run.batch) > 1 and self.together and run.ended >= self._recheck.due:
            self._check(run)

    def _check(self, run: Run) -> None:
        self._recheck.hold()
        try:
            self._threads.call(lambda: self._recheck.check(run), self._found)
        except RuntimeError:  # no thread to be had; there will be other batches
            log.warning("a batch was not checked: there is no thread left")

    def _found(self, differs: str | None) -> None:
        if self.together:
            if differs is not None:
                self.separate()
            self._receiver.checked(differs)

    def _fail(self, inference: Inference, error: Exception) -> None:
        try:
            self._receiver.fail(inference, error)
        except Exception as another:
            log.error("a refusal failed", exc_info=another)

    def _admit(self, seconds: float) -> None:
        """So many may wait as are answered within `MAX_WAIT`, going by what a request took lately."""
        known = self._a_request or seconds
        self._a_request = known + 0.1 * (min(seconds, 4 * known) - known)
        if self._a_request * self._max_queue <= MAX_WAIT:
            self._limit = self._max_queue
        else:
            self._limit = max(MIN_QUEUE, int(MAX_WAIT / self._a_request))

    def _run_in_thread(self, batch: list[Inference], rows: int, size: int, expected: float) -> None:
        least = self._pace.expect(1 if self._fixed else self._row_values)
        long = self._long == 0 and len(batch) == 1 and expected > max(LONG_SECONDS, LONG_TIMES * least)
        self._running += 1
        self._long += long
        try:
            self._threads.call(lambda: self._settled(batch, rows, size), lambda runs: self._thread_done(runs, long))
        except RuntimeError as error:
            self._running -= 1
            self._long -= long
            log.error("no thread for a run: %s", error)
            for inference in batch:
                self._fail(inference, Refused("the server has no thread left; try again later", status=503))

    def _thread_done(self, runs: list[Run], long: bool) -> None:
        self._running -= 1
        self._long -= long
        self._tell(runs)
        if self._queue and not self._scheduled:
            self._flush()


def _have_rows(outputs: list[Array], rows: int) -> bool:
    for values in outputs:  # noqa: SIM110 — a generator costs more than what it does
        if not values.ndim or len(values) != rows:
            return False
    return True


def _first(shape: tuple[int, ...]) -> int:
    return shape[0] if shape else 1
