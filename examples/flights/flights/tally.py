"""What became of requests: answers by model version, failures by kind, latency."""

import threading
import time
from collections import Counter
from typing import Any


class Tally:
    """Counts from many threads; `interval` tells of the time since it was last asked, `summary` of all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._versions: Counter[str] = Counter()
        self._errors: Counter[str] = Counter()
        self._latencies: list[float] = []
        self._reconnects = 0
        self._told = (Counter[str](), Counter[str](), 0)

    def answered(self, version: str, seconds: float) -> None:
        """A good answer."""
        with self._lock:
            self._versions[version] += 1
            self._latencies.append(seconds)

    def failed(self, kind: str) -> None:
        """A request that a client saw fail."""
        with self._lock:
            self._errors[kind] += 1

    def reconnected(self, times: int) -> None:
        """Connections that had to be opened anew; no failure."""
        with self._lock:
            self._reconnects += times

    def interval(self) -> dict[str, Any]:
        """Figures since the last call."""
        with self._lock:
            versions, errors, count = self._told
            self._told = (self._versions.copy(), self._errors.copy(), len(self._latencies))
            return self._figures(self._versions - versions, self._errors - errors, self._latencies[count:])

    def summary(self) -> dict[str, Any]:
        """Figures of all requests."""
        with self._lock:
            figures = self._figures(self._versions, self._errors, self._latencies)
            return {"summary": True} | figures | {"reconnects": self._reconnects}

    def _figures(self, versions: Counter[str], errors: Counter[str], latencies: list[float]) -> dict[str, Any]:
        ordered = sorted(latencies)
        return {
            "seconds": round(time.monotonic() - self._began, 1),
            "requests": versions.total() + errors.total(),
            "answered": versions.total(),
            "errors": dict(errors),
            "versions": dict(sorted(versions.items())),
            "p50_ms": quantile_ms(ordered, 0.5),
            "p99_ms": quantile_ms(ordered, 0.99),
            "max_ms": quantile_ms(ordered, 1),
        }


def quantile_ms(ordered: list[float], share: float) -> float | None:
    """A quantile in milliseconds; None of nothing."""
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
