"""The outside world as reads need it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.observe.ledger import Ledger
from modelward.settings import Settings
from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic


async def _unreachable(_: str) -> Snapshot | None:
    return None


@dataclass(frozen=True)
class World:
    kube: Kube
    settings: Settings
    scrape: Callable[[str], Awaitable[Snapshot | None]] = _unreachable
    """Of one scoring server's admin port, `host:port`; None if it does not answer."""
    sign: Callable[[Traffic], str] = lambda traffic: traffic.deployment
    public_keys: str = ""
    ledgers: dict[Key, Ledger] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
