"""`/metrics`: a snapshot in Prometheus' text form, with the names and buckets of its conventions."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from modelward_serving.model.plan import Plan

from .latency import coarse
from .report import Report

BUCKETS = (0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Exposition:
    """What the metrics say, of all workers together."""

    model: str
    version: str
    report: Report
    weight: int
    plan: Plan

    def text(self) -> bytes:
        # Imported here: a server that nobody scrapes for Prometheus never needs it.
        from prometheus_client import generate_latest
        from prometheus_client.registry import CollectorRegistry

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(list(self._families())))
        return generate_latest(registry)

    def _families(self) -> Iterator[Any]:
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
            InfoMetricFamily,
        )

        report, snapshot = self.report, self.report.snapshot
        identity = [self.model, self.version, snapshot.model]
        names = ["model", "version", "digest"]
        info = {"revision": snapshot.revision, "profile": snapshot.profile}
        yield InfoMetricFamily(
            "modelward_model", "The model that is served", dict(zip(names, identity, strict=True)) | info
        )
        requests = CounterMetricFamily(
            "modelward_requests", "Requests answered by this server's own model", labels=[*names, "code"]
        )
        for code, count in snapshot.scored.items():
            requests.add_metric([*identity, code], count)
        yield requests
        for name, help_text, histogram in (
            ("request", "Queue, compute and encoding of requests answered with 200", snapshot.latency),
            ("request_queue", "From a request's arrival to the start of its batch", report.queue),
            ("request_compute", "The run of a request's batch", report.compute),
        ):
            family = HistogramMetricFamily(f"modelward_{name}_duration_seconds", help_text, labels=names)
            family.add_metric(identity, coarse(histogram, BUCKETS), histogram.sum)
            yield family
        batches = HistogramMetricFamily("modelward_batch_rows", "Rows that ran together", labels=names)
        batches.add_metric(identity, _cumulative(report.batch_rows), report.rows)
        yield batches
        yield GaugeMetricFamily(
            "modelward_batching", "1 where rows of several requests run together", value=float(report.batching)
        )
        yield CounterMetricFamily(
            "modelward_batches_checked", "Batches that ran again, request by request", value=report.checked
        )
        yield CounterMetricFamily(
            "modelward_batches_mixed", "Batches whose answers were others than alone", value=snapshot.mixed_batches
        )
        yield GaugeMetricFamily("modelward_ready", "1 when ready", value=float(snapshot.ready))
        yield GaugeMetricFamily("modelward_connections", "Open client connections", value=snapshot.connections)
        yield GaugeMetricFamily("modelward_requests_in_flight", "Requests not answered yet", value=snapshot.in_flight)
        yield CounterMetricFamily(
            "modelward_connections_refused", "Connections for which there was no room", value=report.turned_away
        )
        yield GaugeMetricFamily("modelward_traffic_epoch", "Epoch of the setting in force", value=snapshot.epoch)
        yield GaugeMetricFamily("modelward_traffic_weight_percent", "Share for the candidate", value=self.weight)
        yield GaugeMetricFamily(
            "modelward_forward_deadline_seconds", "Seconds a candidate has to answer", value=report.forward_deadline
        )
        yield GaugeMetricFamily(
            "modelward_forwards_in_flight", "Requests that wait for the candidate", value=report.forwarding
        )
        plan = self.plan
        yield GaugeMetricFamily("modelward_cpus", "CPUs by quota or affinity", value=plan.cpus)
        yield GaugeMetricFamily("modelward_workers", "Processes that share the port", value=plan.workers)
        yield GaugeMetricFamily("modelward_threads", "Threads of a run", value=plan.intra_op_threads)
        yield from self._forwards(CounterMetricFamily, GaugeMetricFamily)

    def _forwards(self, counter: Any, gauge: Any) -> Iterator[Any]:
        forwards = counter(
            "modelward_forwards",
            "Requests handed to a candidate, by what came of them",
            labels=["candidate", "outcome"],
        )
        breaker = gauge("modelward_breaker_open", "1 when forwarding has stopped", labels=["candidate"])
        trials = counter(
            "modelward_forward_trials_failed",
            "Copies of requests that tried a candidate again after forwarding had stopped, in vain",
            labels=["candidate"],
        )
        for revision, counts in self.report.snapshot.forwards.items():
            forwards.add_metric([revision, "answered"], counts.answered)
            for cause, count in counts.failures.items():
                forwards.add_metric([revision, cause], count)
            breaker.add_metric([revision], float(counts.breaker_open))
            trials.add_metric([revision], counts.failed_trials)
        yield from (forwards, breaker, trials)


class _Collector:
    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> Iterable[Any]:
        return self._families


def _cumulative(counts: dict[str, int]) -> list[tuple[str, float]]:
    total, buckets = 0, []
    for size in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
        total += counts.get(str(size), 0)
        buckets.append((repr(float(size)), float(total)))
    return [*buckets, ("+Inf", float(sum(counts.values())))]
