"""How far a step is, by the last line of ours in the tail of its log. Anybody may write one: all of it is bounded."""

import math
import re

import msgspec

from modelward.api.training_run import PROGRESS_MESSAGE, PROGRESS_METRICS
from modelward_contracts.reports import PREFIX, Progress
from modelward_contracts.wire import decode

TAIL_LINES, TAIL_BYTES = 100, 64 * 1024
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.@/-]{0,63}")
_LARGEST = 1e300


def progress_in(log: str) -> Progress | None:
    """The last line that is one, made fit for a status."""
    for line in reversed(log.splitlines()):
        said = line.strip().removeprefix(PREFIX)
        if said == line.strip():
            continue
        try:
            return _bounded(decode(said, Progress))
        except (msgspec.DecodeError, UnicodeError, RecursionError, OverflowError):
            continue
    return None


def _bounded(said: Progress) -> Progress:
    fraction = said.fraction
    if fraction is not None:
        fraction = round(min(1.0, max(0.0, fraction)), 3) if math.isfinite(fraction) else None
    kept = [
        (name, value)
        for name, value in said.metrics.items()
        if _NAME.fullmatch(name) and math.isfinite(value) and abs(value) < _LARGEST
    ]
    printable = "".join(letter if letter.isprintable() else " " for letter in said.message[: 4 * PROGRESS_MESSAGE])
    message = " ".join(printable.split())
    if len(message) > PROGRESS_MESSAGE:
        message = message[: PROGRESS_MESSAGE - 1] + "…"
    return Progress(message=message, fraction=fraction, metrics=dict(kept[:PROGRESS_METRICS]))
