"""Carries out the setting in force: picks, forwards, and says what came of it."""

import asyncio
import logging

from modelward_contracts.monitor import Forwards
from modelward_contracts.traffic import Target, Traffic
from modelward_serving.http.connection import Port
from modelward_serving.http.messages import Request
from modelward_serving.monitor.counters import Counters
from modelward_serving.scoring.cells import Cells, own_cells

from .breaker import Breaker
from .forward import Candidate, Local
from .split import Split

MIN_DEADLINE = 0.050
UNKNOWN_DEADLINE = 0.200
"""As long as this server has too few answers of its own to know its p99."""
log = logging.getLogger(__name__)


class Director:
    """Stands between the data port and this server's own model."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        counters: Counters,
        local: Local,
        data_port: Port,
        shared: Cells | None = None,
    ) -> None:
        self._shared = shared if shared is not None else own_cells()
        self._loop, self._counters, self._local, self._data_port = loop, counters, local, data_port
        self._traffic: Traffic | None = None
        self._split: Split | None = None
        self._candidate: Candidate | None = None
        self._own_deadline = UNKNOWN_DEADLINE

    def apply(self, traffic: Traffic) -> None:
        """The same setting again changes nothing: the operator repeats it at every scrape."""
        if traffic == self._traffic:
            return
        previous, self._traffic = self._traffic, traffic
        self._data_port.closing = traffic.close_connections
        if traffic.candidate is None:
            self._retire()
            self._split = None
            return
        if previous is None or previous.epoch != traffic.epoch or previous.candidate != traffic.candidate:
            self._replace_candidate(traffic.candidate, traffic.epoch)
        self._split = Split(traffic)
        log.info("traffic: %d %% to %s, epoch %d", traffic.weight, traffic.candidate.revision, traffic.epoch)

    def handle(self, request: Request) -> None:
        """A scoring request on the data port. A candidate that no connection has reached yet is not to blame for it:
        a network policy is, or a node that does not know of its Service yet."""
        split, candidate = self._split, self._candidate
        if split is not None and candidate is not None and candidate.pool.reached and split.picks(request.headers):
            candidate.forward(request)
        else:
            self._local.score(request)

    def tick(self) -> None:
        """Called every second: the deadline follows this server's own latency, as long as it has one."""
        latency = self._counters.total
        latency.rotate()
        p99 = latency.quantile(0.99)
        if p99 is not None:
            self._own_deadline = max(MIN_DEADLINE, 3 * p99)

    @property
    def forwarding(self) -> int:
        return self._candidate.forwarding if self._candidate is not None else 0

    @property
    def traffic(self) -> Traffic | None:
        return self._traffic

    def forwards(self) -> dict[str, Forwards]:
        current = self._candidate.target.revision if self._candidate is not None else None
        is_open = self._candidate is not None and self._candidate.breaker.open
        reached = self._candidate is None or self._candidate.pool.reached
        return {
            revision: counts.as_forwards(is_open and revision == current, reached or revision != current)
            for revision, counts in self._counters.forwards.items()
        }

    def stop(self) -> None:
        """Nothing is forwarded any more; what is under way is answered here."""
        self._split = None
        if self._candidate is not None:
            self._candidate.give_up()

    def close(self) -> None:
        self._retire()

    def _replace_candidate(self, target: Target, epoch: int) -> None:
        """A new epoch closes the breaker; what was learnt about the same target's pace is kept."""
        before = self._candidate
        known = before is not None and before.target == target and not before.breaker.open
        self._retire()
        counts = self._counters.forward(target.revision)
        window, reached = (before.window, before.pool.reached) if before is not None and known else (None, False)
        breaker = Breaker(self._shared, epoch)
        self._candidate = Candidate(
            self._loop, target, counts, self._local, lambda: self.deadline, breaker, window, reached
        )
        self._candidate.pool.prepare()

    @property
    def deadline(self) -> float:
        """Seconds that a candidate has to answer."""
        given = self._traffic.deadline_seconds if self._traffic is not None else None
        return given if given is not None else self._own_deadline

    def _retire(self) -> None:
        """Forwards under way end as they would have; their connections are not used again."""
        if self._candidate is not None:
            self._candidate.close()
            self._candidate = None
