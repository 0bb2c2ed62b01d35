"""One file through ingest, fetch, train and publish, as a Job's steps run, for each built-in estimator of its task.

Three things are checked of what is published: its metrics are scikit-learn's of the stored ONNX model's own answers;
that model says, row by row, what the trained pipeline said; and both are what plain scikit-learn (`reference`) gives.
"""

import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.capture import Capture
from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import Estimator
from modelward_training.trainer.known import KNOWN
from unit.training.harness import Pod, ingest_report, publish_report, train_task

from . import reference
from .answers import native, plainly, served, texts
from .labels import Learnt
from .measures import between, gap, measures, unlike
from .sample import NUMBER, sample

SPLITS = ("train", "validation", "test")
ESTIMATORS = (
    "LogisticRegression",
    "DecisionTreeClassifier",
    "RandomForestClassifier",
    "ExtraTreesClassifier",
    "GradientBoostingClassifier",
    "HistGradientBoostingClassifier",
    "MLPClassifier",
    "LinearRegression",
    "Ridge",
    "Lasso",
    "ElasticNet",
    "DecisionTreeRegressor",
    "RandomForestRegressor",
    "ExtraTreesRegressor",
    "GradientBoostingRegressor",
    "HistGradientBoostingRegressor",
    "MLPRegressor",
)
"""The usual ones: a file takes long enough with them. All of them: benchmarks/parity."""
EQUAL, NEAR = 1e-5, 1e-3
OWN = 1e-3
"""An auc counts ties, and the last digit of a float32 makes or breaks them."""
PARITY = 1e-3
"""Share of rows that publish lets differ."""
Array = np.ndarray[Any, Any]


@dataclass
class Outcome:
    """Of one estimator. `published` and `plain` are metrics of the test rows, by name."""

    refused: str | None = None
    published: dict[str, float] = field(default_factory=dict)
    plain: dict[str, float] = field(default_factory=dict)
    numbers: str = "float64"
    """What plain scikit-learn was given: float32, which the trainer works in, where float64 is not equal."""
    gap: float = 0.0
    farthest: str = ""
    """The largest difference between `published` and `plain` (`measures.gap`), and the metric's name."""
    own_gap: float = 0.0
    """Likewise between `published` and scikit-learn's metrics of the ONNX model's own answers."""
    held_out: int = 0
    tested: int = 0
    torn: int = 0
    """Held-out rows in which the ONNX model says another class than the trained pipeline, which is torn between two."""
    unlike_native: int = 0
    """Other held-out rows in which these two differ by more than float32 rounds."""
    unlike_plain: float = 0.0
    """Share of held-out rows in which plain scikit-learn says something else than the ONNX model."""

    @property
    def verdict(self) -> str:
        if self.refused:
            return "refused"
        # So much can torn rows move an accuracy.
        near = max(NEAR, self.torn / max(1, self.tested))
        if self.gap > near or self.own_gap > OWN or self.unlike_native > PARITY * self.held_out:
            return "wrong"
        return "equal" if self.gap <= EQUAL else "near"


@dataclass
class Trained:
    label: str
    rows: int = 0
    columns: int = 0
    task: str = ""
    refused: str | None = None
    told: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def trained(path: Path, learnt: Learnt, estimators: tuple[str, ...] = ESTIMATORS) -> Trained:
    rows = sample(path, learnt.label, learnt.separator)
    capture = Capture()
    with TemporaryDirectory() as folder, redirect_stdout(capture.stream), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pod = Pod(Path(folder) / "pod", capture)
        pod.csv(rows.to_csv(index=False, sep=learnt.separator))
        ended = pod.ingest(label=learnt.label, id=NUMBER, task=None)
        if ended.code:
            return Trained(learnt.label, len(rows), refused=f"{ended.reason}: {ended.message}")
        dataset, told = pod.dataset(ended), ingest_report(ended).warnings
        found = Trained(learnt.label, len(rows), len(dataset.columns), dataset.task, told=told)
        plain = reference.frame(rows)
        for name in estimators:
            if KNOWN[name].task == dataset.task:
                found.outcomes[name] = _outcome(pod, ingest_report(ended).manifest, dataset, name, plain)
    return found


def _outcome(pod: Pod, digest: str, dataset: DatasetManifest, name: str, plain: pd.DataFrame) -> Outcome:
    task = train_task(pod.url, digest, estimator=Estimator(name=name))
    for step in ("fetch", "train", "publish"):
        ended = pod.step(step, task)
        if ended.code:
            return Outcome(refused=f"{ended.reason}: {ended.message}")
    sides = {split: pd.read_parquet(pod.paths.input / f"{split}.parquet")[NUMBER] for split in SPLITS}
    train, held_out = sides["train"], pd.concat([sides["validation"], sides["test"]])
    test = slice(len(sides["validation"]), None)
    inputs = plain.set_index(NUMBER)
    label = inputs.pop(dataset.label) if dataset.label in inputs else None
    assert label is not None
    truth = _truth(label.loc[sides["test"]], dataset)
    stored = served(pod, ended, inputs.loc[held_out], dataset)
    published = publish_report(ended).metrics
    found = Outcome(published=published, held_out=len(held_out), tested=len(truth))
    found.own_gap, _ = gap(published, measures(truth, stored[test]))
    said = native(pod, held_out, dataset)
    different, torn = unlike(stored, said), between(said)
    found.torn, found.unlike_native = int((different & torn).sum()), int((different & ~torn).sum())
    for kind in (np.float64, np.float32):
        model, prepared = reference.fitted(name, inputs.loc[train], label.loc[train].to_numpy(), kind)
        given = plainly(model, prepared(inputs.loc[held_out]), dataset)
        measured = measures(truth, given[test])
        far = gap(published, measured)
        if kind is np.float64 or far[0] < found.gap:
            found.plain, found.numbers, (found.gap, found.farthest) = measured, kind.__name__, far
            found.unlike_plain = float(unlike(stored, given).mean())
        if found.gap <= EQUAL:
            break
    return found


def _truth(label: "pd.Series[Any]", dataset: DatasetManifest) -> Array:
    return label.to_numpy(float) if dataset.task == "regression" else texts(label.to_numpy())
