"""Traffic follows from the status: each revision's setting, its epoch, and who has confirmed it."""

from collections.abc import Iterable

from modelward.api.model_deployment import Routing, ServingRevision
from modelward.decide.observed import DeploymentObserved, ScoringPod
from modelward.decide.plan import Push
from modelward.decide.pods import pods_of
from modelward.names import child_name
from modelward_contracts.traffic import HeaderMatch, Target, Traffic

DIRECT_PORT = 80


def next_epoch(o: DeploymentObserved) -> int:
    """Above everything that any server has taken, also what was pushed just before a crash."""
    return max([o.status.epoch, *(p.snapshot.epoch for p in o.pods if p.snapshot)]) + 1


def confirmed(pods: Iterable[ScoringPod], revision: ServingRevision | None, epoch: int) -> bool:
    """Every living server of the revision follows the setting of this epoch, or a newer one."""
    return all(p.snapshot is not None and p.snapshot.epoch >= epoch for p in pods_of(pods, revision) if p.ready)


def settings_of(o: DeploymentObserved) -> list[Traffic]:
    """One setting for each revision in the status.

    stable gives the candidate its share; the others give everything to stable once they are to lose their clients
    (`previous` after a promotion, a candidate that had been promoted), and nothing otherwise.
    """
    status = o.status
    if status.stable is None:
        return [_setting(o, status.candidate)] if status.candidate else []
    share = status.candidate if status.phase in ("Canary", "Paused", "Promoting") else None
    settings = [_setting(o, status.stable, share, status.weight, status.routing if share else None)]
    if status.candidate:
        leaving = status.stable if status.phase == "RollingBack" else None
        settings.append(_setting(o, status.candidate, leaving, 100, close=leaving is not None))
    if status.previous:
        settings.append(_setting(o, status.previous, status.stable, 100, close=True))
    return settings


def _setting(
    o: DeploymentObserved,
    revision: ServingRevision,
    candidate: ServingRevision | None = None,
    weight: int = 0,
    routing: Routing | None = None,
    close: bool = False,
) -> Traffic:
    metadata = o.deployment.metadata
    target = None
    if candidate:
        host = f"{child_name(metadata.name, candidate.revision)}.{metadata.namespace}.svc"
        target = Target(revision=candidate.revision, host=host, port=DIRECT_PORT)
    return Traffic(
        deployment=f"{metadata.namespace}/{metadata.name}",
        revision=revision.revision,
        epoch=o.status.epoch,
        candidate=target,
        weight=weight if candidate else 0,
        matches=[HeaderMatch(name=match.header, value=match.value) for match in routing.matches] if routing else [],
        sticky_header=routing.sticky.header if routing and routing.sticky else None,
        close_connections=close,
    )


def pushes(o: DeploymentObserved) -> tuple[Push, ...]:
    """To every pod that answers and does not follow the present setting yet."""
    by_revision = {s.revision: s for s in settings_of(o)}
    return tuple(
        Push(p.name, p.address, by_revision[p.revision])
        for p in o.pods
        if p.address and p.snapshot and p.revision in by_revision and p.snapshot.epoch < o.status.epoch
    )
