"""What Kubernetes does about our objects, in virtual time: Jobs run, Deployments get pods, what has no owner any more
goes.

Jobs say what ours would say: the same input gives the same digest, so that a training that is done twice shows; and
what one has left in the store, the next one with the same inputs finds.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from modelward.clients.fake import FakeKube
from modelward.decide.conditions import timestamp
from modelward.names import TRIAL, Manifest
from modelward_contracts.inputs import inputs_hash, trial_key
from modelward_contracts.manifests import Column, Signature, SourceFile, Tensor
from modelward_contracts.reports import (
    NOT_NEEDED,
    PREFIX,
    IngestReport,
    PublishReport,
    Report,
    SearchResult,
    Termination,
    TrialReport,
)
from modelward_contracts.tasks import IngestTask, TrainTask
from modelward_contracts.wire import canonical, decode, sha256
from modelward_training.search.fetch import suggested
from modelward_training.search.space import coordinate

NAMESPACE = "ns"
JOB_SECONDS = 3
START_SECONDS = 2
"""Until a scoring pod is Ready."""


class Controllers:
    """Call `tick` once a second; pods of Deployments are named after them and counted."""

    def __init__(self, kube: FakeKube) -> None:
        self.kube = kube
        self.trainings = 0
        """Jobs that trained a model to its end."""
        self.job_seconds = JOB_SECONDS
        """That a Job takes."""
        self.stored: dict[str, PublishReport] = {}
        """Results of trainings by the hash of their inputs: they outlive the cluster's objects."""
        self.trials: dict[str, TrialReport] = {}
        """Of searches, by their keys in the store."""
        self.tried: list[int] = []
        """Numbers of the trials that were trained, in the order in which they ended."""
        self.trial_seconds: Callable[[int], int] | None = None
        """That the Job of a trial takes, by its number."""
        self.failing: Collection[int] = ()
        """Trials whose training fails."""
        self._ages: dict[str, int] = {}
        self._addresses = 0

    def find(self, kind: str) -> list[Manifest]:
        return [found for (_, of_kind, _, _), found in self.kube.objects.items() if of_kind == kind]

    def get(self, kind: str, name: str) -> Manifest | None:
        return next((o for o in self.find(kind) if o["metadata"]["name"] == name), None)

    def tick(self, now: datetime) -> None:
        self._collect()
        for job in self.find("Job"):
            self._begin(job)
            if self._old_enough(job, self._seconds(job)) and not job.get("status"):
                self._finish(job, now)
        for deployment in self.find("Deployment"):
            self._scale(deployment, now)
        for pod in self.find("Pod"):
            self._start(pod)
            if self.get(*pod["owner"]) is None:
                self.kube.remove("v1", "Pod", NAMESPACE, pod["metadata"]["name"])

    def _seconds(self, job: Manifest) -> int:
        number = job["metadata"]["labels"].get(TRIAL)
        return self.trial_seconds(int(number)) if number and self.trial_seconds else self.job_seconds

    def _collect(self) -> None:
        uids = {found["metadata"]["uid"] for found in self.kube.objects.values()}
        for identity, found in list(self.kube.objects.items()):
            owners = found["metadata"].get("ownerReferences", [])
            if owners and not any(owner["uid"] in uids for owner in owners):
                self.kube.remove(*identity)

    def _begin(self, job: Manifest) -> None:
        """A pod that holds a volume is seen while it runs."""
        name, pod = job["metadata"]["name"], job["spec"]["template"]["spec"]
        if any(volume["name"] == "checkpoint" for volume in pod["volumes"]) and not self.get("Pod", f"{name}-0"):
            running = {"name": "train", "state": {"running": {}}}
            self._pod(job, f"{name}-0", {"phase": "Running", "initContainerStatuses": [running]})

    def _old_enough(self, found: Manifest, seconds: int) -> bool:
        uid = found["metadata"]["uid"]
        self._ages[uid] = self._ages.get(uid, 0) + 1
        return self._ages[uid] > seconds

    def _finish(self, job: Manifest, now: datetime) -> None:
        """A Job whose ConfigMap is not there waits for it, as a pod does for its volume."""
        name = job["metadata"]["name"]
        task = self.get("ConfigMap", name)
        if task is None:
            return
        pod = job["spec"]["template"]["spec"]
        step = pod["containers"][0]["name"]
        text = task["data"]["task.json"]
        asked = decode(text, TrainTask) if step == "publish" else None
        if asked and (known := self._known(asked)):
            self._find(job, known, now)
            return
        if asked and asked.trial and asked.trial in self.failing:
            self._break(job, asked, now)
            return
        report = self._trained(asked) if asked else _report(step, task["data"])
        digest = sha256(canonical(report)) if report else None
        said = Termination(result="Succeeded", reason="Done", message="done", report=digest)
        ended = {"name": step, "state": {"terminated": {"exitCode": 0, "message": canonical(said).decode()}}}
        self._pod(job, f"{name}-0", {"phase": "Succeeded", "containerStatuses": [ended]})
        if report:
            self.kube.logs[NAMESPACE, f"{name}-0", step] = PREFIX + canonical(report).decode() + "\n"
        complete = {"type": "Complete", "status": "True", "lastTransitionTime": timestamp(now)}
        self.kube.put({**job, "status": {"succeeded": 1, "conditions": [complete]}})

    def _known(self, asked: TrainTask) -> Report | None:
        """What the store holds already."""
        inputs = inputs_hash(asked)
        if inputs in self.stored and asked.retrain is not True:
            return self.stored[inputs]
        return self.trials.get(trial_key(asked, asked.trial)) if asked.trial else None

    def _trained(self, asked: TrainTask) -> Report:
        if asked.trial:
            found = self._trial(asked)
            self.trials[trial_key(asked, asked.trial)] = found
            self.tried.append(asked.trial)
            return found
        won = self.trials[trial_key(asked, asked.winner.trial)] if asked.winner else None
        report = _published(asked, won)
        self.trainings += won is None
        if not asked.sample:
            self.stored[report.inputs_hash] = report
        return report

    def _trial(self, asked: TrainTask) -> TrialReport:
        """The real suggestion, and a score that is best where each value is at 0.3 of its range."""
        assert asked.search
        tried = self._suggested(asked)
        score = -sum((coordinate(each, tried[each.name]) - 0.3) ** 2 for each in asked.search.parameters)
        digest = sha256(canonical(tried))
        assert asked.trial
        return TrialReport(
            trial=asked.trial, parameters=tried, value=score, metrics={"auc": score}, model=digest, predictions=digest
        )

    def _suggested(self, asked: TrainTask) -> dict[str, Any]:
        assert asked.search
        return suggested(asked.search, asked, lambda number: self.trials.get(trial_key(asked, number)))

    def _break(self, job: Manifest, asked: TrainTask, now: datetime) -> None:
        """The training of a trial raises."""
        name = job["metadata"]["name"]
        said = Termination(result="Succeeded", reason="Fetched", message="fetched", trial=self._suggested(asked))
        ends = {"fetch": (0, canonical(said).decode()), "train": (1, "ValueError: no")}
        states = [
            {"name": step, "state": {"terminated": {"exitCode": code, "message": message}}}
            for step, (code, message) in ends.items()
        ]
        self._pod(job, f"{name}-0", {"phase": "Failed", "initContainerStatuses": states})
        self._failed(job, now)

    def _find(self, job: Manifest, report: Report, now: datetime) -> None:
        """The first step of a training finds its result in the store, and ends the Job."""
        name, data = job["metadata"]["name"], canonical(report)
        said = Termination(result="Succeeded", reason="Stored", message="found", report=sha256(data))
        state = {"terminated": {"exitCode": NOT_NEEDED, "message": canonical(said).decode()}}
        self._pod(job, f"{name}-0", {"phase": "Failed", "initContainerStatuses": [{"name": "fetch", "state": state}]})
        self.kube.logs[NAMESPACE, f"{name}-0", "fetch"] = PREFIX + data.decode() + "\n"
        self._failed(job, now)

    def _failed(self, job: Manifest, now: datetime) -> None:
        failed = {
            "type": "Failed",
            "status": "True",
            "reason": "PodFailurePolicy",
            "lastTransitionTime": timestamp(now),
        }
        self.kube.put({**job, "status": {"failed": 1, "conditions": [failed]}})

    def _scale(self, deployment: Manifest, now: datetime) -> None:
        name, wanted = deployment["metadata"]["name"], deployment["spec"]["replicas"]
        for index in range(wanted):
            if self.get("Pod", f"{name}-{index}") is None:
                self._addresses += 1
                self._pod(deployment, f"{name}-{index}", {"phase": "Pending", "podIP": f"10.0.0.{self._addresses}"})
        for pod in self.find("Pod"):
            if pod["owner"] == ("Deployment", name) and int(pod["metadata"]["name"].rpartition("-")[2]) >= wanted:
                self.kube.remove("v1", "Pod", NAMESPACE, pod["metadata"]["name"])
        status = {
            "replicas": wanted,
            "updatedReplicas": wanted,
            "observedGeneration": deployment["metadata"]["generation"],
        }
        if deployment.get("status") != status:
            self.kube.put({**deployment, "status": status})

    def _pod(self, owner: Manifest, name: str, status: dict[str, Any]) -> None:
        labels = owner["spec"]["template"]["metadata"]["labels"]
        if owner["kind"] == "Job":
            labels = {**labels, "batch.kubernetes.io/job-name": owner["metadata"]["name"]}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}
        self.kube.put({**pod, "owner": (owner["kind"], owner["metadata"]["name"])})

    def _start(self, pod: Manifest) -> None:
        if pod["status"]["phase"] == "Pending" and self._old_enough(pod, START_SECONDS):
            running = {
                "phase": "Running",
                "podIP": pod["status"]["podIP"],
                "conditions": [{"type": "Ready", "status": "True"}],
                "containerStatuses": [{"name": "server", "state": {"running": {}}}],
            }
            self.kube.put({**pod, "status": running})


def is_ready(pod: Manifest) -> bool:
    return bool(pod["status"]["phase"] == "Running")


def _report(step: str, given: dict[str, str]) -> Report | None:
    return _ingested(decode(given["task.json"], IngestTask), given) if step == "ingest" else None


def _ingested(task: IngestTask, given: dict[str, str]) -> IngestReport:
    """The same data, read in the same way, are the same version."""
    read = canonical(msgspec.structs.replace(task, before=[])).decode()
    return IngestReport(
        manifest=sha256(canonical(given | {"task.json": read})),
        task="classification",
        rows=10,
        bytes=100,
        split_rows={"train": 8, "validation": 1, "test": 1},
        columns=[Column(name="late", type="integer", nullable=False)],
        classes=["0", "1"],
        sources=[SourceFile(path="inline", bytes=10, digest=sha256(b"source"))],
        source_files=1,
    )


def _published(task: TrainTask, won: TrialReport | None = None) -> PublishReport:
    """Training is deterministic: the same data and parameters give the same model."""
    model = sha256(canonical([task.dataset, won.parameters if won else task.parameters]))
    tensor = Tensor(name="distance", datatype="FP32", shape=[-1, 1])
    return PublishReport(
        manifest=model,
        model=model,
        model_bytes=1000,
        task="classification",
        signature=Signature(inputs=[tensor], outputs=[tensor], classes=["0", "1"]),
        metrics={"auc": 0.9},
        validation_metrics={},
        parity={},
        latency_seconds={},
        memory_bytes=10_000_000,
        gates=[],
        inputs_hash=inputs_hash(task),
        search=_result(task, won) if won else UNSET,
    )


def _result(task: TrainTask, won: TrialReport) -> SearchResult:
    assert task.search
    assert task.winner
    return SearchResult(
        algorithm=task.search.algorithm,
        metric=task.search.objective.metric,
        value=won.value,
        trial=won.trial,
        trials=task.winner.trials,
        failed=task.winner.failed,
        parameters=won.parameters,
    )
