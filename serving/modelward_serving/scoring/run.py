"""One run of the model, and who is told what came of it."""

from typing import Any

import msgspec
import numpy as np

from modelward_serving.protocol.encode import Results
from modelward_serving.protocol.inference import Inference

Array = np.ndarray[Any, Any]


class Run(msgspec.Struct, eq=False):
    batch: list[Inference]
    rows: int
    began: float
    size: int = 0
    """As `Pace` takes it."""
    ended: float = 0.0
    feeds: dict[str, Array] = {}
    outputs: list[Array] = []
    done: float = 0.0
    """When the replies were written as well."""
    failure: Exception | None = None
    replies: Any = None
    """What the receiver made of the outputs."""


class Receiver:
    """What a batcher has to tell."""

    def encode(self, batch: list[Inference], results: Results) -> Any:  # noqa: ARG002 — for those that write replies
        """The replies; each request's rows follow on those of the one before it. May be called from a thread."""
        return results

    def answer(self, batch: list[Inference], replies: Any) -> None:
        """Must answer each of them."""

    def fail(self, inference: Inference, error: Exception) -> None: ...

    def record(self, run: Run) -> None:
        """Called when all answers are written."""

    def checked(self, differs: str | None) -> None:
        """A batch ran again request by request. What differs, beyond rounding, is told once: no more are made."""
