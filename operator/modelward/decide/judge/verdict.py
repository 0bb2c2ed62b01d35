"""Before and after: what a version does now against what the one before it did, where both cannot be compared at once.

The first Harm counts, then the first lack of evidence.
"""

from modelward.api.model_deployment import Analysis

from .errors import judge_errors
from .evidence import OK, UNANSWERED, Evidence, Finding, Window
from .latency import judge_latency
from .skew import judge_skew

LEAST_RATIO = 2.0
"""Of latency: load is not what it was."""
ALL = 100
"""Requests of stable without a good answer among them: no accident any more."""
UNREACHABLE = (
    "the servers in service cannot connect to the candidate's Service: a network policy forbids it, or their nodes do"
    " not know of it yet"
)


def judge(evidence: Evidence, analysis: Analysis) -> Finding:
    if fails_everything(evidence.stable):
        return _enough(evidence, analysis.min_requests)
    findings = [
        judge_errors(evidence, analysis.max_error_increase_percent),
        judge_latency(evidence, max(analysis.max_latency_ratio, LEAST_RATIO), analysis.min_requests),
        judge_skew(evidence, analysis.max_drift_increase, analysis.min_requests),
        _enough(evidence, analysis.min_requests),
    ]
    harm = next((f for f in findings if f.outcome == "Harm"), None)
    lack = next((f for f in reversed(findings) if f.outcome == "NoEvidence"), None)
    return harm or lack or OK


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


def _enough(evidence: Evidence, minimum: int) -> Finding:
    if blind := unseen(evidence):
        return blind
    if evidence.step_requests >= minimum:
        return OK
    return Finding("NoEvidence", "TooFewRequests", f"{evidence.step_requests} of {minimum} requests in this step")
