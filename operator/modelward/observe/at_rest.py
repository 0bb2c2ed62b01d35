"""A ModelDeployment at rest: its pods alone are asked, and told apart from the last time only by what could matter.

Everything else that could change it, an event names, or the sweep. Counters go on into the ledger as ever; what they
add up to (drift) is compared as well.
"""

import asyncio
from dataclasses import dataclass

from modelward.decide.observed import DeploymentObserved
from modelward.decide.plan import Key
from modelward.observe.world import World
from modelward_contracts.monitor import Snapshot

Said = tuple[str, int, bool, bool]
"""Which pod, epoch in force, ready, batches that differed."""


@dataclass(frozen=True, slots=True)
class Rest:
    revision: str
    pods: dict[str, Said]
    """By address of the admin port."""
    drifted: bool | None

    async def lasts(self, world: World, key: Key) -> bool:
        """Every pod answers, and nothing is new."""
        ledger = world.ledgers.get(key)
        found = await asyncio.gather(*map(world.scrape, self.pods))
        if ledger is None or not all(found):
            return False
        snapshots = [snapshot for snapshot in found if snapshot]
        ledger.record(snapshots)
        now = dict(zip(self.pods, map(_said, snapshots), strict=True))
        return now == self.pods and _flag(ledger.drift(self.revision)) == self.drifted


def rest_of(o: DeploymentObserved) -> Rest | None:
    """None where it cannot be told by its pods alone."""
    if o.status.stable is None or any(p.address is None or p.snapshot is None for p in o.pods):
        return None
    pods = {p.address: _said(p.snapshot) for p in o.pods if p.address and p.snapshot}
    return Rest(o.status.stable.revision, pods, _flag(o.drift))


def _said(snapshot: Snapshot) -> Said:
    return snapshot.pod, snapshot.epoch, snapshot.ready, bool(snapshot.mixed_batches)


def _flag(drift: tuple[bool, str] | None) -> bool | None:
    return drift and drift[0]
