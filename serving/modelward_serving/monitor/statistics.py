"""The protocol's statistics extension, from what all workers have counted."""

from typing import Any

from modelward_contracts.monitor import Histogram

from .report import Report


def statistics(name: str, version: str, report: Report) -> dict[str, Any]:
    scored = report.snapshot.scored
    succeeded = scored.get("200", 0)
    failed = sum(scored.values()) - succeeded
    return {
        "model_stats": [
            {
                "name": name,
                "version": version,
                "last_inference": int(report.last_inference * 1000),
                "inference_count": report.rows,
                "execution_count": sum(report.batch_rows.values()),
                "inference_stats": {
                    "success": _duration(succeeded, report.snapshot.latency),
                    "fail": {"count": failed, "ns": 0},
                    "queue": _duration(None, report.queue),
                    "compute_input": {"count": 0, "ns": 0},
                    "compute_infer": _duration(None, report.compute),
                    "compute_output": {"count": 0, "ns": 0},
                    "cache_hit": {"count": 0, "ns": 0},
                    "cache_miss": {"count": 0, "ns": 0},
                },
                "batch_stats": [],
            }
        ]
    }


def _duration(count: int | None, histogram: Histogram) -> dict[str, int]:
    return {"count": sum(histogram.counts) if count is None else count, "ns": int(histogram.sum * 1e9)}
