"""The questions: how long until everything is made, until an edit arrives, until a new operator has looked at all of
it; and what the operator takes while nothing happens."""

import asyncio
import json
import random
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from api.engine_operator import Operator
from benchmarks.operator import objects
from benchmarks.operator.client import Client, Manifest
from benchmarks.operator.process import Writes, books, memory_mib
from benchmarks.operator.scoring_pods import PORT

_CHILDREN = {"/apis/apps/v1/deployments": 1, "/api/v1/services": 2, "/apis/policy/v1/poddisruptionbudgets": 1}
"""Of each deployment."""
_EDITS_A_SECOND = 10
_SETTLED = 40.0
"""Seconds in which all that a start has looked at is looked at once more."""
_QUIET = 20.0
"""Seconds without a write: it has come to rest."""

Result = dict[str, Any]


async def applied(client: Client, operator: Operator, writes: Writes, size: int) -> Result:
    """All at once, beside an operator that has nothing to do."""
    others = {path: await client.count(path) for path in _CHILDREN}
    before, began = books(operator), time.monotonic()
    await client.create_all(objects.deployments(size))
    sent = time.monotonic() - began

    async def made() -> bool:
        return all([await client.count(path) - others[path] >= each * size for path, each in _CHILDREN.items()])

    await _until(made, 30 * 60, "all children are made")
    children = time.monotonic() - began
    await _until(lambda: _ready(client, size), 30 * 60, "all are Ready", pause=2.0)
    ready = time.monotonic() - began
    written = await at_rest(writes)
    spent = books(operator).since(before)
    return {
        "applied_seconds": round(sent, 1),
        "children_seconds": round(children, 1),
        "ready_seconds": round(ready, 1),
        "writes": dict(written),
        "requests": dict(spent.requests),
        "reconciles": dict(spent.reconciles),
        "cpu_seconds": round(spent.cpu_seconds, 1),
        "memory_mib": memory_mib(operator.process.pid),
    }


async def at_rest(writes: Writes) -> Any:
    """Waits until the operator writes no more; what it wrote."""
    found, quiet_since = writes.new(), time.monotonic()
    while time.monotonic() - quiet_since < _QUIET:
        await asyncio.sleep(1)
        if new := writes.new():
            found, quiet_since = found + new, time.monotonic()
    return found


async def started(operator: Operator, writes: Writes, size: int, began: float) -> Result:
    """From the start of the process until each scoring pod was asked for its counters by it."""

    async def looked_at() -> bool:
        return bool(asked()["pods"] >= 2 * size)

    await _until(looked_at, 15 * 60, "every pod is asked", pause=0.1)
    took = time.monotonic() - began
    now = books(operator)
    await asyncio.sleep(_QUIET)
    return {
        "looked_at_seconds": round(took, 1),
        "cpu_seconds": round(now.cpu_seconds, 1),
        "requests": dict(now.requests),
        "reconciles": dict(now.reconciles),
        "writes": sum(writes.new().values()),
        "memory_mib": memory_mib(operator.process.pid),
    }


async def rested(operator: Operator, writes: Writes, seconds: float) -> Result:
    """Nothing happens, but that the models serve; everything has been looked at twice by then."""
    await asyncio.sleep(_SETTLED)
    writes.new()
    forget()
    before, began = books(operator), time.monotonic()
    await asyncio.sleep(seconds)
    spent, took, told = books(operator).since(before), time.monotonic() - began, asked()
    return {
        "seconds": round(took, 1),
        "cpu_cores": round(spent.cpu_seconds / took, 3),
        "writes": sum(writes.new().values()),
        "requests": dict(spent.requests),
        "looks": dict(spent.reconciles),
        "pods_asked": told["pods"],
        "longest_pause_of_a_pod_seconds": told["longest_pause"],
        "memory_mib": memory_mib(operator.process.pid),
    }


async def edited(client: Client, size: int, edits: int) -> Result:
    """spec.replicas of one deployment after the other, until the child's is the same."""
    numbers = random.Random(0).sample(range(size), min(edits, size))
    sent, arrived = dict[str, float](), dict[str, float]()
    watching = asyncio.create_task(_follow(client, arrived))
    await asyncio.sleep(1)
    for number in numbers:
        name = f"{objects.namespace_of(number)}/{objects.name_of(number)}"
        sent[name] = time.monotonic()
        await client.patch(objects.path_of(number), {"spec": {"replicas": 3}})
        await asyncio.sleep(1 / _EDITS_A_SECOND)

    async def all_there() -> bool:
        return sent.keys() <= arrived.keys()

    await _until(all_there, 120, "all edits arrived")
    watching.cancel()
    times = sorted(arrived[name] - sent[name] for name in sent)
    return {"edits": len(times)} | {f"p{q}_ms": round(1000 * _quantile(times, q)) for q in (50, 90, 99)}


async def _follow(client: Client, arrived: dict[str, float]) -> None:
    """When the Deployment of each was first seen with three replicas."""
    newest = (await client.send("GET", "/apis/apps/v1/deployments?limit=1"))["metadata"]["resourceVersion"]
    async for event in client.watch("/apis/apps/v1/deployments", {"resourceVersion": newest}):
        found: Manifest = event["object"]
        if found["spec"]["replicas"] == 3:
            metadata = found["metadata"]
            name = f"{metadata['namespace']}/{metadata['labels']['modelward.dev/deployment']}"
            arrived.setdefault(name, time.monotonic())


def _quantile(times: list[float], percent: int) -> float:
    return times[min(len(times) - 1, int(len(times) * percent / 100))]


async def _ready(client: Client, size: int) -> bool:
    ready = 0
    async for page in client.pages(f"{objects.ROOT}/modeldeployments"):
        ready += sum(_is_ready(each) for each in page)
    return ready >= size


def _is_ready(found: Manifest) -> bool:
    return any(c["type"] == "Ready" and c["status"] == "True" for c in found["status"]["conditions"])


async def _until(met: Callable[[], Any], seconds: float, what: str, pause: float = 0.5) -> None:
    deadline = time.monotonic() + seconds
    while not await met():
        if time.monotonic() > deadline:
            raise RuntimeError(f"not in {seconds:.0f} s: {what}")
        await asyncio.sleep(pause)


def asked() -> Any:
    return _stub("GET")


def forget() -> None:
    _stub("DELETE")


def _stub(method: str) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}/asked", method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
