"""A status that no move leads to (an old backup, a hand): the nearest one that can be, from what it holds."""

from datetime import datetime
from typing import Any

from modelward.api.model_deployment import Phase
from modelward.decide.observed import DeploymentObserved

from .move import Move, move_to

HEALED = "StatusHealed"


def heal(o: DeploymentObserved, now: datetime) -> Move | None:
    status, phase = o.status, o.status.phase
    to: Phase
    if status.stable is None:
        to, sound = "Pending", phase == "Pending"
    else:
        needed = {"Stable": True, "Pending": False, "Baking": status.previous is not None}
        to, sound = "Stable", needed.get(phase, status.candidate is not None)
    if not sound:
        message = f"the status said {phase}, and named no version that this could be about"
        rest: dict[str, Any] = {"previous": None, "step": None, "weight": 0, "rollout_started": None}
        rest |= {} if to == "Pending" else {"candidate": None}
        return move_to(to, o, now, HEALED, message, warn=True, towards_stable=True, **rest)
    if status.step_started is None and phase not in ("Pending", "Stable"):
        message = f"the status did not say since when it is {phase}: from now on"
        return move_to(phase, o, now, HEALED, message, warn=True)
    return None
