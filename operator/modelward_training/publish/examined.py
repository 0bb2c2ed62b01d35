"""What the examining process leaves besides arrays."""

from modelward_contracts.manifests import Batching, GoldenRequests, Signature
from modelward_contracts.wire import Wire

HELD_OUT = ("validation", "test")
EXAMINED, FAILURE = "examined.json", "failure.json"


class Examined(Wire, frozen=True, kw_only=True):
    signature: Signature
    latency_seconds: dict[str, float]
    memory_bytes: int
    golden: GoldenRequests
    batching: Batching


class Failure(Wire, frozen=True, kw_only=True):
    reason: str
    message: str
