"""Checks of the user's own: what a Prometheus-compatible server answers about the version on trial, against limits.

A single answer is no verdict: it is a blip, or a window that still holds what was before. Three in a row beyond a limit
are harm. What gives no number says nothing, for or against, and holds a step. Checks with `dryRun` decide nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Literal

from modelward.api.model_deployment import CheckAnswer, PromqlCheck
from modelward.decide.conditions import timestamp
from modelward.names import short_hash

from .evidence import Finding

IN_A_ROW = 3
FRESH_SECONDS = 60.0
"""An older answer tells nothing of now, and begins no row."""
NO_ANSWER, QUERY_REFUSED, SERVER_NOT_ALLOWED = "NoAnswer", "QueryRefused", "ServerNotAllowed"
WRONG = (QUERY_REFUSED, SERVER_NOT_ALLOWED)
"""Only a change of the spec helps, or one of the installation."""

_PLACEHOLDER = re.compile(r"{{ *(namespace|name|candidate|stable) *}}")


@dataclass(frozen=True)
class Answer:
    """Of a server: a finite number, or why there is none."""

    value: float | None = None
    reason: Literal["", "NoAnswer", "QueryRefused"] = ""
    message: str = ""


@dataclass(frozen=True)
class Check:
    """`answer`: the newest, no older than FRESH_SECONDS; None before the first."""

    name: str
    spec: PromqlCheck
    answer: CheckAnswer | None = None

    @property
    def reason(self) -> str:
        """Why nothing is known. Empty where a number is."""
        return self.answer.reason or "" if self.answer else NO_ANSWER

    @property
    def in_a_row(self) -> int:
        return self.answer.beyond if self.answer else 0


def name_of(check: PromqlCheck, index: int) -> str:
    return check.name or f"promql[{index}]"


def filled(query: str, placeholders: Mapping[str, str]) -> str:
    """The query with `{{key}}` replaced. The values are names and hashes: nothing in them ends a string in PromQL."""
    return _PLACEHOLDER.sub(lambda found: placeholders[found[1]], query)


def question(rollout: str, server: str, query: str, check: PromqlCheck) -> str:
    """Its id: answers to another question, or in another rollout, make no row with these."""
    return short_hash(rollout, server, query, f"{check.minimum} {check.maximum}")


def beyond(value: float, check: PromqlCheck) -> bool:
    above = check.maximum is not None and value > check.maximum
    return above or (check.minimum is not None and value < check.minimum)


def followed(
    before: CheckAnswer | None, id_: str, name: str, check: PromqlCheck, answer: Answer, now: datetime
) -> CheckAnswer:
    """What is remembered after another answer."""
    row = before.beyond if before and fresh(before, now) else 0
    is_beyond = answer.value is not None and beyond(answer.value, check)
    return CheckAnswer(
        id=id_,
        name=name,
        value=answer.value,
        reason=answer.reason or None,
        message=answer.message[:512],
        beyond=min(row + 1, IN_A_ROW) if is_beyond else 0,
        time=timestamp(now),
    )


def fresh(answer: CheckAnswer, now: datetime) -> bool:
    return answer.time is None or (now - datetime.fromisoformat(answer.time)).total_seconds() <= FRESH_SECONDS


def harm(checks: Iterable[Check]) -> Finding | None:
    for check in checks:
        if check.in_a_row >= IN_A_ROW and not check.spec.dry_run:
            query = " ".join(check.spec.query.split())
            shown = query if len(query) <= 300 else f"{query[:300]}…"
            return Finding("Harm", "PromQL", f"{compared(check)}, {IN_A_ROW} answers in a row: {shown}")
    return None


def held(checks: Iterable[Check], weight: int) -> Finding | None:
    """Why a step does not pass, in words that stay the same as long as the cause does. Without a weight nothing is
    expected to be known of the candidate yet."""
    for check in checks:
        if check.spec.dry_run or (check.reason == NO_ANSWER and not weight):
            continue
        if check.reason:
            why = check.answer.message if check.answer else "no answer yet"
            reason = check.reason if check.reason in WRONG else "MetricsUnavailable"
            return Finding("NoEvidence", reason, f"check {check.name}: {why}")
        if check.in_a_row:
            return Finding("NoEvidence", "Suspicious", f"check {check.name} is beyond its limit")
    return None


def wrong(checks: Iterable[Check]) -> Check | None:
    """The first that decides and cannot be asked."""
    return next((check for check in checks if check.reason in WRONG and not check.spec.dry_run), None)


def compared(check: Check) -> str:
    """`errors is 0.031 (maximum 0.01)`"""
    value = check.answer.value if check.answer else None
    limits = [
        f"{name} {limit:g}"
        for name, limit in (("minimum", check.spec.minimum), ("maximum", check.spec.maximum))
        if limit is not None
    ]
    return f"{check.name} is {_number(value)} ({', '.join(limits)})"


def _number(value: float | None) -> str:
    return f"{value:.4g}" if value is not None and isfinite(value) else "unknown"
