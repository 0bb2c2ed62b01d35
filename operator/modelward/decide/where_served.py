"""Where a ModelVersion serves and served: from what its status knew before, and what the ModelDeployments tell now.

An entry is written when a role begins and ended once, when the role is over; a candidate that comes into service and
a version that cools down after its successor's bake leave none behind.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from modelward.api import ModelDeployment
from modelward.api.model_version import WHY, ServedBy
from modelward.decide.conditions import timestamp
from modelward.names import Manifest

MOST = 100


def where_served(
    version: str, before: Sequence[ServedBy], deployments: Iterable[ModelDeployment], now: datetime
) -> list[ServedBy]:
    """What is so now, by the deployment's name; then what was, the newest first."""
    by_name = {each.metadata.name: each for each in deployments}
    known = {(each.deployment, each.role): each for each in before if each.until is None}
    past = [each for each in before if each.until]
    roles = [role for name in sorted(by_name) if (role := _role(version, by_name[name]))]
    current = [known.get((each.deployment, each.role)) or _begun(each, past, now) for each in roles]
    over = [each for each in known.values() if each not in current]
    ended = [_ended(each, version, by_name.get(each.deployment), now) for each in over if not _passes(each, current)]
    newest_first = sorted([*ended, *past], key=lambda each: each.until or "", reverse=True)
    return [*current, *newest_first][:MOST]


def roles_in(status: Manifest) -> dict[str, str]:
    """Of each ModelVersion that a ModelDeployment's status names, and since when: it may have lost it in between."""
    roles = {verdict["modelVersion"]: f"Rejected {verdict.get('lifted', '')}" for verdict in status.get("verdicts", [])}
    named = {role: status.get(role) for role in ("previous", "candidate", "stable")}
    return roles | {of["modelVersion"]: f"{role} {of.get('since', '')}" for role, of in named.items() if of}


def in_use(served: Iterable[ServedBy]) -> Iterator[ServedBy]:
    return (each for each in served if each.until is None)


def _role(version: str, deployment: ModelDeployment) -> ServedBy | None:
    """At most one in each deployment: what it does counts more than what it once did."""
    status, name = deployment.status, deployment.metadata.name
    if status.stable and status.stable.model_version == version:
        return ServedBy(deployment=name, role="Stable", since=status.stable.since)
    if status.candidate and status.candidate.model_version == version and status.phase != "RollingBack":
        return ServedBy(deployment=name, role="Candidate", since=status.candidate.since)
    if status.previous and status.previous.model_version == version:
        return ServedBy(deployment=name, role="Warm", since=(status.stable or status.previous).since)
    retry = deployment.spec.rollout.retry
    if binding := [v for v in status.verdicts if v.model_version == version and v.binds(retry)]:
        newest = binding[-1]
        why = f"{newest.reason}: {newest.message}"[:WHY]
        return ServedBy(deployment=name, role="Rejected", since=newest.time, why=why)
    return None


def _begun(role: ServedBy, past: Iterable[ServedBy], now: datetime) -> ServedBy:
    """What is back in a role that it had is so from now on."""
    same = [each for each in past if (each.deployment, each.role) == (role.deployment, role.role)]
    back = any(each.until and each.until > role.since for each in same)
    return role.model_copy(update={"since": timestamp(now)}) if back else role


def _passes(role: ServedBy, current: Iterable[ServedBy]) -> bool:
    """Into the next role, with nothing to tell of this one."""
    if role.role == "Candidate":
        return any((each.deployment, each.role) == (role.deployment, "Stable") for each in current)
    return role.role == "Warm"


def _ended(role: ServedBy, version: str, deployment: ModelDeployment | None, now: datetime) -> ServedBy:
    until, why = _end(role, version, deployment, now)
    # What comes back keeps the time at which it first came.
    return role.model_copy(update={"until": until if until >= role.since else timestamp(now), "why": why[:WHY]})


def _end(role: ServedBy, version: str, deployment: ModelDeployment | None, now: datetime) -> tuple[str, str]:
    """When, and why."""
    status = deployment.status if deployment else None
    if status is None or (role.role == "Stable" and status.stable is None):
        return timestamp(now), "the deployment was deleted"
    if role.role == "Rejected":
        return timestamp(now), "another try was asked for"
    known = (*status.verdicts, *([status.set_aside] if status.set_aside else []))
    against = [v for v in known if v.model_version == version and v.time >= role.since]
    if against:
        newest = max(against, key=lambda verdict: verdict.time)
        return newest.time, f"rolled back: {newest.reason}: {newest.message}"
    if role.role == "Stable" and status.stable:
        return status.stable.since, f"replaced by {status.stable.model_version}"
    instead = status.candidate or status.stable
    return timestamp(now), f"gave way to {instead.model_version}" if instead else "not tried any more"
