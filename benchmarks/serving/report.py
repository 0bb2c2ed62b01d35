"""From samples to medians, ratios, a JSON file and tables."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from .measure import Sample
from .servers import SERVERS

Samples = Mapping[str, Mapping[str, list[Sample]]]
"""By case and server, one sample a round."""
FIELDS = ("cpu_us", "rate", "p50_ms", "p99_ms", "memory_mb", "failures")
OURS = "modelward"
PACKAGES = ("onnxruntime", "uvloop", "httptools", "orjson", "numpy")


def report(
    samples: Samples, starts: Mapping[str, list[float]], rounds: int, seconds: int, load_before: Sequence[float]
) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average": {"before": rounded(load_before), "after": rounded(os.getloadavg())},
        "versions": {"modelward": {name: version(name) for name in PACKAGES}}
        | {name: list(server.requirements) for name, server in SERVERS.items() if server.requirements},
        "rounds": rounds,
        "seconds": seconds,
        "cases": {case: summary(by_server) for case, by_server in samples.items()},
        "cold_start_seconds": {name: round(median(values), 3) for name, values in starts.items()},
    }


def summary(by_server: Mapping[str, list[Sample]]) -> dict[str, dict[str, Any]]:
    """Medians of each server's rounds; the ratio to ours is the median of the ratios within each round."""
    ours = by_server.get(OURS, [])
    result: dict[str, dict[str, Any]] = {}
    for name, rounds in by_server.items():
        result[name] = {field: round(median(getattr(one, field) for one in rounds), 3) for field in FIELDS}
        result[name]["cpu_us_range"] = [round(pick(one.cpu_us for one in rounds), 1) for pick in (min, max)]
        if ours:
            result[name]["cpu_ratio"] = round(ratio(rounds, ours), 2)
    return result


def ratio(theirs: Iterable[Sample], ours: Iterable[Sample]) -> float:
    """How many times our CPU per request theirs is, paired by round."""
    return median(one.cpu_us / other.cpu_us for one, other in zip(theirs, ours, strict=False))


def machine() -> dict[str, Any]:
    cpus = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return {
        "cpu": cpus[0].partition(":")[2].strip() if cpus else platform.machine(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def rounded(values: Iterable[float]) -> list[float]:
    return [round(value, 2) for value in values]


def table(result: Mapping[str, Any]) -> str:
    """As Markdown, one table for each case."""
    lines: list[str] = []
    for case, servers in result["cases"].items():
        lines += [f"**{case}**", "", "| server | CPU µs | × ours | requests/s | p50 ms | p99 ms | MB | start s |"]
        lines += ["| --- " * 8 + "|"]
        for name, row in servers.items():
            start = result["cold_start_seconds"].get(name, float("nan"))
            lines.append(
                f"| {name} | {row['cpu_us']:.1f} | {row.get('cpu_ratio', float('nan')):.2f} | {row['rate']:,.0f} "
                f"| {row['p50_ms']:.2f} | {row['p99_ms']:.2f} | {row['memory_mb']:.0f} | {start:.2f} |"
            )
        lines.append("")
    return "\n".join(lines)


def write(result: Mapping[str, Any], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
