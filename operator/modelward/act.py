"""The only writer. Every write of the operator is made here, in the order of `Plan`, and none that changes nothing.

The order lets the process die between any two writes: what was decided is in the status before anything is done about
it, and whatever was not done yet is found missing at the next look. The one exception, pushes towards stable, go out
first, so that a dead API server delays no rollback; a server that got one is harmless if the write never comes.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from modelward.api.common import Status
from modelward.checkpoint import Checkpoint, no_checkpoint
from modelward.clients.kube import Conflict, Kube
from modelward.clients.scoring import Pusher
from modelward.compare import holds, same
from modelward.decide.conditions import timestamp
from modelward.decide.plan import Event, Plan, Push
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest, is_ours, short_hash
from modelward.telemetry.metrics import FREED, TRANSITIONS

_log = logging.getLogger(__name__)

Identity = tuple[str, str, str]
"""apiVersion, kind, name, in the key's namespace."""


@dataclass(frozen=True)
class Hands:
    """What a plan is carried out with. `seen`: objects read in this reconcile; others are looked up when needed."""

    kube: Kube
    pods: Pusher
    seen: Mapping[Identity, Manifest] = field(default_factory=dict)
    before: Checkpoint = no_checkpoint


async def act(hands: Hands, owner: Manifest, plan: Plan) -> None:
    """Carry out `plan` for `owner`, the live object that it was decided from. Raises Conflict, Refused, Unavailable."""
    await _push(hands, plan.urgent)
    if plan.memory and plan.status is not None:
        owner = await write_status(hands, owner, plan.status)
    for manifest in plan.creates:
        await _create(hands, manifest)
    refused = [problem for manifest in plan.applies if (problem := await _apply(hands, manifest))]
    await _push(hands, (push for push in plan.pushes if push not in plan.urgent))
    if refused:  # Nothing is taken away before what replaces it is there.
        raise refused[0]
    for ref in plan.deletes:
        hands.before("delete", ref.kind)
        await hands.kube.delete(ref.api_version, ref.kind, owner["metadata"]["namespace"], ref.name, ref.uid)
    if not plan.memory and plan.status is not None:
        owner = await write_status(hands, owner, plan.status)
    await _keep(hands, plan.keepsakes)
    FREED.inc(plan.freed)
    for event in plan.events:
        await _tell(hands, owner, event)


async def write_status(hands: Hands, owner: Manifest, status: Status) -> Manifest:
    """The object as it then is."""
    desired = status.wire()
    if same(desired, owner.get("status")):
        return owner
    hands.before("status", owner["kind"])
    return await hands.kube.update_status({**owner, "status": desired})


async def _create(hands: Hands, manifest: Manifest) -> None:
    if await _live(hands, manifest) is not None:
        return
    hands.before("create", manifest["kind"])
    try:
        await hands.kube.create(manifest)
    except Conflict:
        _log.debug("%s exists already", _title(manifest))


async def _keep(hands: Hands, keepsakes: Iterable[Manifest]) -> None:
    for manifest in keepsakes:
        try:
            await _create(hands, manifest)
        except (Refused, Unavailable) as error:
            _log.warning("%s not created: %s", _title(manifest), error)
            return


async def _apply(hands: Hands, manifest: Manifest) -> Refused | None:
    """Why it is refused; the others are applied all the same."""
    live = await _live(hands, manifest)
    if live is not None and holds(live, manifest):
        return None
    if live is not None and not is_ours(live):
        return Refused("NameTaken", f"{_title(manifest)} exists and is not Modelward's: rename or delete it")
    hands.before("apply", manifest["kind"])
    try:
        await hands.kube.apply(manifest)
    except Refused as problem:
        return problem
    return None


async def _live(hands: Hands, manifest: Manifest) -> Manifest | None:
    version, kind, metadata = manifest["apiVersion"], manifest["kind"], manifest["metadata"]
    seen = hands.seen.get((version, kind, metadata["name"]))
    return seen or await hands.kube.get(version, kind, metadata["namespace"], metadata["name"])


async def _push(hands: Hands, pushes: Iterable[Push]) -> None:
    """All at once. One that fails is no error: the next scrape shows an old epoch, and it is pushed again."""

    async def one(push: Push) -> None:
        try:
            await hands.pods.push(push.address, push.setting)
        except Unavailable as error:
            _log.warning("traffic not pushed to pod %s: %s", push.pod, error)

    pending = list(pushes)
    for _ in pending:
        hands.before("push", "Pod")
    await asyncio.gather(*map(one, pending))


async def _tell(hands: Hands, owner: Manifest, event: Event) -> None:
    """An Event that cannot be written is logged: it must not hold up what matters."""
    hands.before("event", "Event")
    TRANSITIONS.labels(owner["kind"], event.reason).inc()
    _log.info("%s: %s", event.reason, event.message)
    try:
        await hands.kube.create(_event(owner, event, datetime.now(UTC)))
    except (Conflict, Refused, Unavailable) as error:
        _log.warning("Event %s not written: %s", event.reason, error)


def _event(owner: Manifest, event: Event, now: datetime) -> Manifest:
    """Its name is that of the transition: told again of the same object as it was, it is the same Event.

    A core Event, because only that may carry the times by which `kubectl describe` and `--sort-by=.lastTimestamp` order
    them. Those are whole seconds; within one, Events come by name, which grows with the object's version.
    """
    metadata, second = owner["metadata"], timestamp(now)
    about = {key: metadata[key] for key in ("name", "namespace", "uid", "resourceVersion")}
    digest = short_hash(metadata["uid"], metadata["resourceVersion"], event.reason, event.message)
    name = f"{metadata['name'][:200]}.{metadata['resourceVersion']:0>12}.{digest}"
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"]},
        "involvedObject": {"apiVersion": owner["apiVersion"], "kind": owner["kind"], **about},
        "type": event.type,
        "reason": event.reason[:128],
        "message": event.message[:1024],
        "action": event.reason[:128],
        "count": 1,
        "firstTimestamp": second,
        "lastTimestamp": second,
        "eventTime": now.isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "source": {"component": "modelward"},
        "reportingComponent": "modelward.dev/operator",
        "reportingInstance": "modelward-operator",
    }


def _title(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['namespace']}/{manifest['metadata']['name']}"
