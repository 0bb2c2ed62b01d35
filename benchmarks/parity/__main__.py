"""`python -m benchmarks.parity`: every classifier and regressor of scikit-learn, LightGBM and XGBoost, through a run.

What is a name of `estimator` is trained by that; others as a script's model, behind one-hot encoding and a scaler,
and of linear models and trees where they are made of others. Each
on floats with gaps, integers, booleans and text with gaps, and on numbers alone; with two and three classes as text,
numbers and booleans, with numbers of any sign and positive ones. Publish compares the export with the native
predictions of the held-out rows: what is not exact is told with its numbers, what cannot be taken with its reason.
"""

import argparse
import inspect
import json
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import all_estimators

from benchmarks.capture import Capture
from modelward_contracts.tasks import Estimator
from modelward_script import Run
from modelward_training.outcome import JobError
from modelward_training.trainer.known import KNOWN
from unit.training.harness import Ended, Pod, ingest_report, publish_report, train_task
from unit.training.sets import labelled, things

RESULTS = Path(__file__).parents[1] / "results" / "parity.json"
EXACT = 1e-6
"""Largest difference of a probability, or of a number relative to its size: some units of a float32's last digit."""
MIXED = {"classification": ("late", "band", "was_late"), "regression": ("delay", "wait")}
NUMBERS = {
    "classification": ("text, two", "text, three", "integer, two", "integer from 1"),
    "regression": ("number", "count"),
}


SEVERAL_LABELS = ("ClassifierChain", "RegressorChain", "MultiOutput", "MultiTask", "CCA", "PLSCanonical")


@dataclass(frozen=True)
class Result:
    estimator: str
    by: str
    """estimator or script"""
    columns: str
    label: str
    outcome: str
    """exact, within tolerance, labels alone (it gives no probabilities), or the reason of the refusal"""
    told: str
    """The largest difference, or the sentence of the refusal."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.parity", description=__doc__)
    parser.add_argument("--only", default="", help="estimators whose name contains this")
    only = parser.parse_args().only
    results = []
    for name, task, shape in everything():
        if only in name and not name.startswith(SEVERAL_LABELS):
            for columns, label in cases(task):
                results.append(tried(name, task, shape, columns, label))
                print(" | ".join(asdict(results[-1]).values()), flush=True)
    if not only:
        RESULTS.write_text(json.dumps([asdict(each) for each in results], indent=1, ensure_ascii=False) + "\n")


def everything() -> Iterator[tuple[str, str, Any]]:
    """Names, tasks and classes."""
    import lightgbm
    import xgboost

    for task, kind in (("classification", "classifier"), ("regression", "regressor")):
        for name, shape in all_estimators(kind):
            yield name, task, shape
        for library, prefix in ((lightgbm, "LGBM"), (xgboost, "XGB")):
            name = f"{prefix}{kind.capitalize()}"
            yield name, task, getattr(library, name)


def cases(task: str) -> list[tuple[str, str]]:
    return [*(("mixed", label) for label in MIXED[task]), *(("numbers", label) for label in NUMBERS[task])]


def tried(name: str, task: str, shape: Any, columns: str, label: str) -> Result:
    """In a folder of its own."""
    capture, by = Capture(), "estimator" if name in KNOWN else "script"
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(capture.stream), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pod = Pod(Path(folder) / "pod", capture)
        digest = ingested(pod, task, columns, label)
        run = train_task(pod.url, digest, estimator=Estimator(name=name) if by == "estimator" else None)
        try:
            assert pod.step("fetch", run).code == 0
            if by == "script":
                written(pod, shape)
            elif (ended := pod.step("train", run)).code:
                return Result(name, by, columns, label, ended.reason, ended.message)
        except JobError as error:
            return Result(name, by, columns, label, error.reason, error.message)
        except Exception as error:  # as a script of somebody's would end
            return Result(name, by, columns, label, "TrainFailed", f"{type(error).__name__}: {error}"[:300])
        return Result(name, by, columns, label, *outcome(pod.step("publish", run)))


def ingested(pod: Pod, task: str, columns: str, label: str) -> str:
    pod.csv(things(label=label) if columns == "mixed" else labelled(label))
    of_set = {"time": "at", "label": label} if columns == "mixed" else {"label": "y", "id": None}
    return ingest_report(pod.ingest(**of_set, task=task if task == "regression" else None)).manifest


def written(pod: Pod, shape: Any) -> None:
    """What a script does with an estimator of its own. Raises what the estimator or the export raises."""
    os.environ["MODELWARD_SEED"] = "0"
    run = Run(pod.paths.input, pod.paths.output)
    numbers = make_pipeline(SimpleImputer(), MinMaxScaler(clip=True))  # some take nothing negative
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    prepared = make_column_transformer((numbers, run.numbers), (encode, run.texts))
    run.write(make_pipeline(prepared, made(shape, bool(run.classes))).fit(run.x, run.y))


def made(shape: Any, classifies: bool) -> Any:
    """With a seed, and of linear models where it is made of others."""
    linear, tree = (
        (LogisticRegression(), DecisionTreeClassifier(max_depth=3, random_state=0))
        if classifies
        else (Ridge(), DecisionTreeRegressor(max_depth=3, random_state=0))
    )
    given = {"random_state": 0, "estimator": linear, "estimators": [("linear", linear), ("tree", tree)]}
    takes = inspect.signature(shape).parameters
    return shape(**{name: value for name, value in given.items() if name in takes})


def outcome(ended: Ended) -> tuple[str, str]:
    if ended.code:
        return ended.reason, ended.message
    parity = publish_report(ended).parity
    if "max_difference" not in parity:
        return "labels alone", f"{parity['label_mismatch']:.2g} of the labels differ"
    worst = parity["max_difference"]
    same = worst <= EXACT and parity["label_mismatch"] == 0
    return ("exact" if same else "within tolerance"), f"largest difference {worst:.1e}"


if __name__ == "__main__":
    main()
