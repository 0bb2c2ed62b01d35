"""A namespace in memory in which datasets are ingested and runs trained: the real observe, decide and act.

What the Job controller, the kubelet and the scheduler would say is put in by hand: `succeed`, `fail`, `pod`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from modelward.api import GROUP, VERSION
from modelward.api.common import Condition
from modelward.clients.fake import FakeKube
from modelward.decide.conditions import timestamp
from modelward.decide.plan import Key
from modelward.engine.loop import Engine
from modelward.engine.queue import Queue
from modelward.engine.reconcilers import RECONCILERS
from modelward.errors import Unavailable
from modelward.names import Manifest
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.inputs import inputs_hash
from modelward_contracts.manifests import Column, Signature, SourceFile, Tensor
from modelward_contracts.reports import (
    NOT_NEEDED,
    PREFIX,
    CollectReport,
    GateResult,
    IngestReport,
    PublishReport,
    Report,
    Termination,
)
from modelward_contracts.tasks import TrainTask
from modelward_contracts.traffic import Traffic
from modelward_contracts.wire import canonical, decode, sha256

API = f"{GROUP}/{VERSION}"
NAMESPACE = "ns"
SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", store_secret="bucket")
START = datetime(2026, 1, 1, tzinfo=UTC)
OURS = ("Dataset", "DatasetVersion", "TrainingRun", "ModelVersion", "RegisteredModel")


class NoServers:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def ingest_report(manifest: str = digest("a"), rows: int = 10) -> IngestReport:
    return IngestReport(
        manifest=manifest,
        task="classification",
        rows=rows,
        bytes=100,
        split_rows={"train": rows - 2, "validation": 1, "test": 1},
        columns=[Column(name="late", type="integer", nullable=False)],
        classes=["0", "1"],
        sources=[SourceFile(path="inline", bytes=10, digest=digest("0"))],
        source_files=1,
    )


def publish_report(
    manifest: str = digest("b"), gates: tuple[GateResult, ...] = (), inputs: str = digest("d")
) -> PublishReport:
    tensor = Tensor(name="distance", datatype="FP32", shape=[-1, 1])
    return PublishReport(
        manifest=manifest,
        model=digest("c"),
        model_bytes=1000,
        task="classification",
        signature=Signature(inputs=[tensor], outputs=[tensor], classes=["0", "1"]),
        metrics={"auc": 0.9},
        validation_metrics={"auc": 0.91},
        parity={"rows": 2.0},
        latency_seconds={"p50": 0.001},
        memory_bytes=10_000_000,
        gates=list(gates),
        inputs_hash=inputs,
    )


@dataclass
class Workshop:
    """Made inside a running loop. Time moves by `pass_time` alone."""

    kube: FakeKube = field(default_factory=FakeKube)
    now: datetime = START
    settings: Settings = SETTINGS

    def __post_init__(self) -> None:
        self._engine = Engine(
            World(self.kube, self.settings, clock=lambda: self.now), NoServers(), Queue(), RECONCILERS
        )

    def dataset(self, name: str = "flights", annotations: dict[str, str] | None = None, **spec: Any) -> None:
        source = {"inline": {"data": "id,late\n1,0\n"}}
        self._put("Dataset", name, {"source": source, "columns": {"label": "late", "id": "id"}} | spec, annotations)

    def run(self, name: str = "flights-a", **spec: Any) -> None:
        others = {"container", "script", "import", "reproduce"}
        trains = {} if others & spec.keys() else {"estimator": {"name": "LogisticRegression"}}
        self._put("TrainingRun", name, {"modelName": "flights", "datasetRef": {"name": "flights"}} | trains | spec)

    def _put(self, kind: str, name: str, spec: dict[str, Any], annotations: dict[str, str] | None = None) -> None:
        metadata = {"name": name, "namespace": NAMESPACE, "annotations": annotations or {}}
        self.kube.put({"apiVersion": API, "kind": kind, "metadata": metadata, "spec": spec})

    async def settle(self) -> None:
        """Look at everything of ours until nothing is written any more."""
        for _ in range(20):
            before = len(self.kube.writes)
            await self.look()
            if len(self.kube.writes) == before:
                return
        raise AssertionError(f"it does not come to rest: {self.kube.writes[-10:]}")

    async def look(self) -> None:
        for kind in OURS:
            for name in self.names(kind):
                await self._engine.reconcile(Key(kind, NAMESPACE, name))

    async def look_at(self, kind: str, name: str) -> float | None:
        """Seconds until it wants to be looked at again."""
        return await self._engine.reconcile(Key(kind, NAMESPACE, name))

    async def pass_time(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        await self.settle()

    def names(self, kind: str) -> list[str]:
        return sorted(name for _, of_kind, _, name in self.kube.objects if of_kind == kind)

    def get(self, kind: str, name: str) -> Manifest:
        return next(o for (_, k, _, n), o in self.kube.objects.items() if (k, n) == (kind, name))

    def job(self) -> str:
        """The only one that is no reprint."""
        (name,) = [name for name in self.names("Job") if not name.endswith("-report")]
        return name

    def condition(self, kind: str, name: str, type_: str = "Ready") -> tuple[str, str, str] | None:
        found = self.get(kind, name).get("status", {}).get("conditions", [])
        of_type = [Condition.model_validate(c) for c in found if c["type"] == type_]
        return (of_type[0].status, of_type[0].reason, of_type[0].message) if of_type else None

    def status(self, kind: str, name: str) -> dict[str, Any]:
        status: dict[str, Any] = self.get(kind, name)["status"]
        return status

    def events(self) -> list[str]:
        found = [o for (_, kind, _, _), o in self.kube.objects.items() if kind == "Event"]
        return [f"{event['type']} {event['reason']}" for event in found]

    def succeed(self, report: Report, job: str | None = None, log: bool = True, pod: bool = True) -> None:
        job = job or self.job()
        data = canonical(report)
        container = {IngestReport: "ingest", CollectReport: "collect"}.get(type(report), "publish")
        container = "report" if job.endswith("-report") else container
        said = Termination(result="Succeeded", reason="Done", message="done", report=sha256(data))
        if pod:
            self.pod(job, {container: ended(0, canonical(said).decode())}, phase="Succeeded")
        if log:
            lines = "a library's warning\n" + PREFIX + '{"kind":"Progress","message":"half"}\n'
            self.kube.logs[NAMESPACE, f"{job}-pod1", container] = lines + PREFIX + data.decode() + "\n"
        self.finish(job, "Complete")

    def find_stored(self, report: Report, job: str | None = None) -> None:
        """The first step of the training finds the report in the store."""
        job, data = job or self.job(), canonical(report)
        said = Termination(result="Succeeded", reason="Stored", message="found", report=sha256(data))
        found = ended(NOT_NEEDED, canonical(said).decode())
        self.pod(job, {"fetch": found, "train": waiting("PodInitializing")}, phase="Failed")
        self.kube.logs[NAMESPACE, f"{job}-pod1", "fetch"] = PREFIX + data.decode() + "\n"
        self.finish(job, "Failed", "PodFailurePolicy")

    def edit(self, kind: str, name: str, **spec: Any) -> None:
        """A user's change of some fields."""
        live = self.get(kind, name)
        self.kube.put({**live, "spec": live["spec"] | spec})

    def inputs(self, run: str) -> str:
        """The hash of all that decides what a run yields, as the task of its Job has it."""
        task = self.get("ConfigMap", str(self.status("TrainingRun", run)["job"]))["data"]["task.json"]
        return inputs_hash(decode(task, TrainTask))

    def fail(self, container: str, terminated: dict[str, Any], reason: str = "PodFailurePolicy") -> None:
        self.pod(self.job(), {container: terminated}, phase="Failed")
        self.finish(self.job(), "Failed", reason)

    def finish(self, job: str, condition: str, reason: str = "") -> None:
        found = self.get("Job", job)
        said = {"type": condition, "status": "True", "reason": reason, "message": f"the Job is {condition}"}
        self.kube.put({**found, "status": {"conditions": [said | {"lastTransitionTime": timestamp(self.now)}]}})

    def pod(
        self,
        job: str,
        containers: dict[str, dict[str, Any]],
        phase: str = "Pending",
        number: int = 1,
        conditions: list[dict[str, Any]] | None = None,
    ) -> None:
        """`containers`: the state of each, in their order; the last one is the pod's main container."""
        template = self.get("Job", job)["spec"]["template"]
        states = [{"name": n, "image": "image:1", "state": state} for n, state in containers.items()]
        labels = template["metadata"]["labels"] | {"batch.kubernetes.io/job-name": job}
        metadata = {"name": f"{job}-pod{number}", "namespace": NAMESPACE, "labels": labels}
        made = timestamp(self.now + timedelta(seconds=number))
        status = {
            "initContainerStatuses": states[:-1],
            "containerStatuses": states[-1:],
            "conditions": conditions or [],
        }
        self.kube.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": metadata | {"creationTimestamp": made},
                "spec": template["spec"],
                "status": {"phase": phase, **status},
            }
        )


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else reason, "message": message}}


def said(reason: str, message: str, retryable: bool = False) -> dict[str, Any]:
    """One of our steps failed and says why."""
    words = Termination(result="Failed", reason=reason, message=message, retryable=retryable)
    return ended(75 if retryable else 1, canonical(words).decode())


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


RUNNING: dict[str, Any] = {"running": {}}
