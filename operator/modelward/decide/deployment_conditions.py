"""A ModelDeployment's conditions, from its status and what was observed.

Reasons (API): of Ready: Pending, NameTaken, ServiceAccountNotAllowed, ImageNotAllowed, VersionNotFound, VersionDeleted,
AliasNotHeld, VersionNotVerified, GateFailed, SignatureChanged, QueryRefused, ServerNotAllowed, Starting, Canary,
AwaitingApproval, AwaitingPromotion, Paused, Promoting, RollingBack, RolledBack, Serving, Baking, Replacing,
NotAvailable, FailedCreate, and any reason of its pods' trouble. Of Available: Serving, NothingServes, NoReadyPods,
NameTaken. Of Progressing: the phase, AwaitingApproval, AwaitingPromotion, or Complete. Of RolledBack: the verdict's
(Errors, Latency, Skew, PromQL, CrashLoop, OOMKilled, RejectedRevision …), or why the rollout ended without one
(ProgressDeadlineExceeded, NoEvidence, Aborted, RolledBackByHand). Of Drifted: Drift, NoDrift. Of ActionDone: Done,
Refused. Of BatchesMixed: BatchesMixed; it is there only where that happened. Of ChecksPassed: WithinLimits,
BeyondLimit, NoAnswer, QueryRefused, ServerNotAllowed.
"""

from collections.abc import Iterator
from datetime import datetime

from modelward.api.common import ConditionStatus
from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.decide.checks import checks_passed
from modelward.decide.conditions import drop_condition, set_condition
from modelward.decide.judge.before_and_after import UNREACHABLE
from modelward.decide.judge.promql import wrong
from modelward.decide.missing import still_missing
from modelward.decide.observed import DeploymentObserved, Trouble
from modelward.decide.plan import Event
from modelward.decide.pods import pods_of, ready_pods, trouble_of
from modelward.decide.revision import rejection
from modelward.decide.rollout.actions import answer
from modelward.decide.rollout.on_trial import held_by_checks
from modelward.decide.rollout.trial import awaited, paused_by_hand
from modelward.errors import Refused, Wait
from modelward.names import ACTION, DEPLOYMENT, REVISION

MOVING = ("Pending", "Canary", "Promoting", "RollingBack")
ROLLING = ("Canary", "Paused", "Promoting", "RollingBack")

Said = tuple[ConditionStatus, str, str]
"""status, reason, message"""


def with_conditions(
    o: DeploymentObserved, target: ServingRevision | None, problem: Wait | Refused | None, now: datetime
) -> ModelDeploymentStatus:
    """The status as it is to be shown. A condition that is None is taken away."""
    said: dict[str, Said | None] = {
        "Ready": _ready(o, target, problem),
        "Available": _available(o),
        "Progressing": _progressing(o, now),
        "RolledBack": _rolled_back(o, target),
        "Stalled": _stalled(o, target, problem),
        "VerdictStored": _verdict_stored(o, target),
        "Drifted": _drifted(o),
        "ActionDone": _action_done(o),
        "BatchesMixed": _batches_mixed(o),
        "ChecksPassed": checks_passed(o),
    }
    conditions = list(o.status.conditions)
    for type_, words in said.items():
        if words is None:
            conditions = drop_condition(conditions, type_)
        else:
            conditions = set_condition(conditions, type_, *words, o.deployment.metadata.generation, now)
    selector = f"{DEPLOYMENT}={o.deployment.metadata.name}"
    if o.status.stable:
        selector += f",{REVISION}={o.status.stable.revision}"
    update = {
        "conditions": conditions,
        "observed_generation": o.deployment.metadata.generation,
        "replicas": o.replicas.get(o.status.stable.revision, 0) if o.status.stable else 0,
        "selector": selector,
        "target": target.revision if target else o.status.target,
    }
    return o.status.model_copy(update=update)


def _ready(o: DeploymentObserved, target: ServingRevision | None, problem: Wait | Refused | None) -> Said:
    """Whether what the spec asks for is what serves, in full."""
    status, spec = o.status, o.deployment.spec
    serves = f"{status.stable.model_version} serves" if status.stable else "nothing serves yet"
    rejected = rejection(o.deployment, target.revision) if target else None
    if o.taken:
        return "False", "NameTaken", _taken(o)
    if status.phase in ROLLING:
        return "Unknown", awaited(o) or status.phase, f"{_progress(o)}; {serves}"
    if problem:
        return "False", problem.reason, f"{problem}; {serves}"
    if rejected:
        return "False", "RolledBack", f"{rejected.model_version} was rolled back: {rejected.message}; {serves}"
    trouble = trouble_of(o, status.stable or status.candidate)
    if status.stable is None:
        return ("False", trouble.reason, trouble.message) if trouble else ("Unknown", "Starting", _progress(o))
    ready = ready_pods(o.pods, status.stable)
    if ready < spec.replicas:
        missing = f"{ready} of {spec.replicas} pods of {status.stable.model_version} are Ready"
        return "False", trouble.reason if trouble else "NotAvailable", missing + _because(trouble)
    if status.stable.revision in o.replacing:
        replaced = f"{serves}; its pods are being replaced by such as the spec asks for now"
        return (
            ("False", trouble.reason, replaced + _because(trouble)) if trouble else ("Unknown", "Replacing", replaced)
        )
    return "True", "Baking" if status.phase == "Baking" else "Serving", f"{serves} on {spec.replicas} replicas"


def _because(trouble: Trouble | None) -> str:
    return f": {trouble.message}" if trouble else ""


def _taken(o: DeploymentObserved) -> str:
    name = o.deployment.metadata.name
    return (
        f"Service {name} exists and is not Modelward's, so no client gets through: delete it, or give the "
        "ModelDeployment another name"
    )


def _available(o: DeploymentObserved) -> Said:
    if o.taken:
        return "False", "NameTaken", _taken(o)
    if o.status.stable is None:
        return "False", "NothingServes", "no revision has become Ready yet"
    if ready_pods(o.pods, o.status.stable) or not o.deployment.spec.replicas:
        return "True", "Serving", f"{o.status.stable.model_version} serves"
    return "False", "NoReadyPods", f"no pod of {o.status.stable.model_version} is Ready"


def _progressing(o: DeploymentObserved, now: datetime) -> Said:
    waiting = o.status.phase == "Pending" and o.status.candidate is None
    moving = o.status.phase in (*MOVING, "Paused") and not waiting
    if not moving:
        return "False", "Complete", "nothing to roll out"
    missing = still_missing(o, now) if o.status.phase == "Canary" else ""
    before = o.status.condition("Progressing")
    message = _progress(o) + missing
    if before and missing and before.message.startswith(message.partition(", some ")[0] + ","):
        message = before.message  # the rate changes with every look; that alone is not worth a write
    return "True", awaited(o) or o.status.phase, message


def _rolled_back(o: DeploymentObserved, target: ServingRevision | None) -> Said | None:
    rejected = rejection(o.deployment, target.revision) if target else None
    return ("True", rejected.reason, f"{rejected.model_version}: {rejected.message}") if rejected else None


def _stalled(o: DeploymentObserved, target: ServingRevision | None, problem: Wait | Refused | None) -> Said | None:
    """Only somebody's change helps, of the spec in most cases."""
    if o.taken:
        return "True", "NameTaken", _taken(o)
    if isinstance(problem, Refused):
        return "True", problem.reason, str(problem)
    if o.status.phase == "Canary" and (check := wrong(o.checks)) and check.answer:
        return "True", check.answer.reason or "", f"check {check.name}: {check.answer.message}"
    if target and (rejected := rejection(o.deployment, target.revision)):
        again = max(v.retry for v in (rejected, *o.status.verdicts) if v.revision == rejected.revision) + 1
        return (
            "True",
            "RolledBack",
            f"deploy another version, or set spec.rollout.retry to {again} to try this one again (or once by hand:"
            f' annotation {ACTION}: "retry {rejected.revision}")',
        )
    return None


def _verdict_stored(o: DeploymentObserved, target: ServingRevision | None) -> Said | None:
    rejected = rejection(o.deployment, target.revision) if target else None
    if rejected is None or rejected == o.status.set_aside:
        return None
    if rejected.stored:
        return "True", "Stored", "the verdict is in the store: a rebuilt cluster will not serve this revision"
    problem = next(
        (j.problem for j in o.verdict_jobs if (j.revision, j.retry) == (rejected.revision, rejected.retry)), None
    )
    if problem:
        return "False", problem.reason, problem.message
    return "False", "NotStoredYet", "a Job is writing the verdict to the store"


def _action_done(o: DeploymentObserved) -> Said | None:
    """Of the annotation, as long as it stands."""
    if (given := answer(o)) is None:
        return None
    return ("True", "Done", given.message) if given.done else ("False", "Refused", given.message)


def _drifted(o: DeploymentObserved) -> Said | None:
    """Said anew only when it flips: the numbers of a steady drift change with every look."""
    before = o.status.condition("Drifted")
    found = o.drift
    if found and (before is None or (before.status == "True") != found[0]):
        return ("True", "Drift", found[1]) if found[0] else ("False", "NoDrift", found[1])
    return (before.status, before.reason, before.message) if before else None


def _batches_mixed(o: DeploymentObserved) -> Said | None:
    """Stays as long as the version does: its servers count anew after a restart, and what was proven stays wrong."""
    before = o.status.condition("BatchesMixed")
    running = [revision for revision in (o.status.stable, o.status.candidate) if revision]
    for revision in running:
        message = (
            f"{revision.model_version} answered otherwise in a batch than alone, beyond rounding: its servers make no"
            " batches any more, but answers before may be wrong; set spec.batching to Off, and report the model"
        )
        told = before is not None and before.message == message
        if told or any(pod.snapshot and pod.snapshot.mixed_batches for pod in pods_of(o.pods, revision)):
            return "True", "BatchesMixed", message
    return None


def noticed(before: ModelDeploymentStatus, after: ModelDeploymentStatus) -> Iterator[Event]:
    """What the servers show and no move tells of, each time that it turns."""
    for type_, bad in (("Drifted", "True"), ("BatchesMixed", "True"), ("ChecksPassed", "False")):
        was, now = before.condition(type_), after.condition(type_)
        if now is None:
            continue
        good = "False" if bad == "True" else "True"
        known = (was.status, was.message) if was else (good, now.message)
        if (now.status, now.message) != known:
            yield Event("Warning" if now.status == bad else "Normal", now.reason, now.message)


def _held_by(o: DeploymentObserved) -> str:
    """What the candidate waits for, if anything is known of it."""
    unreachable = "" if o.evidence.candidate.reached else f": {UNREACHABLE}"
    checks = held_by_checks(o)
    return _because(trouble_of(o, o.status.candidate)) or unreachable or (f": {checks.message}" if checks else "")


def _progress(o: DeploymentObserved) -> str:
    """Where the rollout stands, in words; the same text as long as nothing is decided."""
    status = o.status
    candidate = status.candidate.model_version if status.candidate else ""
    match status.phase:
        case "Pending":
            return f"{candidate} is starting" if candidate else "waiting for a version"
        case "Canary" | "Paused":
            total, step = len(o.deployment.spec.rollout.steps), (status.step or 0) + 1
            held = " (paused)" if status.phase == "Paused" else ""
            return f"step {step} of {total}: {status.weight} % of requests go to {candidate}{held}{_held_by(o)}"
        case "Promoting":
            held = " (paused)" if paused_by_hand(o) else ""
            return f"{candidate} is being promoted{held}{_held_by(o)}"
        case "RollingBack":
            return f"traffic leaves {candidate}"
        case _:
            return "nothing to roll out"
