"""Reads the world around one ModelDeployment: its children by label, its pods' counters, the versions of its model."""

import asyncio
from datetime import UTC, datetime
from typing import Any

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion
from modelward.decide.judge.evidence import Window
from modelward.decide.observed import DeploymentObserved, ServedJob, VerdictJob
from modelward.decide.plan import Key, Ref
from modelward.names import DEPLOYMENT, LABEL, REVISION, Manifest
from modelward.observe.evidence import evidence_of
from modelward.observe.ledger import Ledger
from modelward.observe.scoring_pods import address_of, scoring_pod
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
    versions, pods, deployments, services, jobs = await asyncio.gather(
        world.kube.list(API, "ModelVersion", key.namespace),
        world.kube.list("v1", "Pod", key.namespace, mine | {"app.kubernetes.io/component": "scoring"}),
        world.kube.list("apps/v1", "Deployment", key.namespace, mine),
        world.kube.list("v1", "Service", key.namespace, mine),
        world.kube.list("batch/v1", "Job", key.namespace, mine),
    )
    snapshots = await _scrape(world, pods)
    seen = tuple(scoring_pod(pod, snapshots.get(pod["metadata"]["name"])) for pod in pods)
    ledger = world.ledgers.setdefault(key, Ledger(world.clock().timestamp()))
    return DeploymentObserved(
        deployment=deployment,
        raw=raw,
        versions=tuple(ModelVersion.model_validate(v) for v in versions),
        pods=seen,
        children=tuple(_refs(deployments, services)),
        front=_front(key.name, services),
        replicas={d["metadata"]["labels"][REVISION]: d.get("status", {}).get("replicas", 0) for d in deployments},
        evidence=evidence_of(ledger, deployment.status, seen),
        recent=ledger.recent(deployment.status.stable.revision) if deployment.status.stable else Window(),
        looked_on_since=datetime.fromtimestamp(ledger.began, UTC),
        verdict_jobs=tuple(_verdict_job(job) for job in jobs if LABEL + "retry" in job["metadata"]["labels"]),
        served_jobs=tuple(
            ServedJob(job["metadata"]["name"], _succeeded(job))
            for job in jobs
            if job["metadata"]["labels"].get("app.kubernetes.io/component") == "served"
        ),
        sign=world.sign,
        public_keys=world.public_keys,
    )


async def _scrape(world: World, pods: Any) -> dict[str, Snapshot]:
    """By pod name; a pod that does not answer is left out."""
    addresses = {p["metadata"]["name"]: address for p in pods if (address := address_of(p))}
    found = await asyncio.gather(*(world.scrape(address) for address in addresses.values()))
    return {name: snapshot for name, snapshot in zip(addresses, found, strict=True) if snapshot}


def _refs(deployments: Any, services: Any) -> list[Ref]:
    """Of revisions: the front Service carries no revision label."""
    return [
        Ref(api, kind, o["metadata"]["name"], o["metadata"]["uid"])
        for api, kind, objects in (("v1", "Service", services), ("apps/v1", "Deployment", deployments))
        for o in objects
        if REVISION in o["metadata"]["labels"]
    ]


def _front(name: str, services: Any) -> str | None:
    return next((s["spec"]["selector"].get(REVISION) for s in services if s["metadata"]["name"] == name), None)


def _verdict_job(job: Manifest) -> VerdictJob:
    labels = job["metadata"]["labels"]
    return VerdictJob(labels[REVISION], int(labels[LABEL + "retry"]), _succeeded(job))


def _succeeded(job: Manifest) -> bool:
    return bool(job.get("status", {}).get("succeeded"))
