"""Are these numbers probabilities? Exporters give scores and logits the same type and often the same name."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
SLACK = 1e-3
"""That a row's sum may be off: exporters round, and normalise before they round."""


def fault(values: Array) -> str | None:
    """What a row of `values` (rows x classes; one column: of the second of two) is instead, and what to do.

    None where all finite rows lie in 0..1 and add up to 1.
    """
    rounding = max(float(np.finfo(values.dtype).eps), float(np.finfo(np.float32).eps))
    slack = max(SLACK, 4 * rounding * values.shape[1])
    rows = values[np.isfinite(values).all(axis=1)].astype(float)
    if not len(rows):
        return None  # another check names them
    low, high, one = float(rows.min()), float(rows.max()), rows.shape[1] == 1
    inside = low >= -4 * rounding and high <= 1 + 4 * rounding
    sums = rows.sum(axis=1)
    if inside and (one or bool((np.abs(sums - 1) <= slack).all())):
        return None
    if inside:
        return (
            f"its rows add up to {sums.min():.3g} … {sums.max():.3g} and not to 1, as one-against-rest scores do: "
            "divide them by their sum before the output"
        )
    if high <= slack and not one and bool((np.abs(np.exp(rows).sum(axis=1) - 1) <= slack).all()):
        return "they are logarithms of probabilities: add an Exp before the output"
    if high <= 0 and one:
        return f"they reach from {low:.3g} to {high:.3g}, as logarithms do: add an Exp before the output"
    what = "a Sigmoid" if one else "a Softmax"
    return (
        f"they reach from {low:.3g} to {high:.3g}, as logits and scores do: add {what} before the output of a network, "
        "or export the probabilities of a classifier that has them"
    )
