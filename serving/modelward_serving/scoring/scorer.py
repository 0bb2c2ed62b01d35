"""From an HTTP request to the model and back: the part of the data path that both ports share."""

import asyncio
import logging
from operator import attrgetter
from time import perf_counter, time
from typing import Any

from modelward_contracts.manifests import Batching
from modelward_serving.http.compression import WORTH, compress, decompress
from modelward_serving.http.limits import Limits, raised
from modelward_serving.http.messages import JSON, Request
from modelward_serving.model.model import Model
from modelward_serving.model.run_errors import refusal_of
from modelward_serving.monitor.counters import Counters
from modelward_serving.monitor.fold import SignalMonitor
from modelward_serving.protocol.encode import Encoder, Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.oip import Parser
from modelward_serving.protocol.predict import PATH, PlainEncoder, PlainParser
from modelward_serving.refusal import Refused

from .batching import MAX_QUEUE, Batcher
from .cells import MIXED, Cells, own_cells
from .run import Receiver, Run
from .threads import Threads

LARGE = 4 << 10
"""Bytes of a body below which it is read at once, whatever it is."""
LARGE_JSON = 64 << 10
"""From so many on it takes long enough to be felt by other connections, and is read in a thread."""
MAX_READING = 64
FOUND = "a batch's answers were others than each request's alone"
BINARY = b"application/octet-stream"
Reply = bytes | tuple[bytes, bytes, bytes] | Exception
"""JSON; a body with its content type and further header lines; what went wrong."""
_PREDICT = PATH.encode()
_IS_COMMON = attrgetter("common")
log = logging.getLogger(__name__)


class Scorer(Receiver):
    """Answers inference requests with this server's own model."""

    def __init__(
        self,
        model: Model,
        loop: asyncio.AbstractEventLoop,
        counters: Counters,
        signals: SignalMonitor | None,
        limits: Limits,
        one_row: float | None = 0.0,
        max_queue: int = MAX_QUEUE,
        concurrent: int = 1,
        shared: Cells | None = None,
    ) -> None:
        """`one_row`, `concurrent`: as `Batcher` has them. `shared`: what all workers see of each other."""
        self._model = model
        self._parser = Parser(model.interface)
        self._encoder = Encoder(model.interface, model.name, model.version)
        self._plain_parser = PlainParser(model.interface, limits.rows)
        self._plain_encoder = PlainEncoder(model.interface, model.name, model.version)
        self._limits = limits
        self._counters, self._signals = counters, signals
        self._batcher = Batcher(model, loop, self, max_queue, one_row=one_row, concurrent=concurrent)
        self._shared = shared if shared is not None else own_cells()
        self._readers = Threads(loop, most=1)
        self._apart = Parser(model.interface)
        """For large bodies: a parser remembers what it has read, and belongs to one thread."""

    def close(self) -> None:
        self._batcher.close()
        self._readers.close()

    def tick(self) -> None:
        """Called every second: what one worker found holds for all."""
        if self._shared[MIXED] and self._batcher.together:
            self._batcher.separate()

    @property
    def batching(self) -> Batching:
        """As it is now."""
        told = self._model.batching
        if told.rows_independent and not self._batcher.together:
            return Batching(rows_independent=False, reason=FOUND)
        return told

    def parse(self, request: Request) -> Inference:
        """Raises `Refused`: this server's own validation."""
        return self._parse(request, self._parser)

    def _parse(self, request: Request, parser: Parser) -> Inference:
        headers, body = request.headers, request.body
        if b"content-encoding" in headers:
            body = decompress(body, headers[b"content-encoding"], self._limits.body_bytes)
        length = headers.get(b"inference-header-content-length")
        if length is None or request.target == _PREDICT:
            self._require_readable(len(body))
            return self._plain_parser.parse(body) if request.target == _PREDICT else parser.parse(body)
        if not length.isdigit() or len(length) > 10:
            raise Refused("Inference-Header-Content-Length must be a number of bytes")
        self._require_readable(min(int(length), len(body)))
        return parser.parse(body, int(length))

    def _require_readable(self, json_bytes: int) -> None:
        if json_bytes > self._limits.json_bytes:
            raise Refused(
                f"the JSON is larger than {self._limits.json_bytes} bytes: send tensors as binary data, or fewer"
                f" rows{raised('json-bytes')}",
                status=413,
            )

    def validate(self, request: Request) -> None:
        """Raises `Refused` for all that scoring would, short of running the model: also for a timeout that is shorter
        than what this server takes for 99 of 100 requests."""
        inference = self.parse(request)
        self._model.feeds([inference], inference.rows)
        if inference.timeout is not None:
            usual = self._counters.total.quantile(0.99)
            if usual is not None and inference.timeout < usual:
                raise Refused("the request's timeout is shorter than an answer may take", status=503)

    def score(self, request: Request) -> None:
        if len(request.body) > LARGE and _takes_long(request):
            self._read_apart(request)
            return
        try:
            inference = self._parse(request, self._parser)
            inference.request = request
            self._batcher.submit(inference)
        except Refused as refused:
            self.refuse(request, refused)

    def _read_apart(self, request: Request) -> None:
        try:
            if self._readers.under_way >= MAX_READING:
                raise Refused("too many large requests are being read; try again later", status=503)
            self._readers.call(lambda: self._try_parse(request), lambda read: self._accept(request, read))
        except Refused as refused:
            self.refuse(request, refused)
        except RuntimeError:
            self.refuse(request, Refused("the server has no thread left; try again later", status=503))

    def _try_parse(self, request: Request) -> Inference | Exception:
        try:
            return self._parse(request, self._apart)
        except Exception as error:  # for the loop to tell
            return error.with_traceback(None)  # which would keep the body

    def _accept(self, request: Request, read: Inference | Exception) -> None:
        if isinstance(read, Refused):
            self.refuse(request, read)
        elif isinstance(read, Exception):
            request.connection.port.failed(request, read)
        else:
            read.request = request
            try:
                self._batcher.submit(read)
            except Refused as refused:
                self.refuse(request, refused)

    def refuse(self, request: Request, refused: Refused) -> None:
        self._counters.answered(refused.status)
        extra = b"retry-after: 1\r\n" if refused.status == 503 else b""
        request.refuse(refused.status, refused.message, extra)

    # scoring.run.Receiver

    def encode(self, batch: list[Inference], results: Results) -> list[Reply]:
        try:
            if all(map(_IS_COMMON, batch)) and (bodies := self._encoder.common(results)):
                return bodies  # type: ignore[return-value]
        except Exception:  # noqa: S110 — each finds out by itself what is wrong with its own
            pass
        replies: list[Reply] = []
        start = 0
        for inference in batch:
            end = start + inference.rows
            replies.append(self._encoded(inference, results, start, end))
            start = end
        return replies

    def answer(self, batch: list[Inference], replies: list[Reply]) -> None:
        answered = []
        for inference, reply in zip(batch, replies, strict=True):
            request: Any = inference.request
            try:
                if type(reply) is bytes:
                    request.respond(200, reply)
                elif isinstance(reply, tuple):
                    request.respond(200, *reply)
                else:
                    self.fail(inference, reply)  # type: ignore[arg-type]  # mypy does not follow `type(…) is`
                    continue
                answered.append(request.started)
            except Exception as error:  # a defect must cost one request, not its neighbours
                log.error("an answer could not be written", exc_info=error)
        if answered:
            now = perf_counter()
            self._counters.answered(200, len(answered))
            self._counters.total.observe_all([now - started for started in answered])

    def fail(self, inference: Inference, error: Exception) -> None:
        refused = refusal_of(error)
        if refused.status == 500:
            log.error("the model failed: %s", error)
        if inference.request is not None:
            self._counters.uncomputed += refused.status < 500
            self.refuse(inference.request, refused)

    def record(self, run: Run) -> None:
        counters = self._counters
        counters.batch(run.rows)
        counters.last_inference = time()
        counters.compute.observe_alike(run.ended - run.began, len(run.batch))
        counters.queue.observe_all([run.began - one.request.started for one in run.batch if one.request is not None])
        if self._signals is not None:
            self._signals.note(run.feeds, run.outputs, run.rows)

    def checked(self, differs: str | None) -> None:
        self._counters.checked += 1
        if differs is not None:
            self._counters.mixed += 1
            self._shared[MIXED] = 1
            log.error("%s: %s; from now on each request runs by itself", FOUND, differs)

    def _encoded(self, inference: Inference, results: Results, start: int, end: int) -> Reply:
        try:
            return self._encode(inference, results, start, end)
        except Exception as error:  # its own only
            if not isinstance(error, Refused):
                log.error("an answer cannot be written", exc_info=error)
            return error

    def _encode(self, inference: Inference, results: Results, start: int, end: int) -> Reply:
        header_length = None
        if inference.plain:
            body = self._plain_encoder.encode(results, start, end)
        else:
            body, header_length = self._encoder.encode(inference, results, start, end)
        extra = b""
        request = inference.request
        if len(body) >= WORTH and request is not None and (accepted := request.headers.get(b"accept-encoding")):
            body, extra = compress(body, accepted)
        if header_length is None:
            return (body, JSON, extra) if extra else body
        return body, BINARY, extra + b"inference-header-content-length: %d\r\n" % header_length


def _takes_long(request: Request) -> bool:
    """Compressed, it may be a thousand times as much."""
    headers = request.headers
    if b"content-encoding" in headers:
        return True
    length = headers.get(b"inference-header-content-length", b"")
    return (int(length) if length.isdigit() and len(length) < 11 else len(request.body)) > LARGE_JSON
