"""Split points for values of a narrower type."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def rounded_down(cuts: Array, dtype: Any) -> Array:
    """The same cuts for values of a narrower type: what is above a cut is above the next value below it, too."""
    with np.errstate(over="ignore"):
        narrow = cuts.astype(dtype)
        return np.where(narrow > cuts, np.nextafter(narrow, dtype(-np.inf)), narrow)
