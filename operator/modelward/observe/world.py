"""The outside world as reads need it."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelward.clients.kube import Kube
from modelward.decide.judge.promql import Answer
from modelward.decide.plan import Key
from modelward.observe.checks import Ask
from modelward.observe.ledger import Ledger
from modelward.settings import PrometheusServer, Settings
from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic


async def _unreachable(_: str) -> Snapshot | None:
    return None


async def _unasked(server: PrometheusServer, _: str) -> Answer:
    return Answer(reason="NoAnswer", message=f"nobody asks server {server.name}")


@dataclass(frozen=True)
class World:
    kube: Kube
    settings: Settings
    scrape: Callable[[str], Awaitable[Snapshot | None]] = _unreachable
    """Of one scoring server's admin port, `host:port`; None if it does not answer."""
    ask: Ask = _unasked
    """A query of a Prometheus-compatible server."""
    sign: Callable[[Traffic], str] = lambda traffic: traffic.deployment
    public_keys: str = ""
    told_by: Callable[[Key], Collection[Key]] = lambda _: ()
    """Whose status named this one, as far as the watch has shown."""
    ledgers: dict[Key, Ledger] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
