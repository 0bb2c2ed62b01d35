"""What one client may ask for. Those that can be raised are options of the server and fields of a ModelDeployment."""

from dataclasses import dataclass

_FIELDS = {"body-bytes": "bodySize", "json-bytes": "jsonSize", "receive-seconds": "receiveSeconds", "rows": "rows"}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask for, and how many there may be."""

    body_bytes: int = 64 << 20
    json_bytes: int = 8 << 20
    """Of a body, or the part of it, that is JSON: what it becomes takes many times as much."""
    rows: int = 10_000
    """In one request to /predict."""
    head_bytes: int = 64 << 10
    receive_seconds: float = 30.0
    """From the first byte of a request to its last."""
    idle_seconds: float = 620.0
    """Longer than the load balancers in front (AWS 350 s, Google 600 s), so that they close first."""
    connections: int = 10_000


def raised(limit: str) -> str:
    """How it is done; the end of a message that names the limit."""
    return f": --max-{limit}, or spec.limits.{_FIELDS[limit]} of the ModelDeployment, allows more"
