"""One server process, from its start to its end.

Ports open first, so that probes see a live server; the model is proven, loaded, warmed and held against its golden
requests; only then is the server ready. A model that fails never turns ready: the reason is in the readiness body,
the log and the termination message. SIGTERM: not ready, serve on for the drain window, finish what is in flight.
"""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import perf_counter

from modelward_contracts.monitor import Snapshot
from modelward_contracts.reports import Termination
from modelward_contracts.traffic import Traffic, Untrusted
from modelward_serving.http.connection import Connection, Port
from modelward_serving.http.limits import Limits
from modelward_serving.model.plan import Plan
from modelward_serving.model.session import interrupt
from modelward_serving.model.together import Proven
from modelward_serving.monitor.counters import Counters
from modelward_serving.monitor.exposition import Exposition
from modelward_serving.monitor.report import Report, merged
from modelward_serving.refusal import ModelError
from modelward_serving.traffic.setting import Older, Settings

from . import room
from .admin import admin_routes
from .links import Ask, Link
from .listening import listen
from .options import Options
from .reporting import write_termination
from .routes import ModelRoutes, health_routes
from .service import Service
from .startup import prepare
from .workers import Post

LINGER_SECONDS = 10.0
"""How long a server whose model failed can still be asked why, before it exits."""
FINISH_SECONDS = 20.0
log = logging.getLogger(__name__)


class Server:
    """One process; with others beside it, `post` says which. Implements `admin.Served` and `links.Worker`."""

    def __init__(self, options: Options, plan: Plan, post: Post | None = None, proof: Proven | None = None) -> None:
        if post is not None and not post.lead:
            options = replace(options, admin_port=None, workers=plan.workers)
        self._options, self._plan, self._post, self._proof = options, plan, post, proof
        self._links = [Link(end, self) for end in post.links] if post is not None else []
        self._others_ready = not self._links
        self._counters = Counters()
        self._settings = Settings(options.traffic_dir, options.deployment, options.revision)
        self._service: Service | None = None
        self._failure: ModelError | None = None
        self._draining = False
        self._code = 0
        loading = health_routes(self._is_ready)
        loading.status, loading.explain = 503, lambda *_: "the model is not ready"
        limits = replace(options.limits, connections=room.connections())
        self._data = Port("data", loading.handle, limits)
        self._direct = Port("direct", loading.handle, limits)
        self._admin = Port("admin", admin_routes(self).handle, Limits(body_bytes=1 << 20, connections=100))
        self._listeners: list[asyncio.Server] = []
        self._stop = asyncio.Event()

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number)
        try:
            await self._listen()
        except ModelError as error:
            return _told(error)
        sweeper = loop.create_task(self._sweep())  # a loading server has clients too
        try:
            await self._start()
        except ModelError as error:
            return await self._failed(error)
        except Exception as error:
            log.error("the start failed", exc_info=error)
            return await self._failed(ModelError("StartFailed", f"the server cannot start: {error!r}"))
        await self._stop.wait()
        await self._drain()
        sweeper.cancel()
        return self._code

    async def _listen(self) -> None:
        options = self._options
        for port, number, option in (
            (self._admin, options.admin_port, "--admin-port"),
            (self._direct, options.direct_port, "--direct-port"),
            (self._data, options.port, "--port"),
        ):
            if number is not None:
                shared = self._post is not None and port is not self._admin
                first = self._post is not None and self._post.lead
                self._listeners.append(await listen(_factory(port), options.host, number, option, shared, first))

    async def _start(self) -> None:
        began = perf_counter()
        options = self._options
        prepared = await asyncio.to_thread(prepare, options, self._plan, self._proof)
        model, self._plan = prepared.model, prepared.plan
        shared = self._post.shared if self._post is not None else None
        loop, plan = asyncio.get_running_loop(), self._plan
        self._service = Service(loop, model, self._counters, prepared.one_row, plan.concurrent, self._data, shared)
        head = b"modelward-model: %b\r\n" % model.digest.encode()
        if options.revision:
            head += b"modelward-revision: %b\r\n" % options.revision.encode()
        scorer = self._service.scorer
        routes = ModelRoutes(model, self._plan, self.whole, lambda: scorer.batching, options.limits.rows)
        self._data.serve(routes.build(self._service.director.handle, self._is_ready), head)
        self._direct.serve(routes.build(self._service.scorer.score, self._is_ready), head)
        if (traffic := self._settings.read_mounted()) is not None:
            self._apply(traffic)
        await self._join_others()
        # What lives now lives as long as the process: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        fields = {"model": model.name, "version": model.version, "digest": model.digest, "plan": self._plan.as_dict()}
        told = model.batching
        fields["batching"] = "on" if told.rows_independent else f"off: {told.reason}"
        log.info("ready after %.3f s", perf_counter() - began, extra={"fields": fields})

    async def _join_others(self) -> None:
        """The lead waits for the others' first answer, which they give when they are ready, and tells them all."""
        if self._post is None:
            return
        if self._post.lead and self._plan.workers == 1:
            self._post.dismiss()  # the model wants all threads for one worker
            self._links, self._others_ready = [], True
            return
        if self._post.lead:
            self._post.call()
        for link in self._links:
            await link.open()
        if self._post.lead:
            try:
                for ask in (Ask(), Ask(all_ready=True)):
                    await asyncio.gather(*(link.ask(ask, seconds=None) for link in self._links))
            except (EOFError, OSError):
                raise ModelError("WorkerDied", "a worker ended while it loaded the model") from None
            self._others_ready = True

    async def _failed(self, error: ModelError) -> int:
        self._failure = error
        _told(error)
        if self._options.admin_port is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), LINGER_SECONDS)
        return 1

    async def _drain(self) -> None:
        for listener in self._listeners[1 if self._options.admin_port is not None else 0 :]:
            listener.close()
        if self._service is not None:
            self._service.director.stop()  # a candidate may take longer than there is time
        deadline = perf_counter() + FINISH_SECONDS
        while self._data.in_flight + self._direct.in_flight and perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        open_connections = [*self._data.connections, *self._direct.connections]
        for connection in open_connections:
            connection.close_if_idle()
        # A closed connection is gone when its last answer is: large ones may still be on their way to slow readers.
        while not all(c.lost for c in open_connections) and perf_counter() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        interrupt()  # what still runs is no one's any more
        if self._service is not None:
            self._service.close()
        log.info("stopped")
        await asyncio.sleep(0)

    def _signalled(self, number: signal.Signals) -> None:
        if self._draining or number == signal.SIGINT or self._failure is not None:
            self._stop.set()
        self._draining = True
        if self._post is not None:
            self._post.signal(number)
        self._data.closing = self._direct.closing = True
        log.info("%s: serving on for %.1f s", number.name, self._options.drain_seconds)
        asyncio.get_running_loop().call_later(self._options.drain_seconds, self._stop.set)

    def _other_died(self) -> None:
        """One of the others, or the lead: all end."""
        self._code = (self._post.reap(os.WNOHANG) if self._post is not None else 0) or 1
        log.error("a worker ended with %d: the server ends with it", self._code)
        self._signalled(signal.SIGTERM)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(1)
            now = perf_counter()
            for port in (self._data, self._direct, self._admin):
                port.sweep(now)
            if self._service is not None:
                self._service.tick()
            if self._others_ready and not self._draining and any(link.ended for link in self._links):
                self._other_died()

    def _is_ready(self) -> bool:
        return self._service is not None and self._others_ready and not self._draining

    def _apply(self, traffic: Traffic) -> None:
        if self._service is not None:
            self._service.director.apply(traffic)
            self._data.closing |= self._draining

    # admin.Served

    def readiness(self) -> tuple[bool, str, str]:
        if self._failure is not None:
            return False, self._failure.reason, self._failure.message
        if self._draining:
            return False, "Draining", "the server is about to stop"
        if self._service is None or not self._others_ready:
            return False, "Loading", "the model is being loaded and checked"
        return True, "Ready", "the model is loaded and answers as it was recorded"

    async def set_traffic(self, signed: bytes) -> Traffic:
        traffic = self._apply_signed(signed)
        ask = Ask(signed=signed.decode())
        for answer in await asyncio.gather(*(link.ask(ask) for link in self._links)):
            if answer.error:
                raise Untrusted(answer.error)
            if answer.epoch > traffic.epoch:
                raise Older(answer.epoch)
        return traffic

    def traffic(self) -> Traffic:
        return self._settings.in_force()

    async def snapshot(self) -> Snapshot:
        return (await self.whole()).snapshot

    async def metrics(self) -> bytes:
        service = self._service
        return Exposition(
            model=service.model.name if service is not None else self._options.name or "",
            version=self._options.version,
            report=await self.whole(),
            weight=self._settings.in_force().weight,
            plan=self._plan,
        ).text()

    # links.Worker

    async def whole(self) -> Report:
        if self._post is not None and not self._post.lead:
            answer = await self._links[0].ask(Ask(whole=True))
            if answer.report is None:
                raise EOFError(answer.error)
            return answer.report
        links = self._links if self._others_ready else []
        answers = await asyncio.gather(*(link.ask(Ask(report=True)) for link in links))
        return merged([self.report(), *(answer.report for answer in answers if answer.report is not None)])

    def all_ready(self) -> None:
        self._others_ready = True

    def apply_signed(self, signed: bytes) -> int:
        return self._apply_signed(signed).epoch

    def report(self) -> Report:
        counters, service = self._counters, self._service
        return Report(
            snapshot=self._snapshot(),
            queue=counters.queue.as_histogram(),
            compute=counters.compute.as_histogram(),
            batch_rows={str(size): count for size, count in counters.batch_rows.items()},
            rows=counters.rows,
            last_inference=counters.last_inference,
            batching=service is not None and service.scorer.batching.rows_independent,
            checked=counters.checked,
            turned_away=self._data.turned_away + self._direct.turned_away,
            forward_deadline=service.director.deadline if service is not None else 0.0,
            forwarding=service.director.forwarding if service is not None else 0,
        )

    def _apply_signed(self, signed: bytes) -> Traffic:
        traffic = self._settings.accept(signed)
        self._apply(traffic)
        return traffic

    def _snapshot(self) -> Snapshot:
        service, counters = self._service, self._counters
        return Snapshot(
            pod=self._options.pod,
            revision=self._options.revision,
            model=service.model.digest if service is not None else self._options.digest or "",
            profile=service.model.profile_digest if service is not None else "",
            started=counters.started,
            epoch=self._settings.epoch,
            ready=self._is_ready(),
            scored={str(status): count for status, count in counters.scored.items()},
            uncomputed=counters.uncomputed,
            latency=counters.total.as_histogram(),
            forwards=service.director.forwards() if service is not None else {},
            connections=len(self._data.connections),
            idle=self._data.idle(perf_counter()),
            in_flight=self._data.in_flight + self._direct.in_flight,
            mixed_batches=counters.mixed,
            signals=service.signals.snapshot() if service is not None and service.signals is not None else [],
        )


def _told(error: ModelError) -> int:
    """In the log, and to the kubelet."""
    log.error("%s", error.message, extra={"fields": {"reason": error.reason}})
    write_termination(Termination(result="Failed", reason=error.reason, message=error.message))
    return 1


def _factory(port: Port) -> Callable[[], Connection]:
    return lambda: Connection(port)
