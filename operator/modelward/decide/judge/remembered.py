"""What lies in the status of a candidate on trial, so that an operator that starts anew forgets nothing."""

from typing import Any

import msgspec

from modelward_contracts.wire import Wire

from .trial import Trial

WRITE_SECONDS = 10.0
"""Between two writes of what was counted; every transition writes it as well. What came in between is counted again
from the servers, whose counters only grow."""
MOST_LIVES = 100


class Life(Wire, frozen=True, kw_only=True):
    """Counters of one process of the version in service, as they were when the trial was written."""

    started: float
    scored: dict[str, int]
    """By HTTP status code."""
    answered: dict[str, int]
    failed: dict[str, int]
    """Forwards, by the candidate's revision."""


class Remembered(Wire, frozen=True, kw_only=True):
    trial: Trial = Trial()
    lives: dict[str, Life] = {}
    """By pod."""

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def remembered(written: dict[str, Any] | None) -> Remembered | None:
    """None where nothing is there, or another release wrote it in another form: evidence is then gathered anew."""
    try:
        return msgspec.convert(written, Remembered) if written else None
    except msgspec.ValidationError:
        return None
