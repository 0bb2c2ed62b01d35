"""From an HTTP request to the model and back: the part of the data path that both ports share."""

import asyncio
import logging
from operator import attrgetter
from time import perf_counter, time
from typing import Any

from modelward_serving.http.compression import WORTH, compress, decompress
from modelward_serving.http.messages import JSON, Request
from modelward_serving.model.model import Model
from modelward_serving.monitor.counters import Counters
from modelward_serving.monitor.fold import SignalMonitor
from modelward_serving.protocol.encode import Encoder, Results
from modelward_serving.protocol.inference import Inference
from modelward_serving.protocol.oip import Parser
from modelward_serving.protocol.predict import PATH, PlainEncoder, PlainParser
from modelward_serving.refusal import Refused

from .batching import MAX_QUEUE, Batcher, Receiver, Run

BINARY = b"application/octet-stream"
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
        max_bytes: int,
        one_row: float = 0.0,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        """`one_row`: seconds that the model takes for one."""
        self._model = model
        self._parser = Parser(model.interface)
        self._encoder = Encoder(model.interface, model.name, model.version)
        self._plain_parser = PlainParser(model.interface)
        self._plain_encoder = PlainEncoder(model.interface, model.name, model.version)
        self._max_bytes = max_bytes
        self._counters, self._signals = counters, signals
        self._batcher = Batcher(model, loop, self, max_queue, one_row=one_row)

    def close(self) -> None:
        self._batcher.close()

    def parse(self, request: Request) -> Inference:
        """Raises `Refused`: this server's own validation."""
        headers, body = request.headers, request.body
        if b"content-encoding" in headers:
            body = decompress(body, headers[b"content-encoding"], self._max_bytes)
        if request.target == _PREDICT:
            return self._plain_parser.parse(body)
        length = headers.get(b"inference-header-content-length")
        if length is None:
            return self._parser.parse(body)
        if not length.isdigit() or len(length) > 10:
            raise Refused("Inference-Header-Content-Length must be a number of bytes")
        return self._parser.parse(body, int(length))

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
        try:
            inference = self.parse(request)
            inference.request = request
            self._batcher.submit(inference)
        except Refused as refused:
            self.refuse(request, refused)

    def refuse(self, request: Request, refused: Refused) -> None:
        self._counters.answered(refused.status)
        extra = b"retry-after: 1\r\n" if refused.status == 503 else b""
        request.refuse(refused.status, refused.message, extra)

    def answer(self, batch: list[Inference], results: Results) -> None:
        bodies = self._common_bodies(batch, results)
        answered = []
        start = 0
        for inference in batch:
            request: Any = inference.request
            end = start + inference.rows
            try:
                if bodies:
                    request.respond(200, bodies[start])
                else:
                    self._answer(request, inference, results, start, end)
                answered.append(request.started)
            except Refused as refused:
                self.refuse(request, refused)
            except Exception as error:  # a defect must cost one request, not its neighbours
                log.error("an answer failed", exc_info=error)
                self.fail(inference, error)
            start = end
        if answered:
            now = perf_counter()
            self._counters.answered(200, len(answered))
            self._counters.total.observe_all([now - started for started in answered])

    def _common_bodies(self, batch: list[Inference], results: Results) -> list[bytes]:
        """For each request, where all ask for the same."""
        try:
            return self._encoder.common(results) if all(map(_IS_COMMON, batch)) else []
        except Exception:  # each finds out by itself what is wrong with its own
            return []

    def _answer(self, request: Request, inference: Inference, results: Results, start: int, end: int) -> None:
        header_length = None
        if inference.plain:
            body = self._plain_encoder.encode(results, start, end)
        else:
            body, header_length = self._encoder.encode(inference, results, start, end)
        extra = b""
        if len(body) >= WORTH and (accepted := request.headers.get(b"accept-encoding")) is not None:
            body, extra = compress(body, accepted)
        if header_length is None:
            request.respond(200, body, JSON, extra)
        else:
            extra += b"inference-header-content-length: %d\r\n" % header_length
            request.respond(200, body, BINARY, extra)

    def fail(self, inference: Inference, error: Exception) -> None:
        if not isinstance(error, Refused):
            log.error("the model failed: %s", error)
            error = Refused(f"the model failed: {' '.join(str(error).split())[:500]}", status=500)
        if inference.request is not None:
            self.refuse(inference.request, error)

    def record(self, run: Run) -> None:
        counters = self._counters
        counters.batch(run.rows)
        counters.last_inference = time()
        counters.compute.observe_alike(run.ended - run.began, len(run.batch))
        counters.queue.observe_all([run.began - one.request.started for one in run.batch if one.request is not None])
        if self._signals is not None:
            self._signals.note(run.feeds, run.outputs, run.rows)
