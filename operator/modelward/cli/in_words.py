"""The numbers of a decision as a person reads them.

errors: 57 of 1,204 requests failed (4.73 %), stable 0.5 % of 9,800; at least 2.1 points more beyond doubt, at most 6.3
as far as is proven; allowed: 1 point
"""

from collections.abc import Mapping, Sequence

Numbers = Mapping[str, float]
"""As `Transition.evidence` has them: rates are shares, times seconds."""


def compared(numbers: Numbers | None) -> list[str]:
    """One line each for errors and for the time that answers took, as far as they were compared."""
    if not numbers:
        return []
    at_once = "errorsAtMost" in numbers
    lines = [_errors(numbers, "stable" if at_once else "the version before")]
    if "latencyRate" in numbers:
        lines.append(_slow(numbers))
    if "latencyP50" in numbers:
        lines.append(_before_and_after(numbers))
    return lines


def _errors(numbers: Numbers, other: str) -> str:
    """At several weights stable's rate is weighted as the candidate's requests are."""
    line = f"errors: {_failed(numbers)}"
    if numbers["stableRequests"]:
        line += f", {other} {_percent(numbers.get('errorsStableRate', 0.0))} of {_count(numbers['stableRequests'])}"
    else:
        line += f"; {other} had none"
    return line + _bounds(numbers, "errors")


def _failed(numbers: Numbers) -> str:
    if not numbers["requests"]:
        return "no request yet"
    counted = f"{_count(numbers['failures'])} of {_count(numbers['requests'])} requests failed"
    return f"{counted} ({_percent(numbers.get('errorsRate', 0.0))})"


def _slow(numbers: Numbers) -> str:
    limit = f" (over {_time(numbers['slowSeconds'])})" if "slowSeconds" in numbers else ""
    rates = f"{_percent(numbers['latencyRate'])}, stable {_percent(numbers['latencyStableRate'])}"
    return f"slow answers{limit}: {rates}{_bounds(numbers, 'latency')}"


def _before_and_after(numbers: Numbers) -> str:
    times = [
        f"{what} {_time(numbers[f'latencyP{rank}'])}"
        + (f", before {_time(numbers[f'latencyStableP{rank}'])}" if f"latencyStableP{rank}" in numbers else "")
        for what, rank in (("median", 50), ("90 % within", 90))
    ]
    return "time: " + "; ".join(times)


def _bounds(numbers: Numbers, metric: str) -> str:
    """In points: hundredths of all requests. A bound that says nothing is left out."""
    least, most = numbers.get(f"{metric}AtLeast", 0.0), numbers.get(f"{metric}AtMost", 1.0)
    said = [f"at least {_points(least)} more beyond doubt"] if least > 0 else []
    if most < 0.999:
        said.append(f"at most {_points(most)}{'' if said else ' more'} as far as is proven")
    allowed, limit = numbers.get(f"{metric}Allowed", 0.0), numbers.get(f"{metric}Limit", 0.0)
    proof = f" ({_points(limit)} for the proof)" if limit > 1.01 * allowed else ""
    return "".join(f"; {part}" for part in (", ".join(said), f"allowed: {_points(allowed)}{proof}") if part)


def _count(number: float) -> str:
    return f"{number:,.0f}"


def _points(share: float) -> str:
    points = f"{100 * share:.2g}"
    return f"{points} point" if points == "1" else f"{points} points"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _time(seconds: float) -> str:
    return f"{1000 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def moment(time: str) -> str:
    """Of a timestamp, in UTC."""
    return time.replace("T", " ").removesuffix("Z")


def when(time: str | None) -> str:
    return f"{moment(time)} UTC" if time else "at an unknown time"


def listed(names: Sequence[str], most: int) -> str:
    """The first of them, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
