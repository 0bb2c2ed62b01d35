"""Reads the world around one ModelDeployment: its children by label, its pods' counters, the versions of its model."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion
from modelward.decide.judge.remembered import remembered
from modelward.decide.observed import DeploymentObserved
from modelward.decide.plan import Key, Ref
from modelward.names import DEPLOYMENT, MODEL, REVISION, Manifest, is_ours
from modelward.observe.checks import Questions, checks_of
from modelward.observe.deployment_jobs import served_jobs, trace_jobs, verdict_jobs
from modelward.observe.evidence import evidence_of
from modelward.observe.ledger import Ledger
from modelward.observe.scoring_deployments import refused, replacing, revision_of
from modelward.observe.scoring_pods import address_of, scoring_pod
from modelward.observe.selectors import selects
from modelward.observe.trial import on_trial, own_job, recording
from modelward.observe.world import World
from modelward_contracts.monitor import Snapshot

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> DeploymentObserved | None:
    raw = await world.kube.get(API, "ModelDeployment", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        world.ledgers.pop(key, None)
        return None
    deployment = ModelDeployment.model_validate(raw)
    mine = {DEPLOYMENT: key.name}
    versions, pods, deployments, services, jobs, budgets = await asyncio.gather(
        _versions(world, deployment),
        world.kube.list("v1", "Pod", key.namespace, mine | {"app.kubernetes.io/component": "scoring"}),
        world.kube.list("apps/v1", "Deployment", key.namespace, mine),
        world.kube.list("v1", "Service", key.namespace, mine),
        world.kube.list("batch/v1", "Job", key.namespace, mine),
        world.kube.list(
            "policy/v1",
            "PodDisruptionBudget",
            key.namespace,
            only=lambda each: _is_own(each, key) or not is_ours(each),
        ),
    )
    own_budgets, others = [b for b in budgets if _is_own(b, key)], [b for b in budgets if not is_ours(b)]
    snapshots = await _scrape(world, pods)
    seen = tuple(scoring_pod(pod, snapshots.get(pod["metadata"]["name"])) for pod in pods)
    clock = world.clock()
    now = clock.timestamp()
    ledger = world.ledgers.get(key) or world.ledgers.setdefault(key, _ledger(deployment, now))
    evidence = evidence_of(ledger, deployment.status, seen)
    tracing = await trace_jobs(world, jobs, own_job(ledger, key.name))
    return DeploymentObserved(
        deployment=deployment,
        raw=raw,
        versions=tuple(ModelVersion.model_validate(v) for v in versions),
        pods=seen,
        children=tuple(_refs(deployments, services, own_budgets)),
        front=_front(key.name, services),
        replicas={revision_of(d): d.get("status", {}).get("replicas", 0) for d in deployments},
        refused=refused(deployments),
        replacing=replacing(deployments),
        taken=await _taken(world, key, services),
        budget_of_others=any(selects(b["spec"].get("selector"), p["metadata"]["labels"]) for b in others for p in pods),
        evidence=evidence,
        trial=on_trial(ledger, deployment, evidence, seen, now),
        checks=checks_of(ledger.questions, deployment, world.settings, world.ask, clock),
        drift=ledger.drift(deployment.status.stable.revision) if deployment.status.stable else None,
        looked_on_since=datetime.fromtimestamp(ledger.began, UTC),
        actions_verified=world.settings.actions_verified,
        verdict_jobs=await verdict_jobs(world, jobs),
        served_jobs=served_jobs(jobs),
        trace_jobs=tracing,
        recording=recording(ledger, deployment, tracing, now),
        sign=world.sign,
        public_keys=world.public_keys,
    )


def _ledger(deployment: ModelDeployment, now: float) -> Ledger:
    """One that goes on where the operator before this one stopped."""
    ledger, status = Ledger(now), deployment.status
    ledger.questions = Questions(status.checks)
    before = remembered(status.trial)
    if before and status.rollout_started:
        ledger.take_up(status.rollout_started, before)
    return ledger


async def _scrape(world: World, pods: Any) -> dict[str, Snapshot]:
    """By pod name; a pod that does not answer is left out."""
    addresses = {p["metadata"]["name"]: address for p in pods if (address := address_of(p))}
    found = await asyncio.gather(*(world.scrape(address) for address in addresses.values()))
    return {name: snapshot for name, snapshot in zip(addresses, found, strict=True) if snapshot}


def _refs(deployments: Any, services: Any, budgets: Any) -> list[Ref]:
    """Of revisions: the front Service carries no revision label."""
    return [
        Ref(api, kind, o["metadata"]["name"], o["metadata"]["uid"])
        for api, kind, objects in (
            ("v1", "Service", services),
            ("apps/v1", "Deployment", deployments),
            ("policy/v1", "PodDisruptionBudget", budgets),
        )
        for o in objects
        if REVISION in o["metadata"]["labels"]
    ]


def _front(name: str, services: Any) -> str | None:
    return next((s["spec"]["selector"].get(REVISION) for s in services if s["metadata"]["name"] == name), None)


async def _versions(world: World, deployment: ModelDeployment) -> list[Manifest]:
    """Those of the model that the spec names, and what runs already, of whatever model."""
    namespace, model, status = deployment.metadata.namespace, deployment.spec.model_ref.name, deployment.status
    runs = {each.model_version: each.digest for each in status.revisions}
    found = list(await world.kube.list(API, "ModelVersion", namespace, {MODEL: model}))
    others = runs.keys() - {version["metadata"]["name"] for version in found}
    named = await asyncio.gather(*(world.kube.get(API, "ModelVersion", namespace, name) for name in sorted(others)))
    return found + [each for each in named if each and each["spec"]["digest"] == runs[each["metadata"]["name"]]]


def _is_own(budget: Manifest, key: Key) -> bool:
    return is_ours(budget) and budget["metadata"]["labels"].get(DEPLOYMENT) == key.name


async def _taken(world: World, key: Key, services: Sequence[Manifest]) -> bool:
    """The front Service's name is another's. Asked only where ours is not there."""
    if any(service["metadata"]["name"] == key.name for service in services):
        return False
    found = await world.kube.get("v1", "Service", key.namespace, key.name)
    return found is not None and not is_ours(found)
