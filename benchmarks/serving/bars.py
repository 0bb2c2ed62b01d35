"""What the result must reach, and whether it does. A bar whose servers were not measured says nothing."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Cases = Mapping[str, Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True, slots=True)
class Bar:
    case: str
    what: str
    limit: float
    at_most: bool
    value: Callable[[Cases], float]
    floor: float = 0.0
    """What is below cannot be: the run is too noisy to tell."""


def times(case: str, server: str, at_least: float) -> Bar:
    """Their CPU per request in ours."""
    return Bar(case, f"CPU of {server} in ours", at_least, False, lambda cases: cases[case][server]["cpu_ratio"])


def ours(case: str, what: str, at_most: float, value: Callable[[Mapping[str, Mapping[str, float]]], float]) -> Bar:
    return Bar(case, what, at_most, True, lambda cases: value(cases[case]))


BARS = (
    ours("floats30-c16", "our CPU in the echo's", 3, lambda by: 1 / by["echo"]["cpu_ratio"]),
    times("floats30-c16", "fastapi", 12),
    times("floats30-c16", "mlserver", 25),
    times("floats30-c16", "kserve", 36),
    times("floats30-c1", "fastapi", 4),
    times("floats30-c1", "mlserver", 10),
    times("floats30-c1", "kserve", 10),
    ours("floats30-c1", "our p50 in the echo's", 2, lambda by: by["modelward"]["p50_ms"] / by["echo"]["p50_ms"]),
    times("floats784-c16", "fastapi", 9),
    times("floats784-c16", "mlserver", 12),
    times("floats784-binary-c16", "kserve", 35),
    Bar("floats784-binary-c16", "CPU of our JSON in our binary", 1.5, False, lambda cases: json_in_binary(cases)),
    times("pipeline-c16", "fastapi", 8),
    times("pipeline-c16", "mlserver", 10),
    Bar("floats30-c16", "CPU with monitoring, without it = 1", 1.05, True, lambda cases: monitored(cases), floor=1.0),
    Bar("mlp-c32", "requests/s, without batches = 1", 3, False, lambda cases: batched(cases, "rate")),
    Bar("mlp-c32", "p99, without batches = 1", 1, True, lambda cases: batched(cases, "p99_ms")),
    ours("floats30-c16", "memory of one worker, MB", 80, lambda by: by["modelward"]["memory_mb"]),
)


def json_in_binary(cases: Cases) -> float:
    return cases["floats784-c16"]["modelward"]["cpu_us"] / cases["floats784-binary-c16"]["modelward"]["cpu_us"]


def batched(cases: Cases, field: str) -> float:
    """Ours in that of our server without batches."""
    return cases["mlp-c32"]["modelward"][field] / cases["mlp-c32"]["modelward-unbatched"][field]


def monitored(cases: Cases) -> float:
    return 1 / cases["floats30-c16"]["modelward-unmonitored"]["cpu_ratio"]


def monitoring(rows: int) -> Bar:
    return Bar("monitoring", f"µs a row, 30 features, {rows} a batch", 1.0, True, lambda _: 0.0)


FURTHER = Bar("workers", "memory of each further worker, MB", 20, True, lambda _: 0.0)
START = Bar("start", "process start to first right answer, s", 0.4, True, lambda _: 0.0)


def verdicts(result: Mapping[str, Any]) -> Iterator[tuple[Bar, float, str]]:
    """Each bar that was measured, its value, and whether it is met."""
    values: list[tuple[Bar, float]] = []
    for bar in BARS:
        try:
            values.append((bar, bar.value(result["cases"])))
        except KeyError:
            continue
    values += [(monitoring(int(rows)), us) for rows, us in result.get("monitoring_row_us", {}).items()]
    if "further_worker_mb" in result:
        values.append((FURTHER, result["further_worker_mb"]))
    if "modelward" in result["cold_start_seconds"]:
        values.append((START, result["cold_start_seconds"]["modelward"]))
    for bar, value in values:
        met = value <= bar.limit if bar.at_most else value >= bar.limit
        yield bar, value, "not shown" if value < bar.floor else "met" if met else "**missed**"


def table(result: Mapping[str, Any]) -> str:
    lines = ["| case | what | bar | measured | |", "| --- | --- | --- | --- | --- |"]
    for bar, value, verdict in verdicts(result):
        limit = f"{'≤' if bar.at_most else '≥'} {bar.limit:g}"
        lines.append(f"| {bar.case} | {bar.what} | {limit} | {value:.2f} | {verdict} |")
    return "\n".join(lines)
