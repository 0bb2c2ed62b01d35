"""From an HTTP request to the model and back: the part of the data path that both ports share."""

import logging
from time import perf_counter, time
from typing import Any

import numpy as np

from .batching import Batcher, Job, Observer, Outcome
from .compression import WORTH, compress, decompress
from .encode import Encoder
from .http import JSON, Request
from .inference import Inference
from .model import Model
from .monitor.counters import Counters
from .monitor.fold import SignalMonitor
from .oip import Parser
from .predict import PATH, PlainEncoder, PlainParser
from .refusal import Refused

BINARY = b"application/octet-stream"
_PREDICT = PATH.encode()
log = logging.getLogger(__name__)


class Recorder(Observer):
    """Counts batches, and notes them for the signals."""

    def __init__(self, counters: Counters, signals: SignalMonitor | None) -> None:
        self.counters, self.signals = counters, signals

    def batch(self, jobs: list[Job], rows: int, began: float, ended: float) -> None:
        counters = self.counters
        counters.batch(rows)
        counters.last_inference = time()
        # The jobs of the batches before were answered meanwhile.
        counters.total.observe_all([])
        counters.compute.observe_all([ended - began] * len(jobs))
        counters.queue.observe_all([began - job.started for job in jobs])

    def note(self, feeds: dict[str, np.ndarray[Any, Any]], outputs: list[np.ndarray[Any, Any]], rows: int) -> None:
        if self.signals is not None:
            self.signals.note(feeds, outputs, rows)


class ScoreJob(Job, eq=False):
    request: Request
    scorer: "Scorer"

    def done(self, outcome: Outcome) -> None:
        self.scorer.answer(self.request, self.inference, outcome)

    @property
    def gone(self) -> bool:
        return self.request.connection.lost


class Scorer:
    """Answers inference requests with this server's own model."""

    def __init__(self, model: Model, batcher: Batcher, counters: Counters, max_bytes: int) -> None:
        self._model = model
        self._parser = Parser(model.interface)
        self._encoder = Encoder(model.interface, model.name, model.version)
        self._plain_parser = PlainParser(model.interface)
        self._plain_encoder = PlainEncoder(model.interface, model.name, model.version)
        self._max_bytes = max_bytes
        self._batcher = batcher
        self._counters = counters

    def parse(self, request: Request) -> Inference:
        """Raises `Refused`: this server's own validation."""
        headers, body = request.headers, request.body
        if b"content-encoding" in headers:
            body = decompress(body, headers[b"content-encoding"], self._max_bytes)
        if request.target.startswith(_PREDICT):
            return self._plain_parser.parse(body)
        length = headers.get(b"inference-header-content-length")
        if length is None:
            return self._parser.parse(body)
        if not length.isdigit() or len(length) > 10:
            raise Refused("Inference-Header-Content-Length must be a number of bytes")
        return self._parser.parse(body, int(length))

    def validate(self, request: Request) -> None:
        """Raises `Refused` for all that scoring would, short of running the model."""
        self._model.feeds([self.parse(request)])

    def score(self, request: Request) -> None:
        try:
            self._batcher.submit(ScoreJob(self.parse(request), request.started, request, self))
        except Refused as refused:
            self.refuse(request, refused)

    def refuse(self, request: Request, refused: Refused) -> None:
        self._counters.answered(refused.status)
        extra = b"retry-after: 1\r\n" if refused.status == 503 else b""
        request.refuse(refused.status, refused.message, extra)

    def answer(self, request: Request, inference: Inference, outcome: Outcome) -> None:
        if isinstance(outcome, Exception):
            self._fail(request, outcome)
            return
        try:
            if inference.plain:
                body, header_length = self._plain_encoder.encode(*outcome), None
            else:
                body, header_length = self._encoder.encode(inference, *outcome)
        except Refused as refused:
            self.refuse(request, refused)
            return
        extra = b""
        if len(body) >= WORTH and (accepted := request.headers.get(b"accept-encoding")) is not None:
            body, extra = compress(body, accepted)
        if header_length is None:
            request.respond(200, body, JSON, extra)
        else:
            extra += b"inference-header-content-length: %d\r\n" % header_length
            request.respond(200, body, BINARY, extra)
        counters = self._counters
        counters.answered(200)
        counters.total.observe(perf_counter() - request.started)

    def _fail(self, request: Request, error: Exception) -> None:
        if not isinstance(error, Refused):
            log.error("the model failed: %s", error)
            error = Refused(f"the model failed: {' '.join(str(error).split())[:500]}", status=500)
        self.refuse(request, error)
