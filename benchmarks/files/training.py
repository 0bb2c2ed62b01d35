"""One file through ingest, fetch, train and publish, as a Job's steps run, for each built-in estimator of its task.

Three things are checked of what is published: its metrics are scikit-learn's of the stored ONNX model's own answers;
that model says, row by row, what the trained pipeline said; and both are what plain scikit-learn (`reference`) gives.
"""

import io
import warnings
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from unit.training.harness import Pod, ingest_report, publish_report, train_task

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import Estimator
from modelward_training.trainer.estimators import KNOWN

from . import reference
from .answers import native, plainly, served, texts
from .labels import Learnt
from .measures import gap, measures, unlike
from .sample import NUMBER, sample

SPLITS = ("train", "validation", "test")
EQUAL = 1e-6
Array = np.ndarray[Any, Any]


@dataclass
class Outcome:
    """Of one estimator. `published` and `plain` are metrics of the test rows, by name."""

    refused: str | None = None
    published: dict[str, float] = field(default_factory=dict)
    plain: dict[str, float] = field(default_factory=dict)
    kind: str = "float64"
    """Of the numbers that plain scikit-learn was given: float32, as the trainer's are, where float64 is not near."""
    gap: float = 0.0
    """The largest difference of a metric: of errors and losses relative, else as it is."""
    own_gap: float = 0.0
    """Likewise between what was published and scikit-learn's metrics of the ONNX model's own answers."""
    held_out: int = 0
    unlike_native: int = 0
    """Held-out rows in which the ONNX model and the trained pipeline differ by more than float32 rounds."""
    unlike_plain: float = 0.0
    """Share of held-out rows in which plain scikit-learn says something else."""


@dataclass
class Trained:
    rows: int = 0
    columns: int = 0
    task: str = ""
    refused: str | None = None
    told: list[str] = field(default_factory=list)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


class Capture:
    """Reads what a step prints."""

    def __init__(self) -> None:
        self.stream, self.out = io.StringIO(), ""

    def readouterr(self) -> "Capture":
        self.out = self.stream.getvalue()
        self.stream.seek(0)
        self.stream.truncate()
        return self


def trained(path: Path, learnt: Learnt, estimators: tuple[str, ...] = tuple(KNOWN)) -> Trained:
    rows = sample(path, learnt.label, learnt.separator)
    capture = Capture()
    with TemporaryDirectory() as folder, redirect_stdout(capture.stream), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pod = Pod(Path(folder) / "pod", capture)
        pod.csv(rows.to_csv(index=False, sep=learnt.separator))
        ended = pod.ingest(label=learnt.label, id=NUMBER, task=None)
        if ended.code:
            return Trained(len(rows), refused=f"{ended.reason}: {ended.message}")
        dataset, told = pod.dataset(ended), ingest_report(ended).warnings
        found = Trained(len(rows), len(dataset.columns), dataset.task, told=told)
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
    found = Outcome(published=published, held_out=len(held_out))
    found.own_gap = gap(published, measures(truth, stored[test]))
    found.unlike_native = int(unlike(stored, native(pod, held_out, dataset)).sum())
    for kind in (np.float64, np.float32):
        model, prepared = reference.fitted(name, inputs.loc[train], label.loc[train].to_numpy(), kind)
        given = plainly(model, prepared(inputs.loc[held_out]), dataset)
        measured = measures(truth, given[test])
        if kind is np.float64 or gap(published, measured) < found.gap:
            found.plain, found.kind, found.gap = measured, kind.__name__, gap(published, measured)
            found.unlike_plain = float(unlike(stored, given).mean())
        if found.gap <= EQUAL:
            break
    return found


def _truth(label: "pd.Series[Any]", dataset: DatasetManifest) -> Array:
    return label.to_numpy(float) if dataset.task == "regression" else texts(label.to_numpy())
