"""What differs between rows together and each alone."""

from typing import Any

import numpy as np
import pytest

from modelward_onnx.trial import Feeds, alike, try_rows

X = np.random.default_rng(0).standard_normal((6, 3)).astype(np.float32)
MIXING: dict[str, Any] = {
    "sum over rows": lambda x: x - x.sum(axis=0),
    "place": lambda x: x + np.arange(len(x), dtype=np.float32)[:, None],
    "number of rows": lambda x: x * len(x),
    "previous row": lambda x: x - np.vstack([np.zeros_like(x[:1]), x[:-1]]),
    "sorted": lambda x: np.sort(x, axis=0),
    "labels by rank": lambda x: x[:, 0].argsort().argsort(),
    "first row's length": lambda x: x[: max(1, len(x) - 1)],
}


@pytest.mark.parametrize("name", MIXING)
def test_model_that_mixes_rows_is_caught(name: str) -> None:
    assert try_rows(lambda feeds: [feeds["x"], MIXING[name](feeds["x"])], {"x": X}) is not None


def test_model_that_keeps_rows_apart_is_not() -> None:
    assert try_rows(lambda feeds: [feeds["x"] @ X.T, feeds["x"].argmax(axis=1)], {"x": X}) is None


def test_tie_that_falls_otherwise_in_another_shape_is_rounding() -> None:
    def run(feeds: Feeds) -> list[Any]:
        """One row lies on a split, and a batch's sums end otherwise than a row's."""
        x = feeds["x"]
        on_the_split = (x == X[2]).all(axis=1)
        return [np.where(on_the_split, len(x) > 1, x[:, 0] > 0)]

    assert try_rows(run, {"x": X}) is None


def test_missing_and_infinite_numbers_are_like_themselves() -> None:
    values = np.array([np.nan, np.inf, 1.0], np.float32)
    assert alike(values, values.copy())
    assert not alike(values, np.array([np.nan, -np.inf, 1.0], np.float32))
    assert alike(np.array([1.0], np.float32), np.array([1.0 + 1e-6], np.float32))
    assert not alike(np.array([1.0], np.float32), np.array([1.1], np.float32))
