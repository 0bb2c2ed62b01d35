"""Does the ONNX model say what the trained model said? Compared on every held-out row.

Classes: at most 0.1 % of labels differ (rows that the native model itself is torn between don't count), and the
99th percentile of the difference in probability is within what rounding allows. Numbers: at most 0.1 % of rows differ
by more than rounding allows, which `rounding` derives. The largest difference is reported and does not decide: one
flipped split of a tree is legitimate. What is refused is refused with what the numbers show (`relation`).
"""

from typing import Any

import numpy as np

from modelward_training.outcome import JobError

from . import relation, rounding
from .examined import Tolerance
from .isolated import HeldOut

MISMATCH = 1e-3
Array = np.ndarray[Any, Any]


def classification(parts: list[HeldOut], tolerance: Tolerance, classes: list[str]) -> dict[str, float]:
    labels, native_labels = _joined(parts, "predicted"), _joined(parts, "native_predicted")
    different = labels != native_labels
    found = {"rows": float(len(different))}
    torn = np.zeros(len(different), bool)
    compared = all(part.probabilities is not None and part.native_probabilities is not None for part in parts)
    if compared:
        model, native = _joined(parts, "probabilities"), _joined(parts, "native_probabilities")
        allowed = rounding.of_probability(tolerance.trees, _moved(parts), tolerance.output_epsilon)
        gaps = np.abs(model - native).max(axis=1)
        first, second = np.sort(native, axis=1)[:, [-1, -2]].T
        torn = first - second < 2 * allowed
        found |= _differences(gaps) | {"tolerance": allowed}
    found["label_mismatch"] = float((different & ~torn).mean())
    if compared and not found["p99_difference"] <= allowed:
        what = "the 99th percentile of the difference in probability"
        raise _failed(what, found["p99_difference"], allowed, relation.of_probabilities(model, native))
    if not found["label_mismatch"] <= MISMATCH:
        what, shown = "the share of different labels", relation.of_labels(labels, native_labels, classes)
        raise _failed(what, found["label_mismatch"], MISMATCH, shown)
    return found


def regression(parts: list[HeldOut], tolerance: Tolerance) -> dict[str, float]:
    model, native = _joined(parts, "predicted"), _joined(parts, "native_predicted")
    allowed = rounding.allowed(native, tolerance.trees, _moved(parts), tolerance.exponential)
    size = np.maximum(np.abs(native), np.median(np.abs(native)))
    size = np.where(size > 0, size, 1)
    gaps = np.abs(model - native)
    share = float((gaps > allowed).mean())
    relative = float(np.median(allowed / size))
    if not share <= MISMATCH:
        what = f"the share of predictions that differ by more than rounding ({relative:.2g} of their size)"
        raise _failed(what, share, MISMATCH, relation.of_numbers(model, native))
    return {"rows": float(len(gaps)), "label_mismatch": share, "tolerance": relative, **_differences(gaps / size)}


def _joined(parts: list[HeldOut], name: str) -> Array:
    return np.concatenate([getattr(part, name) for part in parts])


def _moved(parts: list[HeldOut]) -> Array | None:
    return _joined(parts, "moved") if all(part.moved is not None for part in parts) else None


def _differences(gaps: Array) -> dict[str, float]:
    return {"p99_difference": float(np.quantile(gaps, 0.99)), "max_difference": float(gaps.max())}


def _failed(what: str, value: float, bound: float, shown: str) -> JobError:
    return JobError(
        "ParityFailed",
        f"model.onnx does not say what predictions.parquet says: {what} is {value:.3g}, at most {bound:.3g} is "
        f"allowed; what the numbers show: {shown}",
    )
