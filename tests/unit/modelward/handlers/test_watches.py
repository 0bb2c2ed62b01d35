"""kopf watches what we need, hands it on as keys, and has nothing that would write."""

import asyncio
from typing import Any

import kopf
import pytest

from modelward.clients.fake import FakeKube
from modelward.decide.plan import Key
from modelward.engine.first_sight import FirstSight
from modelward.engine.queue import Queue
from modelward.engine.sightings import Sightings
from modelward.handlers.kopf_settings import operator_settings
from modelward.handlers.watches import register

World = tuple[Queue, Sightings, kopf.OperatorRegistry]


def handlers(registry: kopf.OperatorRegistry) -> dict[str, Any]:
    return {handler.id: handler.fn for handler in registry._watching.get_all_handlers()}


@pytest.fixture
async def world() -> World:
    queue, sightings, registry = Queue(), Sightings(), kopf.OperatorRegistry()
    register(registry, queue, sightings, FirstSight(FakeKube()))
    return queue, sightings, registry


async def test_our_kinds_and_the_children_that_somebody_waits_for_are_watched(world: World) -> None:
    ours = {"datasets", "datasetversions", "trainingruns", "modelversions", "registeredmodels", "modeldeployments"}

    assert handlers(world[2]).keys() == ours | {"jobs", "deployments", "pods"}


async def test_no_handler_makes_kopf_write_to_an_object(world: World) -> None:
    registry = world[2]

    assert not registry._changing.get_all_handlers()
    assert not registry._spawning.get_all_handlers()
    assert not registry._indexing.get_all_handlers()
    assert not operator_settings().posting.enabled


async def test_event_enqueues_keys_once(world: World) -> None:
    queue, sightings, registry = world
    metadata = {"name": "a", "namespace": "ns", "resourceVersion": "1"}
    pod = {"metadata": {"name": "p", "namespace": "ns", "labels": {"modelward.dev/dataset": "a"}}}

    await handlers(registry)["datasets"](event={"type": None, "object": {"metadata": metadata, "spec": {}}})
    await handlers(registry)["pods"](event={"type": "MODIFIED", "object": pod})

    assert await asyncio.wait_for(queue.get(), 5) == Key("Dataset", "ns", "a")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.get(), 0.1)
    assert sightings.versions == {Key("Dataset", "ns", "a"): "1"}


async def test_spec_that_was_not_answered_yet_goes_ahead_of_all_that_waits(world: World) -> None:
    queue, _, registry = world
    for number in range(3):
        queue.add(Key("ModelDeployment", "ns", f"waits-{number}"))
    metadata = {"name": "edited", "namespace": "ns", "resourceVersion": "2", "generation": 2}
    for observed, name in ((2, "answered"), (1, "edited")):
        found = {"metadata": metadata | {"name": name}, "spec": {}, "status": {"observedGeneration": observed}}
        await handlers(registry)["modeldeployments"](event={"type": "MODIFIED", "object": found})

    keys = [(await asyncio.wait_for(queue.get(), 5)).name for _ in range(5)]

    assert keys == ["edited", "waits-0", "waits-1", "waits-2", "answered"]


async def test_delete_is_noted(world: World) -> None:
    _, sightings, registry = world
    found = {"metadata": {"name": "a", "namespace": "ns", "resourceVersion": "1"}}
    for kind in ("ADDED", "DELETED"):
        await handlers(registry)["datasets"](event={"type": kind, "object": found})

    assert sightings.versions == {}
