"""What the steps of a rollout ask for."""

from collections.abc import Sequence

from modelward.api.model_deployment import Step
from modelward.decide.durations import seconds


def step_in_force(step: int | None, steps: Sequence[Step]) -> int:
    """Of these steps the one that a status names; the last, where steps were edited away."""
    return min(step or 0, len(steps) - 1)


def weight_at(steps: Sequence[Step], index: int) -> int:
    """Percent: a pause keeps the weight of the step before it; before the first weight there is none."""
    said = [step.weight for step in steps[: index + 1] if step.weight is not None]
    return said[-1] if said else 0


def least_seconds(step: Step) -> float | None:
    """The least time that the step takes; None: it passes by hand only."""
    if step.pause is None:
        return seconds(step.duration)
    return seconds(step.pause.duration) if step.pause.duration else None
