"""Runs that catch an error of a proof: parts of a batch together, in another order, and each alone.

They prove nothing: a model that mixes rows only when a value is large agrees on all rows without one. Answers may
differ in their last digits, because sums are added up in another order for other shapes; where a step, a tie or the
split of a tree lies on such a digit, even wholly. So what differs is compared once more, with a batch of copies of the
same part, which is of the same shape: there every digit is the same unless the neighbours matter.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Feeds = dict[str, Array]
Run = Callable[[Feeds], Sequence[Any]]
"""From inputs to outputs, in an order that stays the same."""
RELATIVE = {"e": 1e-2, "f": 1e-3, "d": 1e-9}
"""By numpy's letters for float16, float32 and float64: well above rounding, well below another row's answer."""


def try_rows(run: Run, feeds: Feeds) -> str | None:
    """What differs where the rows of `feeds` run together, in their order and in another; None where nothing does.

    `feeds`: rows along the first axis of each. Raises what `run` raises.
    """
    rows = len(next(iter(feeds.values())))
    spans = [(at, at + 1) for at in range(rows)]
    shuffled = np.random.default_rng(rows).permutation(rows)
    for order in (np.arange(rows), shuffled):
        ordered = {name: values[order] for name, values in feeds.items()}
        if (found := compare(run, ordered, run(ordered), spans, spans)) is not None:
            return found
    return None


def compare(
    run: Run, feeds: Feeds, outputs: Sequence[Any], spans: list[tuple[int, int]], chosen: list[tuple[int, int]]
) -> str | None:
    """Each of the `chosen` spans of rows alone, held against its part of `outputs`.

    `spans`: all that ran together, from row to row.
    """
    rows = spans[-1][1]
    suspects = []
    for start, end in chosen:
        alone = run({name: values[start:end] for name, values in feeds.items()})
        for at, (values, own) in enumerate(zip(outputs, alone, strict=True)):
            whole, part = np.shape(values), np.shape(own)
            if whole[:1] != (rows,) or part != (end - start, *whole[1:]):
                few, all_of = f"{list(part)} for {end - start} rows", f"{list(whole)} for {rows}"
                return f"output {at + 1} has the shape {few} alone and {all_of} together"
            if not alike(values[start:end], own):
                suspects.append((start, end, at))
    # Of a model that goes by the number of rows, all differ, and copies would show nothing.
    if 2 * len({start for start, _, _ in suspects}) > len(chosen):
        return _differs(*suspects[0])
    for start, end, at in suspects[:8]:
        if end - start == 1:
            copies = run({name: np.repeat(values[start:end], rows, axis=0) for name, values in feeds.items()})
            if alike(outputs[at][start:end], copies[at][start:end]):
                continue
        return _differs(start, end, at)
    return None


def alike(values: Any, others: Any) -> bool:
    """Equal within rounding; numbers that are no floats, and texts, equal."""
    values, others = np.asarray(values), np.asarray(others)
    tolerance = RELATIVE.get(values.dtype.char)
    if values.shape != others.shape:
        return False
    if tolerance is None:
        return bool(np.array_equal(values, others))
    finite = np.isfinite(values)
    scale = float(np.abs(values[finite]).max(initial=0.0))
    with np.errstate(invalid="ignore", over="ignore"):
        close = np.isclose(values, others, rtol=tolerance, atol=tolerance * min(scale, 1.0) + 1e-30, equal_nan=True)
    return bool(close.all())


def _differs(start: int, end: int, at: int) -> str:
    which = f"row {start}" if end - start == 1 else f"rows {start} to {end - 1}"
    return f"output {at + 1} of {which} is another alone than among others"
