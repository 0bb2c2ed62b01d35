"""While it serves, a sample of batches runs again, request by request: what was proven must also be seen.

A check costs a few runs; the next is due when it has cost no more than `SHARE` of the time since.
"""

import logging
import random
from time import perf_counter

from modelward_onnx.trial import compare, part
from modelward_serving.model.model import Model

from .run import Run

SHARE = 0.005
REQUESTS = 4
"""Of a batch, chosen at random."""
log = logging.getLogger(__name__)


class Recheck:
    def __init__(self, model: Model) -> None:
        self._model = model
        self.due = 0.0
        """When the next is, by `time.perf_counter()`."""

    def hold(self) -> None:
        """None is due as long as one is under way."""
        self.due = float("inf")

    def check(self, run: Run) -> str | None:
        """What differs. Never raises: it is no request's fault, and a run that failed would have failed before."""
        began = perf_counter()
        try:
            return self._compare(run)
        except Exception as error:
            log.error("a batch could not be checked", exc_info=error)
            return None
        finally:
            ended = perf_counter()
            self.due = ended + (ended - began) / SHARE

    def _compare(self, run: Run) -> str | None:
        chosen, start = [], 0
        picked = set(random.sample(range(len(run.batch)), min(REQUESTS, len(run.batch))))
        for at, inference in enumerate(run.batch):
            if at in picked and inference.rows:
                chosen.append((start, start + inference.rows))
            start += inference.rows
        alone = {span: self._model.run(part(run.feeds, span)) for span in chosen}
        return compare(self._model.run, run.feeds, run.outputs, alone)
