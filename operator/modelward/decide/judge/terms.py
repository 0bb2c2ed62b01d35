"""What a candidate is allowed, and how often an equal version may be called harmful."""

from dataclasses import dataclass

from modelward.api.model_deployment import Analysis


@dataclass(frozen=True)
class Terms:
    minimum_requests: int = 300
    """Good answers of the candidate that each step needs."""
    error_increase: float = 0.01
    """Share of requests that may fail beyond stable's."""
    latency_ratio: float = 1.45
    false_rollbacks: float = 0.01
    """Probability that a version equal to stable is called harmful in its whole rollout, over all judges."""

    @classmethod
    def of(cls, analysis: Analysis) -> "Terms":
        return cls(
            analysis.min_requests,
            analysis.max_error_increase_percent / 100,
            analysis.max_latency_ratio,
            analysis.false_rollbacks,
        )
