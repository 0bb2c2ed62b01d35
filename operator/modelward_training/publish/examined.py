"""What the examining process is asked, and what it leaves besides arrays."""

from modelward_contracts.manifests import Batching, GoldenRequests, Signature
from modelward_contracts.wire import Wire

HELD_OUT = ("validation", "test")
ASKED, EXAMINED, FAILURE = "asked.json", "examined.json", "failure.json"
SIGNATURE, SCORED = "signature.json", "scored.npz"
"""Of a stored model that is run again."""


class Asked(Wire, frozen=True, kw_only=True):
    importance_rows: int | None = None
    """In which each column is shuffled."""
    seed: int = 0
    native: bool = True
    """There are predictions of the trained model to compare with: predictions.parquet."""
    columns: list[str] = []
    """Of a matrix, in its order, where that is known."""


class Tolerance(Wire, frozen=True, kw_only=True):
    """What rounding allows; see `rounding`."""

    trees: float = 0.0
    exponential: bool = False
    output_epsilon: float = 0.0
    """Of the probabilities' type."""


class Examined(Wire, frozen=True, kw_only=True):
    signature: Signature
    latency_seconds: dict[str, float]
    memory_bytes: int
    golden: GoldenRequests
    batching: Batching
    tolerance: Tolerance
    notes: list[str] = []
    """What a user should know of how the model was taken: one sentence each."""


class Failure(Wire, frozen=True, kw_only=True):
    reason: str
    message: str
