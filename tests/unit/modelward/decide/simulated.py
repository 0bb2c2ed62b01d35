"""A ModelDeployment's surroundings in memory: pods that become Ready, servers that follow settings and count.

It holds the plan's order (status → children → pushes) and nothing else of Kubernetes, so that the rollout's decisions
can be played in virtual time. What a real API server and real servers make of the plans is shown by the api and
cluster tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from modelward.api import ModelDeployment, ModelVersion
from modelward.api.model_deployment import (
    CheckAnswer,
    ModelDeploymentSpec,
    ModelDeploymentStatus,
    Rollout,
    ServingRevision,
)
from modelward.build.trace import trace_name
from modelward.decide.drift import drifted
from modelward.decide.judge.evidence import Evidence, Latency, Window
from modelward.decide.judge.promql import Answer, Check, followed, name_of
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import Remembered, remembered
from modelward.decide.judge.terms import Terms
from modelward.decide.judge.trial import Trial, counted, in_step, taken_up
from modelward.decide.model_deployment import decide
from modelward.decide.observed import DeploymentObserved, ScoringPod, ServedJob, TraceJob, Trouble, VerdictJob
from modelward.decide.plan import Plan, Ref
from modelward.decide.rollout.on_trial import compared, has_requests, start_of
from modelward.decide.steps import step_in_force
from modelward.names import REVISION
from modelward.settings import Settings
from modelward_contracts.monitor import Histogram, Snapshot
from modelward_contracts.tasks import TraceTask
from modelward_contracts.trace import Counts, Look
from modelward_contracts.wire import decode

SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1")
HARMFUL = Window(requests=500, failures=250)
START = datetime(2026, 1, 1, tzinfo=UTC)


def version(number: int, verified: str = "True", model: str = "flights") -> ModelVersion:
    digest = "sha256:" + f"{number:02x}" * 32
    condition = {
        "type": "Verified",
        "status": verified,
        "reason": "GatesPassed" if verified == "True" else "GateFailed",
        "message": "auc 0.4 misses >= 0.6",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    return ModelVersion.model_validate(
        {
            "metadata": {"name": f"{model}-{number}", "namespace": "ns", "uid": f"v{number}"},
            "spec": {
                "modelName": model,
                "version": number,
                "digest": digest,
                "model": {"digest": digest, "bytes": 1},
                "task": "classification",
                "signature": {"inputs": [], "outputs": []},
                "lineage": {
                    "trainingRun": "r",
                    "trainingRunUid": "u",
                    "datasetVersion": "d",
                    "datasetDigest": digest,
                    "inputsHash": digest,
                },
            },
            "status": {"conditions": [condition]},
        }
    )


@dataclass
class Simulated:
    """Call `tick()` as the operator's loop would; set `evidence`, `troubles`, `deaf` to make things happen."""

    spec: dict[str, Any] = field(default_factory=lambda: {"modelRef": {"name": "flights"}})
    versions: list[ModelVersion] = field(default_factory=lambda: [version(1)])
    now: datetime = START
    status: ModelDeploymentStatus = field(default_factory=ModelDeploymentStatus)
    annotations: dict[str, str] = field(default_factory=dict)
    generation: int = 1
    settings: Settings = SETTINGS
    evidence: Evidence = field(default_factory=Evidence)
    trial: Trial = field(default_factory=Trial)
    recording: Recording | None = None
    once: bool = False
    answers: dict[str, Answer | None] = field(default_factory=dict)
    """What the next look gets to each check of spec.analysis.promql, by its name; None: it was not asked yet."""
    answered: dict[str, CheckAnswer] = field(default_factory=dict)
    recent: Window = field(default_factory=Window)
    looked_on_since: datetime | None = None
    troubles: dict[str, Trouble] = field(default_factory=dict)
    """By ModelVersion name: why its pods are not Ready."""
    deaf: set[str] = field(default_factory=set)
    """Revisions whose servers take no setting and answer no scrape."""
    mixing: set[str] = field(default_factory=set)
    """Revisions whose servers had a batch with other answers than alone."""
    refused: dict[str, Trouble] = field(default_factory=dict)
    replacing: set[str] = field(default_factory=set)
    taken: bool = False
    actions_verified: bool = False
    budget_of_others: bool = False
    connections: dict[str, int] = field(default_factory=dict)
    idle: dict[str, float] = field(default_factory=dict)
    """Seconds since a revision's last client left, where it is not long ago."""
    objects: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)
    jobs: dict[tuple[str, int], bool] = field(default_factory=dict)
    store: ServingRevision | None = None
    """What it knows as the revision in service."""
    served_jobs: list[str] = field(default_factory=list)
    trace_jobs: list[str] = field(default_factory=list)
    traces: dict[str, TraceTask] = field(default_factory=dict)
    """Stored, by the name of the Job that did it."""
    events: list[str] = field(default_factory=list)
    served: list[tuple[str, str | None, int]] = field(default_factory=list)
    """(front revision, candidate of the stable servers' setting, weight) after each tick."""
    settings_pushed: dict[str, Any] = field(default_factory=dict)

    def observed(self) -> DeploymentObserved:
        raw = {
            "apiVersion": "modelward.dev/v1alpha1",
            "kind": "ModelDeployment",
            "metadata": {
                "name": "flights",
                "namespace": "ns",
                "uid": "uid",
                "generation": self.generation,
                "annotations": self.annotations,
            },
            "spec": self.spec,
        }
        deployment = ModelDeployment.model_validate(raw).model_copy(update={"status": self.status})
        return DeploymentObserved(
            deployment=deployment,
            raw=raw,
            versions=tuple(self.versions),
            pods=tuple(self._pods()),
            children=tuple(
                Ref(o["apiVersion"], kind, name)
                for (kind, name), o in self.objects.items()
                if REVISION in o["metadata"]["labels"] and kind in ("Service", "Deployment", "PodDisruptionBudget")
            ),
            front=self.front() if ("Service", "flights") in self.objects else None,
            evidence=self.evidence,
            trial=self._looked(deployment),
            recording=self._unstored(),
            trace_jobs=tuple(TraceJob(name, True) for name in self.traces if name in self.trace_jobs),
            checks=tuple(self._checks(deployment)),
            drift=drifted(self.recent),
            looked_on_since=self.looked_on_since,
            verdict_jobs=tuple(
                VerdictJob(revision, retry, done, f"flights-verdict-{revision}-{retry}")
                for (revision, retry), done in self.jobs.items()
            ),
            refused=self.refused,
            replacing=frozenset(self.replacing),
            taken=self.taken,
            actions_verified=self.actions_verified,
            budget_of_others=self.budget_of_others,
            served_jobs=tuple(ServedJob(name, True) for name in self.served_jobs),
        )

    def _looked(self, deployment: ModelDeployment) -> Remembered | None:
        """What `give` said is counted between two ticks."""
        status = deployment.status
        if not compared(status):
            self.trial = Trial()
            return None
        trial, step = self.trial, self._step()
        if trial.step != step:
            trial = in_step(trial, step)
        if not has_requests(status) or (trial.seen is not None and self.seconds() <= trial.seen):
            return Remembered(trial=trial)
        start = start_of(deployment.spec.rollout, self._edges())
        return Remembered(trial=counted(trial, self._look(), start, Terms.of(deployment.spec.analysis)))

    def _step(self) -> int:
        return step_in_force(self.status.step, self._rollout().steps)

    def _rollout(self) -> Rollout:
        return ModelDeploymentSpec.model_validate(self.spec).rollout

    def _edges(self) -> list[float]:
        edges = self.evidence.stable.latency.edges or self.evidence.candidate.latency.edges
        return list(edges) if self.status.weight else []

    def _look(self) -> Look:
        edges = self._edges()
        return Look(
            t=self.seconds(),
            weight=self.status.weight,
            candidate=_counts(self.evidence.candidate, edges),
            stable=_counts(self.evidence.stable, edges),
            complete=self.evidence.complete,
        )

    def _record(self) -> None:
        status = self.status
        if not compared(status) or not status.candidate or not status.rollout_started or not status.weight:
            return
        if self.recording is None or self.recording.began != status.rollout_started:
            self.recording = Recording(status.rollout_started, status.candidate.revision)
        self.recording.add(self._step(), self._look(), self._edges())

    def _unstored(self) -> Recording | None:
        recording = self.recording
        if recording and trace_name("flights", recording.revision, recording.part) in self.traces:
            return None
        return recording

    def _checks(self, deployment: ModelDeployment) -> Iterator[Check]:
        on_trial = compared(self.status) or self.status.phase in ("Promoting", "Baking")
        for index, spec in enumerate(deployment.spec.analysis.promql):
            name = name_of(spec, index)
            told = self.answers.get(name) if on_trial else None
            answer = followed(self.answered.get(name), name, name, spec, told, self.now) if told else None
            yield Check(name, spec, answer)

    def away(self, time: timedelta) -> None:
        """Then another operator goes on with what the status holds."""
        self.now = self.looked_on_since = self.now + time
        self.recording = None
        before = remembered(self.status.trial)
        self.trial = taken_up(before.trial) if before else Trial()

    def seconds(self) -> float:
        return (self.now - START).total_seconds()

    def _pods(self) -> list[ScoringPod]:
        pods = []
        for (kind, name), manifest in self.objects.items():
            if kind != "Deployment":
                continue
            labels = manifest["metadata"]["labels"]
            revision, trouble = labels[REVISION], self.troubles.get(labels["modelward.dev/model-version"])
            snapshot = None if revision in self.deaf or trouble else self._snapshot(revision)
            pods += [
                ScoringPod(
                    f"{name}-{i}",
                    f"{name}-{i}",
                    revision,
                    f"{name}-{i}:8082",
                    not trouble,
                    False,
                    trouble,
                    snapshot,
                    served_before=self.store if self.store and self.store.revision != revision else None,
                )
                for i in range(manifest["spec"]["replicas"])
            ]
        return pods

    def _snapshot(self, revision: str) -> Snapshot:
        return Snapshot(
            pod="p",
            revision=revision,
            model="m",
            profile="p",
            started=0.0,
            epoch=self.epochs.get(revision, 0),
            ready=True,
            scored={},
            latency=Histogram(edges=[], counts=[0], sum=0.0),
            forwards={},
            connections=self.connections.get(revision, 0),
            idle=self.idle.get(revision, 3600.0),
            in_flight=0,
            mixed_batches=int(revision in self.mixing),
            signals=[],
        )

    def plan(self) -> Plan:
        return decide(self.observed(), self.settings, self.now)

    def look(self) -> None:
        """What is counted in one tick is over then, where `give` said so."""
        self._record()
        seen = self.observed()
        self.trial = seen.trial.trial if seen.trial else Trial()
        self.answered = {check.name: check.answer for check in seen.checks if check.answer}
        if self.once:
            self.give()

    def tick(self, seconds: float = 2.0) -> Plan:
        """Observe, decide, act, and let time pass."""
        plan = self.plan()
        self.look()
        self.act(plan)
        self.now += timedelta(seconds=seconds)
        return plan

    def act(self, plan: Plan, writes: int = 1_000) -> None:
        """The plan's first `writes` steps in the documented order."""
        steps = [
            *[lambda p=p: self._push(p) for p in plan.urgent],
            *([lambda: self._write(plan)] if plan.memory else []),
            *[lambda o=o: self._create(o) for o in plan.creates],
            *[lambda o=o: self.objects.__setitem__((o["kind"], o["metadata"]["name"]), o) for o in plan.applies],
            *[lambda p=p: self._push(p) for p in plan.pushes],
            *[lambda r=r: self._delete(r) for r in plan.deletes],
            *([] if plan.memory else [lambda: self._write(plan)]),
            *[lambda o=o: self._create(o) for o in plan.keepsakes],
            lambda: self.events.extend(e.reason for e in plan.events),
        ]
        for step in steps[:writes]:
            step()

    def _write(self, plan: Plan) -> None:
        if plan.status is not None:
            assert isinstance(plan.status, ModelDeploymentStatus)
            self.status = plan.status

    def _create(self, manifest: dict[str, Any]) -> None:
        if manifest["kind"] == "Job":
            labels = manifest["metadata"]["labels"]
            if labels["app.kubernetes.io/component"] == "trace":
                self.trace_jobs.append(manifest["metadata"]["name"])
                return
            if labels["app.kubernetes.io/component"] == "served":
                self.served_jobs.append(manifest["metadata"]["name"])
                self.store = self.status.stable
                return
            self.jobs.setdefault((labels[REVISION], int(labels["modelward.dev/retry"])), True)
        elif manifest["metadata"]["name"] in self.trace_jobs:
            self.traces[manifest["metadata"]["name"]] = decode(manifest["data"]["task.json"], TraceTask)

    def _delete(self, ref: Ref) -> None:
        self.objects.pop((ref.kind, ref.name), None)
        if ref.kind == "Job":
            self.trace_jobs = [name for name in self.trace_jobs if name != ref.name]
        self.served_jobs = [name for name in self.served_jobs if name != ref.name]
        self.jobs = {
            job: done for job, done in self.jobs.items() if not ref.name.endswith(f"-verdict-{job[0]}-{job[1]}")
        }

    def _push(self, push: Any) -> None:
        if push.setting.revision not in self.deaf:
            self.epochs[push.setting.revision] = max(self.epochs.get(push.setting.revision, 0), push.setting.epoch)
            self.settings_pushed[push.setting.revision] = push.setting

    def run(self, until: str, limit: int = 500, seconds: float = 2.0) -> list[str]:
        """Tick until the phase is reached; the phases passed on the way."""
        phases = [self.status.phase]
        for _ in range(limit):
            if self.status.phase == until:
                return phases
            self.tick(seconds)
            if self.status.phase != phases[-1]:
                phases.append(self.status.phase)
        raise AssertionError(f"never {until}, but {phases}: {self.status.model_dump_json(indent=1)}")

    def settle(self, ticks: int = 5) -> None:
        for _ in range(ticks):
            self.tick()

    def stable(self) -> str | None:
        return self.status.stable.model_version if self.status.stable else None

    def front(self) -> str:
        """The revision that the front Service selects."""
        return str(self.objects["Service", "flights"]["spec"]["selector"][REVISION])

    def condition(self, type_: str) -> tuple[str, str, str] | None:
        found = self.status.condition(type_)
        return (found.status, found.reason, found.message) if found else None

    def ask(self, verb: str, revision: str = "", reason: str = "", by: str = "") -> None:
        """By annotation, as a person does."""
        words = {"modelward.dev/action": f"{verb} {revision} {reason}".strip(), "modelward.dev/requested-by": by}
        self.annotations = {key: value for key, value in words.items() if value}

    def give(
        self, candidate: Window | None = None, stable: Window | None = None, step: int = 0, once: bool = False
    ) -> None:
        """So much is counted in each tick from now on, or in the next one only."""
        self.evidence, self.once = Evidence(candidate or Window(), stable or Window(), step), once


def serving(**spec: Any) -> Simulated:
    """flights-1 in service."""
    world = Simulated(spec={"modelRef": {"name": "flights"}, **spec})
    world.run("Stable")
    world.settle()
    return world


def with_canary(**spec: Any) -> Simulated:
    """flights-1 in service, flights-2 on trial in its first step."""
    world = serving(**spec)
    world.versions.append(version(2))
    world.run("Canary")
    world.settle(3)
    assert world.status.weight > 0
    return world


def healthy(requests: int = 1000) -> Window:
    return Window(requests=requests, latency=Latency((0.001, 0.01), (requests, 0, 0)))


def _counts(window: Window, edges: list[float]) -> Counts:
    latency = list(window.latency.counts) if window.latency.edges else [0] * (len(edges) + 1) if edges else []
    return Counts(requests=window.requests, failures=window.failures, latency=latency)


__all__ = ["HARMFUL", "START", "Simulated", "Trouble", "healthy", "replace", "serving", "version", "with_canary"]
