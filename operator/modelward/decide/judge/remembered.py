"""What lies in the status of a candidate on trial, so that an operator that starts anew forgets nothing.

After the promotion it stays until the bake is over: what the version before did is what the new one is held against.
"""

from typing import Any

import msgspec

from modelward_contracts.wire import Wire

from .trial import Trial

WRITE_SECONDS = 10.0
"""Between two writes of what was counted; every transition and the first look at a traffic setting write it as well.
What came in between is counted again from the servers, whose counters only grow."""
MOST_LIVES = 40
"""Of each version. Servers beyond are counted from a new operator's first look on."""


class Tally(Wire, frozen=True, kw_only=True):
    """Counters of one server's life, or of a version's. Signals of inputs are not remembered: their windows begin anew,
    for both versions at the same moment."""

    scored: dict[str, int] = {}
    """By HTTP status code."""
    uncomputed: int = 0
    answered: dict[str, int] = {}
    failed: dict[str, int] = {}
    """Forwards, by the candidate's revision."""
    latency: dict[int, int] = {}
    """By index of the bin, empty ones left out."""


class Life(Wire, frozen=True, kw_only=True):
    started: float
    counted: Tally


class Remembered(Wire, frozen=True, kw_only=True):
    """All of it as of the newest look."""

    trial: Trial = Trial()
    at: float | None = None
    """Unix time of that look."""
    epoch: int = 0
    """Of the traffic setting that was in force."""
    lives: dict[str, Life] = {}
    """By pod, of both versions."""
    since_rollout: dict[str, Tally] = {}
    """By revision."""

    def written(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.to_builtins(self, str_keys=True)
        return found


def remembered(written: dict[str, Any] | None) -> Remembered | None:
    """None where nothing is there, or another release wrote it in another form: evidence is then gathered anew."""
    try:
        return msgspec.convert(written, Remembered, str_keys=True) if written else None
    except msgspec.ValidationError:
        return None
