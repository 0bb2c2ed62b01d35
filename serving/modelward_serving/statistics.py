"""The protocol's statistics extension, from this server's counters."""

from typing import Any

from .model import Model
from .monitor.counters import Counters
from .monitor.latency import LatencyHistogram


def statistics(model: Model, counters: Counters) -> dict[str, Any]:
    succeeded = counters.scored.get(200, 0)
    failed = sum(counters.scored.values()) - succeeded
    return {
        "model_stats": [
            {
                "name": model.name,
                "version": model.version,
                "last_inference": int(counters.last_inference * 1000),
                "inference_count": counters.rows,
                "execution_count": counters.batches,
                "inference_stats": {
                    "success": _duration(succeeded, counters.total),
                    "fail": {"count": failed, "ns": 0},
                    "queue": _duration(None, counters.queue),
                    "compute_input": {"count": 0, "ns": 0},
                    "compute_infer": _duration(None, counters.compute),
                    "compute_output": {"count": 0, "ns": 0},
                    "cache_hit": {"count": 0, "ns": 0},
                    "cache_miss": {"count": 0, "ns": 0},
                },
                "batch_stats": [],
            }
        ]
    }


def _duration(count: int | None, histogram: LatencyHistogram) -> dict[str, int]:
    return {"count": sum(histogram.counts) if count is None else count, "ns": int(histogram.sum * 1e9)}
