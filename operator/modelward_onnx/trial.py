"""Runs that catch an error of a proof: parts of a batch together, in another order, and each alone.

They prove nothing: a model that mixes rows only when a value is large agrees on all rows without one. Answers may
differ in their last digits, because sums are added up in another order for other shapes; where a step, a tie or the
split of a tree lies on such a digit, even wholly. So where few differ, each is compared once more with a batch of
copies of itself, which has the same shape: there every digit is the same unless the neighbours matter.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Feeds = dict[str, Array]
Outputs = Sequence[Any]
Run = Callable[[Feeds], Outputs]
Span = tuple[int, int]
"""First row, and the one after the last."""
RELATIVE = {"e": 1e-2, "f": 1e-3, "d": 1e-9}
"""By numpy's letters for float16, float32 and float64: well above rounding, well below another row's answer."""
FAR = 30.0
"""Times the usual rounding: what sums that cancel each other may lose."""
MOST_COPIES = 4


def try_rows(run: Run, feeds: Feeds) -> str | None:
    """What differs where the rows of `feeds` run together, in their order and in another; None where nothing does.

    `feeds`: rows along the first axis of each. Raises what `run` raises.
    """
    rows = len(next(iter(feeds.values())))
    alone = [run(part(feeds, (at, at + 1))) for at in range(rows)]
    for order in (np.arange(rows), np.random.default_rng(rows).permutation(rows)):
        ordered = {name: values[order] for name, values in feeds.items()}
        parts = {(place, place + 1): alone[row] for place, row in enumerate(order.tolist())}
        if (found := compare(run, ordered, run(ordered), parts)) is not None:
            return found
    return None


def part(feeds: Feeds, span: Span) -> Feeds:
    return {name: values[span[0] : span[1]] for name, values in feeds.items()}


def compare(run: Run, feeds: Feeds, together: Outputs, alone: Mapping[Span, Outputs]) -> str | None:
    """What differs between the outputs for all of `feeds` and those for some spans of rows alone."""
    rows = len(next(iter(feeds.values())))
    suspects: dict[Span, int] = {}
    for span, own in alone.items():
        for at, (values, expected) in enumerate(zip(together, own, strict=True)):
            whole, few = np.shape(values), np.shape(expected)
            if whole[:1] != (rows,) or few != (span[1] - span[0], *whole[1:]):
                shapes = f"{list(few)} for {span[1] - span[0]} rows alone and {list(whole)} for {rows} together"
                return f"output {at + 1} has the shape {shapes}"
            if not alike(values[span[0] : span[1]], expected):
                suspects[span] = at
    many = 2 * len(suspects) > max(len(alone), 2)
    for span, at in list(suspects.items())[:MOST_COPIES]:
        expected = alone[span][at]
        # A model that goes by the number of rows answers copies as it answers others.
        by_number = many and not alike(together[at][span[0] : span[1]], expected, FAR)
        if by_number or _by_neighbours(run, feeds, together[at], span, at, expected):
            which = f"row {span[0]}" if span[1] - span[0] == 1 else f"rows {span[0]} to {span[1] - 1}"
            return f"output {at + 1} is another for {which} alone than among others"
    return None


def _by_neighbours(run: Run, feeds: Feeds, values: Any, span: Span, at: int, expected: Any) -> bool:
    """Whether a row that differs does so among copies of itself as well."""
    rows = len(next(iter(feeds.values())))
    row = next((i for i in range(*span) if not alike(values[i], expected[i - span[0]])), span[0])
    copies = run({name: np.repeat(fed[row : row + 1], rows, axis=0) for name, fed in feeds.items()})
    return not alike(values[row], copies[at][row])


def alike(values: Any, others: Any, times: float = 1.0) -> bool:
    """Floats equal within rounding (so many times what is usual), all else equal."""
    values, others = np.asarray(values), np.asarray(others)
    if values.shape != others.shape or values.dtype != others.dtype:
        return False
    tolerance = RELATIVE.get(values.dtype.char)
    if tolerance is None:
        return bool(np.array_equal(values, others))
    tolerance *= times
    scale = min(float(np.abs(values[np.isfinite(values)]).max(initial=0.0)), 1.0)
    with np.errstate(invalid="ignore", over="ignore"):
        return bool(np.isclose(values, others, rtol=tolerance, atol=tolerance * scale, equal_nan=True).all())
