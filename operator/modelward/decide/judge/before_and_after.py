"""What a version does now against what the one before it did, where both cannot be compared at once.

Load and requests are not what they were, so only what no other time of day explains is harm: failures beyond doubt, and
answers many times as slow.
"""

from modelward.api.model_deployment import Analysis

from .evidence import OK, UNANSWERED, Evidence, Finding, Window
from .latency import judge_latency
from .look import run_of_failures
from .metric import ERRORS, Metric, percent
from .mixture import Allowed, Table
from .spread import Spread
from .terms import Terms

ALL = 100
"""Requests of stable without a good answer among them: no accident any more."""
UNREACHABLE = (
    "the servers in service cannot connect to the candidate's Service: a network policy forbids it, or their nodes do"
    " not know of it yet"
)


def judge(evidence: Evidence, analysis: Analysis) -> Finding:
    """The first Harm, then the first lack of evidence, then OK."""
    if fails_everything(evidence.stable):
        return _lack(evidence, analysis.min_requests) or OK
    terms = Terms.of(analysis)
    return (
        _fails_all(evidence.candidate, terms)
        or _more_failures(evidence, terms)
        or judge_latency(evidence)
        or _lack(evidence, analysis.min_requests)
        or OK
    )


def _fails_all(now: Window, terms: Terms) -> Finding | None:
    """Harm, too, where the version before was asked nothing."""
    if not now.failures == now.requests >= run_of_failures(terms.false_rollbacks / 16):
        return None
    return Finding("Harm", "Errors", f"each of {now.requests} requests failed")


def _more_failures(evidence: Evidence, terms: Terms) -> Finding | None:
    """With the dependence that is usual: blocks of time show none of what lies between before and after."""
    now, before = evidence.candidate, evidence.stable
    counted = Table(now.failures, now.requests, before.failures, before.requests)
    metric = Metric(ERRORS, "failed", counted, Spread(), terms.error_increase, Allowed(terms.error_increase))
    if not metric.harmful(terms.false_rollbacks / 16):
        return None
    rate, rate_before = percent(counted.rate), percent(counted.stable_rate)
    return Finding(
        "Harm",
        "Errors",
        f"{now.failures} of {now.requests} requests failed ({rate}), of the version before {rate_before} "
        f"(allowed: {percent(terms.error_increase)} more)",
    )


def numbers(evidence: Evidence, terms: Terms) -> dict[str, float]:
    """What a decision rests on; `stable` is the version before. Seconds of the median and the 90 % quantile."""
    now, before = evidence.candidate, evidence.stable
    found: dict[str, float] = {
        "requests": now.requests,
        "failures": now.failures,
        "stableRequests": before.requests,
        "stableFailures": before.failures,
        "errorsAllowed": terms.error_increase,
    }
    for version, window in (("", now), ("Stable", before)):
        if window.requests:
            found[f"errors{version}Rate"] = window.failures / window.requests
        if window.latency.total:
            found[f"latency{version}P50"] = window.latency.quantile(0.5)
            found[f"latency{version}P90"] = window.latency.quantile(0.9)
    return found


def fails_everything(stable: Window) -> bool:
    """It has requests and no good answer to any: there is nothing to compare with."""
    return stable.requests >= ALL and stable.latency.total == 0


def unseen(evidence: Evidence) -> Finding | None:
    """What cannot be seen says nothing."""
    if not evidence.complete:
        return Finding("NoEvidence", "MetricsUnavailable", UNANSWERED)
    if not evidence.candidate.reached:
        return Finding("NoEvidence", "CandidateUnreachable", UNREACHABLE)
    return None


def _lack(evidence: Evidence, minimum: int) -> Finding | None:
    if blind := unseen(evidence):
        return blind
    if evidence.step_requests >= minimum:
        return None
    return Finding("NoEvidence", "TooFewRequests", f"{evidence.step_requests} of {minimum} requests in this step")
