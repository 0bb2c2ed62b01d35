"""What is simulated, and the bars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from modelward_contracts.trace import Start, TraceStep

from .simulate import START
from .world import EDGES, Shape, Version

Results = dict[str, Any]
Bar = tuple[str, Callable[[Results], bool]]


@dataclass(frozen=True)
class Cell:
    name: str
    shape: Shape
    bars: tuple[Bar, ...]
    replicates: int | None = None
    """Fewer than asked for, where few say enough."""
    start: Start = START


def at_most(key: str, limit: float) -> Bar:
    return f"{key} <= {limit:g}", lambda found: found[key] is not None and found[key] <= limit


def at_least(key: str, limit: float) -> Bar:
    return f"{key} >= {limit:g}", lambda found: found[key] is not None and found[key] >= limit


def equal_versions() -> list[Cell]:
    """A/A: base errors alone and in clusters, latency that is independent or wanders, load steady or through a day."""
    cells = []
    for rate in (10, 100):
        for errors, cluster in ((0.0, 1), (0.005, 1), (0.005, 5), (0.02, 1), (0.02, 5)):
            for wander, daily in (("none", True), ("own", False), ("shared", True)):
                version = Version(errors=errors, cluster=cluster)
                bars = [at_most("harm", 0.01), at_most("harmUpper", 0.02)]
                if errors > 0.005:
                    bars.append(at_least("promoted", 0.9))
                else:
                    bars.append(at_least("promoted", 0.97))
                    bars += (
                        [at_most("promotedMedian", 1800), at_most("promotedP95", 4500)]
                        if rate == 10
                        else [at_most("promotedP95", 900)]
                    )
                name = f"A/A, {rate}/s, {100 * errors:g} % errors in runs of {cluster}, latency wandering: {wander}"
                shape = Shape(rate=rate, stable=version, candidate=version, wander=wander, daily=daily)
                cells.append(Cell(name, shape, tuple(bars)))
    return cells


def bad_versions() -> list[Cell]:
    cells = []
    for rate in (10, 100):
        for cluster in (1, 5):
            shape = Shape(
                rate=rate,
                stable=Version(errors=0.005, cluster=cluster),
                candidate=Version(errors=0.02, cluster=cluster),
            )
            name = f"2 % errors against 0.5 %, in runs of {cluster}, {rate}/s"
            cells.append(Cell(name, shape, (at_most("promoted", 0.01 if rate == 100 else 0.02),)))
    for times, limit in ((2.0, 0.01), (1.5, 0.05)):
        slow = Shape(rate=10, candidate=Version(median=0.05 * times))
        cells.append(Cell(f"latency x{times:g}, 10/s", slow, (at_most("promoted", limit),)))
    return cells


GOOD = Version(errors=0.005)


def bad(errors: float, slower: float) -> Version:
    return Version(errors=errors or GOOD.errors, median=GOOD.median * slower)


def what(errors: float, slower: float) -> str:
    return f"{100 * errors:g} % errors" if errors else f"latency x{slower:g}"


def soon(limit: float) -> tuple[Bar, ...]:
    """Seconds."""
    return at_most("harmP95", limit), at_least("harm", 0.95)


def faults() -> list[Cell]:
    """From the candidate's first request on; the breaker takes part."""
    found = []
    for rate, errors, slower, limit in (
        (10, 1.0, 1.0, 20),
        (10, 0.2, 1.0, 180),
        (10, 0.0, 2.0, 120),
        (100, 1.0, 1.0, 15),
        (100, 0.2, 1.0, 180),
        (100, 0.0, 2.0, 40),
    ):
        shape = Shape(rate=rate, stable=GOOD, candidate=bad(errors, slower))
        name = f"time to rollback: {what(errors, slower)}, {rate}/s"
        found.append(Cell(name, shape, soon(limit), 200))
    return found


LONG = Start(edges=EDGES.tolist(), steps=[TraceStep(weight=10, duration=4 * 3600)], progress_deadline_seconds=4 * 3600)
"""A long pause, as when people test."""


def late_faults() -> list[Cell]:
    """After more than an hour at 10 % in which the candidate was as good as stable."""
    found = []
    for rate, errors, slower, limit in (
        (10, 1.0, 1.0, 600),
        (10, 0.2, 1.0, 1200),
        (10, 0.0, 2.0, 1200),
        (100, 1.0, 1.0, 600),
        (100, 0.2, 1.0, 600),
        (100, 0.05, 1.0, 1200),
        (100, 0.0, 2.0, 300),
    ):
        shape = Shape(rate=rate, stable=GOOD, candidate=GOOD, later=bad(errors, slower), fault=4100)
        name = f"time to rollback after a good hour: {what(errors, slower)}, {rate}/s"
        found.append(Cell(name, shape, soon(limit), 100, LONG))
    return found


def equal_for_long() -> list[Cell]:
    cells = []
    for rate in (10, 100):
        version = Version(errors=0.02, cluster=5)
        shape = Shape(rate=rate, stable=version, candidate=version, wander="own")
        name = f"A/A for four hours at 10 %, {rate}/s, 2 % errors in runs of 5, latency wandering: own"
        cells.append(Cell(name, shape, (at_most("harm", 0.01),), 300, LONG))
    return cells


CELLS = [*faults(), *late_faults(), *bad_versions(), *equal_versions(), *equal_for_long()]
