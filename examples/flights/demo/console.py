"""What a person sees while it goes: one line a thing that happens, with the time since the start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

BEGAN: Final = time.monotonic()


def clock() -> str:
    """Minutes and seconds since the start."""
    passed = int(time.monotonic() - BEGAN)
    return f"{passed // 60:2d}:{passed % 60:02d}"


def say(text: str = "") -> None:
    """One line without a source."""
    print(f"{clock()}  {text}" if text else "", flush=True)


def tell(source: str, what: str, text: str) -> None:
    """Who, what, and the words of it."""
    say(f"{source:<24} {what:<18} {text}")


class Parts:
    """How long each part took, to be shown at the end."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Announce a part, and time it even if it fails."""
        say(f"── {name}")
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began
