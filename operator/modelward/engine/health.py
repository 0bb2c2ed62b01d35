"""Is the operator alive? Only what a restart would heal counts: an API server that is away does not."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from modelward.engine.queue import Queue
from modelward.engine.sweep import Sweep

_LONGEST_LAG = 180.0
"""Three deadlines of a reconcile: then every worker must be stuck."""
_OLDEST_SWEEP = 900.0


@dataclass(frozen=True)
class Health:
    queue: Queue
    sweep: Sweep
    tasks: Sequence[asyncio.Task[None]] = ()
    """They should run for ever."""

    def complaints(self) -> list[str]:
        """Empty: alive."""
        found = [f"task {task.get_name()} ended" for task in self.tasks if task.done()]
        if self.queue.lag > _LONGEST_LAG:
            found.append(f"a due key has waited for {self.queue.lag:.0f} s")
        if self.sweep.age > _OLDEST_SWEEP:
            found.append(f"the last sweep ended {self.sweep.age:.0f} s ago")
        if self.sweep.watch_dead:
            found.append(f"the watch is dead: {self.sweep.watch_dead}")
        return found
