"""Does the ONNX model say what the trained model said? Compared on every held-out row.

Classes: at most 0.1 % of labels differ (rows that the native model itself is torn between don't count), and the
99th percentile of the difference in probability is at most 1e-4. Numbers: at most 0.1 % of rows differ by more than
1e-5 of their size. The largest difference is reported and does not decide: one flipped split of a tree is legitimate.
"""

from typing import Any

import numpy as np

from modelward_training.outcome import JobError

from .evaluate import HeldOut

MISMATCH = 1e-3
PROBABILITY = 1e-4
RELATIVE = 1e-5
Array = np.ndarray[Any, Any]


def classification(parts: list[HeldOut]) -> dict[str, float]:
    different = np.concatenate([part.predicted != part.native_predicted for part in parts])
    found = {"rows": float(len(different))}
    torn = np.zeros(len(different), bool)
    if all(part.probabilities is not None and part.native_probabilities is not None for part in parts):
        native = np.concatenate([_array(part.native_probabilities) for part in parts])
        gaps = np.abs(np.concatenate([_array(part.probabilities) for part in parts]) - native).max(axis=1)
        first, second = np.sort(native, axis=1)[:, [-1, -2]].T
        torn = first - second < 2 * PROBABILITY
        found |= _differences(gaps)
    found["label_mismatch"] = float((different & ~torn).mean())
    _hold("the share of different labels", found["label_mismatch"], MISMATCH)
    _hold("the 99th percentile of the difference in probability", found.get("p99_difference", 0), PROBABILITY)
    return found


def regression(parts: list[HeldOut]) -> dict[str, float]:
    model = np.concatenate([part.predicted for part in parts])
    native = np.concatenate([part.native_predicted for part in parts])
    size = np.maximum(np.abs(native), np.median(np.abs(native)))
    gaps = np.abs(model - native) / np.where(size > 0, size, 1)
    share = float((gaps > RELATIVE).mean())
    _hold(f"the share of predictions that differ by more than {RELATIVE:g} of their size", share, MISMATCH)
    return {"rows": float(len(gaps)), "label_mismatch": share, **_differences(gaps)}


def _differences(gaps: Array) -> dict[str, float]:
    return {"p99_difference": float(np.quantile(gaps, 0.99)), "max_difference": float(gaps.max())}


def _hold(what: str, value: float, bound: float) -> None:
    if not value <= bound:
        raise JobError(
            "ParityFailed",
            f"model.onnx does not say what predictions.parquet says: {what} is {value:.3g}, "
            f"at most {bound:g} is allowed; export the model that made the predictions, and put no scaler before trees",
        )


def _array(values: Array | None) -> Array:
    assert values is not None
    return values
