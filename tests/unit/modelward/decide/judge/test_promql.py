"""The limits of checks of the user's own."""

import pytest

from modelward.api.model_deployment import CheckAnswer, PromqlCheck
from modelward.decide.judge.promql import Check, beyond, filled, harm, held


def check(answer: CheckAnswer | None, dry_run: bool = False, query: str = "up") -> Check:
    return Check("errors", PromqlCheck(query=query, maximum=0.01, dry_run=dry_run), answer)


def answered(value: float | None, beyond: int = 0, reason: str | None = None, message: str = "") -> CheckAnswer:
    return CheckAnswer(id="i", name="errors", value=value, beyond=beyond, reason=reason, message=message)


@pytest.mark.parametrize(
    ("minimum", "maximum", "value", "expected"),
    [
        (None, 1.0, 1.0, False),
        (None, 1.0, 1.1, True),
        (None, 0.0, 0.1, True),
        (0.0, None, -0.1, True),
        (0.5, 2.0, 0.5, False),
        (0.5, 2.0, 0.4, True),
        (0.5, 2.0, 3.0, True),
    ],
)
def test_limits_themselves_are_allowed(
    minimum: float | None, maximum: float | None, value: float, expected: bool
) -> None:
    assert beyond(value, PromqlCheck(query="up", minimum=minimum, maximum=maximum)) is expected


def test_three_answers_beyond_the_limit_are_harm_and_said_with_their_numbers() -> None:
    assert harm([check(answered(0.5, beyond=2))]) is None
    found = harm([check(answered(0.001)), check(answered(0.0312345, beyond=3), query="a\n /  b")])
    assert found
    assert (found.outcome, found.reason) == ("Harm", "PromQL")
    assert found.message == "errors is 0.03123 (maximum 0.01), 3 answers in a row: a / b"


def test_long_query_is_cut_in_the_verdict() -> None:
    found = harm([check(answered(1, beyond=3), query="x" * 2000)])
    assert found
    assert len(found.message) < 400


@pytest.mark.parametrize(
    ("answer", "weight", "reason"),
    [
        (answered(0.001), 10, None),
        (answered(0.5, beyond=1), 10, "Suspicious"),
        (answered(0.5, beyond=1), 0, "Suspicious"),
        (None, 10, "MetricsUnavailable"),
        (None, 0, None),
        (answered(None, reason="NoAnswer", message="away"), 10, "MetricsUnavailable"),
        (answered(None, reason="NoAnswer", message="away"), 0, None),
        (answered(None, reason="QueryRefused", message="1:5"), 0, "QueryRefused"),
        (answered(None, reason="ServerNotAllowed", message="third"), 0, "ServerNotAllowed"),
    ],
)
def test_what_holds_a_step(answer: CheckAnswer | None, weight: int, reason: str | None) -> None:
    found = held([check(answer)], weight)
    assert (found.reason if found else None) == reason
    assert held([check(answer, dry_run=True)], weight) is None


def test_dry_run_is_no_harm() -> None:
    assert harm([check(answered(0.5, beyond=3), dry_run=True)]) is None


def test_only_placeholders_are_filled() -> None:
    sides = {"namespace": "ns", "name": "flights", "candidate": "bb", "stable": "aa"}
    assert filled('a{b="{{ candidate }}"}{{{stable}}}{{ other }}', sides) == 'a{b="bb"}{aa}{{ other }}'
