"""Runs steps in this process, below a root folder of the test's own, and reads what a pod would leave."""

import importlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from modelward_contracts.manifests import DatasetManifest, ModelManifest
from modelward_contracts.reports import MAX_TERMINATION, PREFIX, IngestReport, Line, PublishReport, Termination
from modelward_contracts.store import Store
from modelward_contracts.tasks import TASK_DIR, TASK_FILE, Estimator, IngestTask, TrainTask
from modelward_contracts.wire import canonical, decode, sha256
from modelward_training.__main__ import STEPS
from modelward_training.outcome import run
from modelward_training.paths import Paths
from objectstore.kept import Kept

NAMESPACE = "demo"
MODULE = "modelward_training"


@dataclass(frozen=True)
class Ended:
    code: int
    termination: Termination
    lines: list[Line]

    @property
    def reason(self) -> str:
        return self.termination.reason

    @property
    def message(self) -> str:
        return self.termination.message


class Pod:
    """A place to run steps in, with a store beside it."""

    def __init__(self, root: Path, capture: Any, kept: Kept | None = None) -> None:
        self.root, self.paths, self._capture = root, Paths(root), capture
        kept = kept or Kept(f"file://{root}/store", root / "store")
        self.url, self.stored = kept.url, kept.folder
        for folder in (self.paths.at(TASK_DIR), self.paths.source, self.paths.output):
            folder.mkdir(parents=True)

    @property
    def store(self) -> Store:
        return Store(self.url, NAMESPACE)

    def step(self, name: str, task: Any) -> Ended:
        (self.paths.at(TASK_DIR) / TASK_FILE).write_bytes(canonical(task))
        message = self.root / "termination-log"
        os.environ["MODELWARD_TERMINATION_LOG"] = str(message)
        module = importlib.import_module(f"{MODULE}.{STEPS[name]}")
        self._capture.readouterr()
        code = run(lambda: module.run(self.paths))
        said = self._capture.readouterr().out.splitlines()
        data = message.read_bytes()
        assert len(data) <= MAX_TERMINATION
        lines: list[Line] = [
            msgspec.json.decode(line.removeprefix(PREFIX), type=Line) for line in said if line.startswith(PREFIX)
        ]
        return Ended(code, decode(data, Termination), lines)

    def ingest(self, **fields: Any) -> Ended:
        return self.step("ingest", ingest_task(self.url, **fields))

    def csv(self, text: str, name: str = "data.csv") -> None:
        path = self.paths.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def dataset(self, ended: Ended) -> DatasetManifest:
        return self.store.get_json(ingest_report(ended).manifest, DatasetManifest)

    def model(self, ended: Ended) -> ModelManifest:
        return self.store.get_json(publish_report(ended).manifest, ModelManifest)


def ingest_task(store: str, /, **fields: Any) -> IngestTask:
    task = IngestTask(
        dataset="things",
        namespace=NAMESPACE,
        store=store,
        format="csv",
        source="pvc",
        path="*.csv",
        label="late",
        id="id",
        validation_fraction=0.1,
        test_fraction=0.2,
        salt="things",
    )
    return msgspec.structs.replace(task, **fields)


def train_task(url: str, dataset: str, **fields: Any) -> TrainTask:
    task = TrainTask(
        run="run-a",
        run_uid="uid-a",
        namespace=NAMESPACE,
        model_name="things",
        store=url,
        dataset=dataset,
        estimator=Estimator(name="LogisticRegression"),
    )
    return msgspec.structs.replace(task, **fields)


def report_line(ended: Ended) -> Line:
    """The last line, which the termination message vouches for."""
    assert ended.code == 0, ended
    line = ended.lines[-1]
    assert ended.termination.report == sha256(canonical(line))
    return line


def ingest_report(ended: Ended) -> IngestReport:
    line = report_line(ended)
    assert isinstance(line, IngestReport)
    return line


def publish_report(ended: Ended) -> PublishReport:
    line = report_line(ended)
    assert isinstance(line, PublishReport)
    return line
