"""Gates: what a model must reach on the test rows, each told with its numbers.

`notWorseThan` passes where the estimate of the difference is within the margin. Where its interval is wider than four
margins and holds the margin, chance decides and the gate says that it cannot tell; an interval that lies on one side as
a whole does tell, however wide it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import UNSET

from modelward_contracts.metrics import ERRORS, LOSSES
from modelward_contracts.reports import MAX_GATE, GateResult, SliceResult
from modelward_contracts.tasks import Gate

from . import slices
from .compare import Difference, difference, same
from .metrics import Answers, Measured
from .serving import Opponent

MARGIN = 0.01
WIDTH = 4.0
"""Margins that an interval may be wide."""


@dataclass(frozen=True)
class Evidence:
    answers: Answers
    measured: dict[str, Measured]
    costs: dict[str, float] = field(default_factory=dict)
    slices: Sequence[SliceResult] = ()
    baseline: Opponent | None = None
    serving: Sequence[Opponent] = ()

    def value(self, metric: str) -> float | None:
        measured = self.measured.get(metric)
        return measured.value if measured else self.costs.get(metric)

    def unmeasured(self) -> str:
        """Why a metric has no value."""
        if self.answers.classes and self.answers.probabilities is None:
            return "model.onnx gives no probabilities"
        return "the test rows do not allow it"


def judge(gates: Sequence[Gate], evidence: Evidence) -> list[GateResult]:
    return [result for gate in gates for result in _results(gate, evidence)]


def _results(gate: Gate, evidence: Evidence) -> Iterator[GateResult]:
    """One for each bound and each model that it is compared with."""
    if gate.not_worse_than == "Serving":
        if not evidence.serving:
            yield _told(gate, evidence.value(gate.metric), "not worse than Serving", True, "nothing serves yet")
        yield from (_against(gate, evidence, opponent) for opponent in evidence.serving)
    elif gate.not_worse_than == "Baseline":
        assert evidence.baseline is not None
        yield _against(gate, evidence, evidence.baseline)
    else:
        yield from _bounds(gate, evidence)


def _bounds(gate: Gate, evidence: Evidence) -> Iterator[GateResult]:
    """What could not be measured (an AUC of one class) has not passed."""
    value, where, place = evidence.value(gate.metric), "", None
    if gate.slice is not UNSET:
        place = slices.worst(list(evidence.slices), gate.metric)
        value = place.metrics[gate.metric] if place else None
        where = f" where {_named(place)} ({place.rows} rows, {place.share:.1%})" if place else " in any slice"
    for sign, bound in ((">=", gate.minimum), ("<=", gate.maximum)):
        if bound is None:
            continue
        stated = f"{sign} {bound:g}"
        if value is None:
            known = gate.slice is not UNSET and gate.metric in evidence.measured
            why = "no slice has enough rows of each class" if known else evidence.unmeasured()
            said = f"{gate.metric} is not measured{where}, because {why}, and so not {stated}"
            passed = False
        else:
            passed = value >= bound if sign == ">=" else value <= bound
            said = f"{gate.metric} is {value:.6g}{where}{_and(passed, stated)}"
        yield _told(gate, value, stated, passed, said, slice=_named(place) if place else UNSET)


def _and(passed: bool, stated: str) -> str:
    return f" ({stated})" if passed else f" and not {stated}"


def _named(one: SliceResult) -> str:
    return f"{one.column} {one.value}" if one.value[:1] in "<>" else f"{one.column}={one.value}"


def _against(gate: Gate, evidence: Evidence, opponent: Opponent) -> GateResult:
    metric, name = gate.metric, opponent.name
    own = evidence.measured.get(metric)
    theirs = opponent.measured.get(metric)
    margin = MARGIN if gate.margin is UNSET else gate.margin
    bound = f"not worse than {name} by more than {margin:g}{' of it' if metric in LOSSES else ''}"
    if margin < 0:
        bound = f"better than {name} by {-margin:g}{' of it' if metric in LOSSES else ''}"
    if own is None or opponent.answers is None or theirs is None:
        why = opponent.why or (evidence.unmeasured() if own is None else f"{name} has no {metric} on these rows")
        said = f"{metric} cannot be compared with {name}'s: {why}"
        return _unclear(gate, own.value if own else None, bound, said, against=name)
    found = difference(own, theirs, same(evidence.answers, opponent.answers))
    allowed = margin * (abs(theirs.value) if metric in LOSSES else 1)
    worse = found if metric in ERRORS else found.turned()
    numbers = {
        "against": name,
        "other": theirs.value,
        "difference": found.value,
        "low": found.low,
        "high": found.high,
    }
    said = (
        f"{metric} is {own.value:.4g}, {name} has {theirs.value:.4g} on the same rows{_once(opponent, metric)}: "
        f"{found.value:+.3g} ({found.low:+.3g} to {found.high:+.3g})"
    )
    if _too_wide(worse, allowed):
        said += f", wider than {WIDTH:g} margins of {abs(allowed):.3g}: too few test rows to tell"
        return _unclear(gate, own.value, bound, said, **numbers)
    passed = worse.value <= allowed
    return _told(gate, own.value, bound, passed, f"{said}{_allowed(passed, allowed)}", **numbers)


def _too_wide(worse: Difference, allowed: float) -> bool:
    return worse.high - worse.low > WIDTH * abs(allowed) and worse.low <= allowed < worse.high


def _allowed(passed: bool, allowed: float) -> str:
    if allowed < 0:
        return "" if passed else f", it must be better by {-allowed:.3g}"
    return "" if passed else f", it may be worse by {allowed:.3g}"


def _once(opponent: Opponent, metric: str) -> str:
    """Where what serves is itself no longer what it was, the rows are to be looked at."""
    before = (opponent.before or {}).get(metric)
    return f" (it had {before:.4g} when it was published)" if before is not None else ""


def _unclear(gate: Gate, value: float | None, bound: str, said: str, **numbers: Any) -> GateResult:
    passed = gate.on_unclear == "Pass"
    advice = "" if passed else "; `onUnclear: Pass` lets it through"
    return _told(gate, value, bound, passed, said + advice, result="Unclear", **numbers)


def _told(gate: Gate, value: float | None, bound: str, passed: bool, said: str, **more: Any) -> GateResult:
    message = said if len(said) <= MAX_GATE else said[: MAX_GATE - 1] + "…"
    told = {"result": "Passed" if passed else "Failed", **more}
    return GateResult(metric=gate.metric, value=value, bound=bound, passed=passed, message=message, **told)
