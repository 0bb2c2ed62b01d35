"""Everything put together, started, and stopped within a moment."""

import asyncio
import contextlib
import functools
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import kopf
from kopf._cogs.structs.references import Insights
from kopf._core.engines.peering import Identity

from modelward.api import GROUP, KINDS, VERSION
from modelward.checkpoint import from_environment
from modelward.clients.kube import Kube
from modelward.clients.kubernetes import KubernetesKube, load_configuration
from modelward.clients.prometheus import Prometheus
from modelward.clients.scoring import ScoringPods, Signer
from modelward.engine.first_sight import FirstSight
from modelward.engine.freshness import Freshness
from modelward.engine.health import Health
from modelward.engine.loop import Engine, Reconciler
from modelward.engine.queue import Queue
from modelward.engine.sightings import Sightings
from modelward.engine.sweep import Sweep
from modelward.errors import Refused, Unavailable
from modelward.handlers.kopf_settings import operator_settings, register_login
from modelward.handlers.signing_key import signing_key
from modelward.handlers.watches import WATCHED, register
from modelward.observe.world import World
from modelward.settings import Settings
from modelward.telemetry import endpoint
from modelward.telemetry.metrics import QUEUE_DEPTH, QUEUE_LAG, SWEEP_AGE

_log = logging.getLogger(__name__)

_WORKERS = 10
_LAST_MOMENTS = 2.0
"""For reconciles under way when we are told to stop. One that is cut off is made good at the next start."""


@dataclass(frozen=True)
class Cluster:
    """Which one: the pod's own if nothing is named."""

    kubeconfig: str | None = None
    context: str | None = None


async def run(settings: Settings, cluster: Cluster, reconcilers: Mapping[str, Reconciler]) -> int:
    """Until SIGTERM or SIGINT (0), or until a part that must run for ever ends (1)."""
    stop = asyncio.Event()
    _stop_on_signals(stop)
    async with _reach(settings, cluster) as (world, pods):
        queue, sightings = Queue(), Sightings()
        world = replace(world, told_by=sightings.told_by)
        freshness = Freshness(sightings.versions)
        first, namespaces = FirstSight(world.kube), settings.watch_namespaces or (None,)
        engine = Engine(world, pods, queue, reconcilers, from_environment(os.environ), freshness=freshness, first=first)
        sweep = Sweep(world.kube, queue, sightings, namespaces)
        tasks: list[asyncio.Task[None]] = []
        async with _told(settings, Health(queue, sweep, tasks), queue, sweep):
            if not await _served(world.kube, settings.watch_namespaces, stop):
                return 0
            await first.take_in(namespaces, queue)
            workers = [asyncio.create_task(engine.work(), name=f"worker {n}") for n in range(_WORKERS)]
            tasks += [*workers, asyncio.create_task(sweep.run(), name="sweep")]
            tasks += await _watch(
                settings, cluster, functools.partial(register, queue=queue, sightings=sightings, first=first), stop
            )
            _log.info("watching %s", ", ".join(settings.watch_namespaces) or "all namespaces")
            failed = await _until(stop, tasks)
            await _wind_up(queue, workers, tasks)
            return int(failed)


@contextlib.asynccontextmanager
async def _reach(settings: Settings, cluster: Cluster) -> AsyncIterator[tuple[World, ScoringPods]]:
    """The outside world, its connections closed in the end."""
    kube = KubernetesKube(await load_configuration(cluster.kubeconfig, cluster.context))
    try:
        signer = Signer(settings.signing_key_file)
        if settings.signing_secret and not signer.mounted:
            made = await signing_key(kube, settings.namespace, settings.signing_secret)
            signer = Signer(settings.signing_key_file, made)
        public_keys = signer.public_keys
        async with ScoringPods(signer) as pods, Prometheus() as prometheus:
            yield World(kube, settings, pods.scrape, prometheus.ask, signer.sign, public_keys), pods
    finally:
        await kube.close()


@contextlib.asynccontextmanager
async def _told(settings: Settings, health: Health, queue: Queue, sweep: Sweep) -> AsyncIterator[None]:
    """Health and metrics are served."""
    QUEUE_DEPTH.set_function(lambda: queue.depth)
    QUEUE_LAG.set_function(lambda: queue.lag)
    SWEEP_AGE.set_function(lambda: sweep.age)
    runner = await endpoint.serve(settings.metrics_port, health.complaints)
    try:
        yield
    finally:
        await runner.cleanup()


def _stop_on_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _watch(
    settings: Settings, cluster: Cluster, handle: Callable[[kopf.OperatorRegistry], None], stop: asyncio.Event
) -> Sequence[asyncio.Task[None]]:
    """kopf asks once what the API server serves. One that has just begun leaves our kinds out, and kopf would never
    watch them: it is started anew until nothing is left out."""
    registry = kopf.OperatorRegistry()
    handle(registry)
    register_login(registry, cluster.kubeconfig, cluster.context)
    while True:
        insights = Insights()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=operator_settings(),
            identity=Identity("modelward"),  # by default it asks for the user's name, and a pod's has none
            clusterwide=not settings.watch_namespaces,
            namespaces=settings.watch_namespaces,
            insights=insights,
        )
        _stop_on_signals(stop)  # kopf has just set its own
        missing = await _left_out(insights, tasks, stop)
        if not missing:
            return list(tasks)
        _log.warning("the API server does not serve %s yet: asking again", ", ".join(sorted(missing)))
        await _end(tasks)
        await asyncio.sleep(1)


async def _left_out(insights: Insights, tasks: Collection[asyncio.Task[None]], stop: asyncio.Event) -> frozenset[str]:
    """What kopf does not watch although it should. Nothing, if the end comes before kopf knows."""
    known, stopped = asyncio.create_task(insights.ready_resources.wait()), asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([known, stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    known.cancel()
    stopped.cancel()
    return WATCHED - {resource.plural for resource in insights.watched_resources} if known in done else frozenset()


async def _served(kube: Kube, namespaces: Sequence[str], stop: asyncio.Event) -> bool:
    """Wait until the API server serves all our kinds: kopf would silently leave out one that came later."""
    missing = [model.NAMES.kind for model in KINDS]
    while missing:
        try:
            await kube.list(f"{GROUP}/{VERSION}", missing[0], namespaces[0] if namespaces else None)
            del missing[0]
        except (Refused, Unavailable) as error:
            _log.warning("waiting for %s: %s", missing[0], error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=2)
                return False
    return True


async def _until(stop: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> bool:
    """Wait for the end. True if something failed."""
    stopped = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in done if task is not stopped]
    for task in failed:
        error = None if task.cancelled() else task.exception()
        _log.error("%s ended: %s", task.get_name(), error or "no reason given", exc_info=error)
    stopped.cancel()
    return bool(failed)


async def _wind_up(queue: Queue, workers: Sequence[asyncio.Task[None]], tasks: Sequence[asyncio.Task[None]]) -> None:
    """Let reconciles under way finish, if that takes a moment only; end everything else."""
    queue.close()
    await asyncio.wait(workers, timeout=_LAST_MOMENTS)
    await _end(tasks)


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=_LAST_MOMENTS)
