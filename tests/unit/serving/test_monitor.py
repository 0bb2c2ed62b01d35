"""Counts over the reference profile's bins, against a slow and obvious way to count."""

import math
import time
from typing import Any
from weakref import ref

import numpy as np
import pytest

from modelward_contracts.profile import ReferenceProfile, Signal
from modelward_serving.monitor.fold import FOLD_ROWS, SignalMonitor
from modelward_serving.monitor.latency import EDGES, LatencyHistogram, coarse

CUTS = [-1.0, 0.0, 0.1, 2.5]


def numeric(name: str, index: int | None, cuts: list[float], tensor: str = "x") -> Signal:
    return Signal(
        name=name, source="input", kind="numeric", tensor=tensor, index=index, cuts=cuts, counts=[0] * (len(cuts) + 2)
    )


def slow_bin(value: float, cuts: list[float]) -> int:
    return len(cuts) + 1 if math.isnan(value) else sum(value > cut for cut in cuts)


def counts(monitor: SignalMonitor) -> dict[str, list[int]]:
    return {signal.name: signal.counts for signal in monitor.snapshot()}


def test_numeric_bins_hold_their_right_edge_and_infinities_and_missing() -> None:
    values = [-math.inf, -1.0, -0.5, 0.0, 0.05, 0.1, 0.2, 2.5, 3.0, math.inf, math.nan]
    monitor = SignalMonitor(ReferenceProfile(rows=0, signals=[numeric("a", 0, CUTS)]), ["x"], [])
    monitor.note({"x": np.array(values)[:, None]}, [], len(values))
    wanted = [sum(slow_bin(value, CUTS) == i for value in values) for i in range(len(CUTS) + 2)]
    assert counts(monitor)["a"] == wanted
    assert sum(wanted) == len(values)


def test_batches_of_any_sizes_add_up_to_the_same_counts() -> None:
    source = np.random.default_rng(3)
    rows = source.normal(size=(3000, 5)).astype(np.float32)
    rows[source.random(rows.shape) < 0.05] = np.nan
    signals = [numeric(f"c{i}", i, sorted(source.normal(size=i + 1).tolist())) for i in range(5)]
    profile = ReferenceProfile(rows=0, signals=signals)
    whole, parts = (SignalMonitor(profile, ["x"], []) for _ in range(2))
    whole.note({"x": rows}, [], len(rows))
    for part in np.array_split(rows, 700):
        parts.note({"x": part}, [], len(part))
    assert counts(whole) == counts(parts)
    for i, signal in enumerate(signals):
        slow = [slow_bin(float(value), signal.cuts) for value in rows[:, i]]
        assert counts(whole)[signal.name] == np.bincount(slow, minlength=len(signal.counts)).tolist()


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        (np.array(["a", "b", "c", "z", "", None], object), [1, 1, 1, 1, 2]),
        (np.array(["a", "a", "b"], object), [2, 1, 0, 0, 0]),
    ],
)
def test_categories_others_unseen_and_missing_are_told_apart(values: Any, wanted: list[int]) -> None:
    signal = Signal(
        name="k", source="input", kind="categorical", tensor="k", categories=["a", "b"], others=["c"], counts=[0] * 5
    )
    monitor = SignalMonitor(ReferenceProfile(rows=0, signals=[signal]), ["k"], [])
    monitor.note({"k": values[:, None]}, [], len(values))
    assert counts(monitor)["k"] == wanted


def test_output_labels_and_projections_are_counted() -> None:
    label = Signal(name="label", source="output", kind="categorical", tensor="y", categories=["0", "1"], counts=[0] * 5)
    mixed = Signal(
        name="~pc1", source="projection", kind="numeric", cuts=[0.0], counts=[0] * 3,
        weights={"a": 1.0, "b": 2.0}, centres={"a": 1.0, "b": 0.0}, scales={"a": 2.0, "b": 1.0},
    )  # fmt: skip
    profile = ReferenceProfile(rows=0, signals=[numeric("a", 0, CUTS), numeric("b", 1, CUTS), label, mixed])
    monitor = SignalMonitor(profile, ["x"], ["y"])
    # (3 - 1) / 2 + 2 · -1 = -1; a missing b counts as its centre: 1; (1 - 1) / 2 + 2 · 1 = 2
    monitor.note({"x": np.array([[3, -1], [3, np.nan], [1, 1]], np.float32)}, [np.array([0, 1, 1])], 3)
    assert counts(monitor)["label"] == [1, 2, 0, 0, 0]
    assert counts(monitor)["~pc1"] == [1, 2, 0]


def test_projection_that_overflows_counts_as_its_centre() -> None:
    mixed = Signal(
        name="~pc1", source="projection", kind="numeric", cuts=[0.5], counts=[0] * 3,
        weights={"a": 1.0, "b": 1.0}, centres={}, scales={"a": 0.1},
    )  # fmt: skip
    profile = ReferenceProfile(rows=0, signals=[numeric("a", 0, CUTS), numeric("b", 1, CUTS), mixed])
    monitor = SignalMonitor(profile, ["x"], [])
    monitor.note({"x": np.array([[1e308, 1.0], [-1e308, 0.0]])}, [], 2)
    assert counts(monitor)["~pc1"] == [1, 1, 0]


def test_counting_30_features_costs_about_a_microsecond_a_row() -> None:
    source = np.random.default_rng(5)
    signals = [numeric(f"c{i}", i, sorted(source.normal(size=9).tolist())) for i in range(30)]
    monitor = SignalMonitor(ReferenceProfile(rows=0, signals=signals), ["x"], [])
    row = source.normal(size=(1, 30)).astype(np.float32)
    best = math.inf
    for _ in range(20):
        began = time.process_time()
        for _ in range(4 * FOLD_ROWS):
            monitor.note({"x": row}, [], 1)
        best = min(best, (time.process_time() - began) / (4 * FOLD_ROWS))
    assert best < 5e-6, f"{best * 1e6:.2f} µs a row"


@pytest.mark.parametrize(("rows", "width", "most"), [(1, 5, 128), (16, 5, 32), (16, 2000, 2)])
def test_what_waits_to_be_counted_is_bounded_in_batches_rows_and_bytes(rows: int, width: int, most: int) -> None:
    profile = ReferenceProfile(rows=0, signals=[numeric(f"c{i}", i, CUTS) for i in range(width)])
    monitor = SignalMonitor(profile, ["x"], [])
    noted, waiting = [], []
    for _ in range(200):
        batch = np.zeros((rows, width), np.float32)
        noted.append(ref(batch))
        monitor.note({"x": batch}, [], rows)
        del batch
        waiting.append(sum(one() is not None for one in noted))
    assert max(waiting) == most - 1


def test_quantile_follows_recent_observations() -> None:
    histogram = LatencyHistogram()
    assert histogram.quantile(0.99) is None
    histogram.observe_all([0.001] * 1000)
    assert histogram.quantile(0.99) == 0.001
    for _ in range(3):
        histogram.rotate()
        histogram.observe_alike(0.004, 1000)
    assert histogram.quantile(0.5) == 0.004


def test_coarse_buckets_are_exact_sums_of_the_fine_ones() -> None:
    histogram = LatencyHistogram()
    histogram.observe_all([0.0001, 0.001])
    for seconds in (0.0011, 0.3, 1000):
        histogram.observe_alike(seconds, 1)
    assert coarse(histogram.as_histogram(), (0.001, 0.5)) == [("0.001", 2.0), ("0.5", 4.0), ("+Inf", 5.0)]
    assert {0.00025, 0.001, 0.0025, 0.5} <= set(EDGES)


def test_float32_values_are_counted_as_exactly_as_float64() -> None:
    # Neither cut is a float32; their nearest ones lie below the first and above the second.
    cuts = [0.1 - 1e-12, 16777217.0, 1e300]
    near = [np.nextafter(np.float32(cut), np.float32(side)) for cut in cuts[:2] for side in (-np.inf, np.inf)]
    values = np.array([*near, *map(np.float32, cuts[:2]), np.inf, -np.inf, np.nan], np.float32)[:, None]
    profile = ReferenceProfile(rows=0, signals=[numeric("a", 0, cuts)])
    narrow, wide = (SignalMonitor(profile, ["x"], []) for _ in range(2))
    narrow.note({"x": values}, [], len(values))
    wide.note({"x": values.astype(np.float64)}, [], len(values))
    assert counts(narrow) == counts(wide)
    assert counts(narrow)["a"] == [sum(slow_bin(float(value), cuts) == i for value in values[:, 0]) for i in range(5)]


@pytest.mark.parametrize("signals", [1, 30, 700])
@pytest.mark.parametrize("rows", [1, 50, 256, 700])
def test_rows_of_any_number_and_width_are_counted_as_a_search_would(rows: int, signals: int) -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(rows, signals)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    values[random.random(values.shape) < 0.1] = np.inf
    cuts = [sorted(random.normal(size=1 + i % 9).tolist()) for i in range(signals)]
    profile = ReferenceProfile(rows=0, signals=[numeric(f"f{i}", i, cuts[i]) for i in range(signals)])
    monitor = SignalMonitor(profile, ["x"], [])
    monitor.note({"x": values}, [], rows)
    monitor.note({"x": values}, [], rows)
    got = counts(monitor)
    for i in range(signals):
        present = values[~np.isnan(values[:, i]), i].astype(np.float64)
        bins = np.bincount(np.searchsorted(cuts[i], present), minlength=len(cuts[i]) + 1)
        assert got[f"f{i}"] == [*(2 * bins), 2 * (rows - len(present))]
