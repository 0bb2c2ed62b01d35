"""How far the columns of two versions lie apart, by what the resources tell of them.

As `drift` among a Dataset's expectations measures it (docs/data.md), but from the summaries: the newer version's rows
in the older one's bins are read off its own deciles and quantiles, between which values are taken to be even.
"""

from bisect import bisect_right
from typing import NamedTuple

from modelward.api.dataset_version import ColumnStatistics, DataColumn
from modelward_contracts.psi import psi
from modelward_contracts.reports import QUANTILES

_NUMBERS = {"integer", "number"}


class Moved(NamedTuple):
    column: str
    psi: float
    """Population stability index: 0.1 is a small shift, 0.25 a large one."""
    before: DataColumn
    after: DataColumn


def moved(before: DataColumn, after: DataColumn, rows: tuple[int, int]) -> Moved | None:
    """None where there is nothing to compare. `rows`: of each version."""
    then, now = before.statistics, after.statistics
    if then is None or now is None:
        return None
    if {before.type, after.type} <= _NUMBERS and then.counts and now.quantiles:
        bins = then.counts, _binned(now, then.cuts, rows[1] - now.missing)
    elif before.type == after.type and then.top and now.top:
        bins = _by_value(then, now, rows)
    else:
        return None
    return Moved(before.name, psi([*bins[0], then.missing], [*bins[1], now.missing]), before, after)


def _binned(now: ColumnStatistics, cuts: list[float], values: int) -> list[int]:
    points = _distribution(now, values)
    upto = [round(values * _share(points, cut)) for cut in cuts]
    return [high - low for low, high in zip([0, *upto], [*upto, values], strict=True)]


def _distribution(now: ColumnStatistics, values: int) -> list[tuple[float, float]]:
    """Value and the share of values up to it, both rising."""
    found: dict[float, float] = dict(zip(now.quantiles, QUANTILES, strict=False))
    counted = 0
    for cut, count in zip(now.cuts, now.counts, strict=False):
        counted += count
        found[cut] = counted / values if values else 0.0
    assert now.minimum is not None
    assert now.maximum is not None
    found.setdefault(now.minimum, 0.0)
    found[now.maximum] = 1.0
    points, highest = [], 0.0
    for value, share in sorted(found.items()):
        highest = max(highest, share)
        points.append((value, highest))
    return points


def _share(points: list[tuple[float, float]], value: float) -> float:
    above = bisect_right(points, value, key=lambda point: point[0])
    if above == 0:
        return 0.0
    (low, share), rest = points[above - 1], points[above:]
    if not rest or low == value:
        return share
    high, upto = rest[0]
    return share + (upto - share) * (value - low) / (high - low)


def _by_value(then: ColumnStatistics, now: ColumnStatistics, rows: tuple[int, int]) -> tuple[list[int], list[int]]:
    """The most frequent values of both; a value that is none of the other's may be there, but is less than its last."""
    olds, news = ({each.value: each.count for each in found.top} for found in (then, now))
    names = [*olds, *(name for name in news if name not in olds)]
    counts = [[found.get(name, 0) for name in names] for found in (olds, news)]
    for own, found, total in zip(counts, (then, now), rows, strict=True):
        own.append(max(0, total - found.missing - sum(own)))
    return counts[0], counts[1]
