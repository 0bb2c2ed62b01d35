"""The reference profile: how a model's inputs and outputs were distributed when it was trained.

A signal is a fixed partition into bins with exact integer counts, so that live counts of any number of servers add
up to what one server would have counted. Bin order, on both sides of the wire:

* numeric, `cuts` c_1 < … < c_k: bin i holds c_i < x <= c_{i+1} with c_0 = -inf and c_{k+1} = +inf (k + 1 bins; found
  with a left search), then one bin for missing (NaN).
* categorical, `categories` of length m: one bin each, then `other` (known at training, not among the m: `others`),
  then unseen (in neither), then missing (None, and for strings also the empty text).
"""

from typing import Literal

from .wire import Wire


class Signal(Wire, frozen=True, kw_only=True):
    name: str
    """Column or output name; `~pc1` and alike for projections."""
    source: Literal["input", "output", "projection"]
    kind: Literal["numeric", "categorical"]
    counts: list[int]
    """Reference counts, in the order above."""
    tensor: str | None = None
    """The model's input or output that carries it; None for a projection."""
    index: int | None = None
    """Position in the tensor's last axis, where it holds more than one value a row."""
    cuts: list[float] = []
    categories: list[str] = []
    others: list[str] = []
    weights: dict[str, float] = {}
    """Projection: sum of weight · (x - centre) / scale over numeric input tensors; missing counts as the centre."""
    centres: dict[str, float] = {}
    scales: dict[str, float] = {}


class ReferenceProfile(Wire, frozen=True, kw_only=True):
    """Made by `publish` from the training split's inputs and the model's outputs on the held-out rows."""

    rows: int
    signals: list[Signal]
