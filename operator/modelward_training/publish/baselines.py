"""What simpler models reach on the same rows: a constant, and a line fitted here on the model's own inputs."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from modelward_contracts.manifests import DatasetManifest, Signature
from modelward_contracts.tasks import Estimator
from modelward_training import limits
from modelward_training.trainer.estimators import make
from modelward_training.trainer.known import KNOWN

from .classes import texts
from .feeds import columns
from .metrics import Answers

LINEAR = {
    "classification": Estimator(name="LogisticRegression", parameters={"max_iter": 200}),
    "regression": Estimator(name="Ridge"),
}
MOST_ROWS = 100_000
"""Training rows that a line is fitted to: more change it by little."""
Array = np.ndarray[Any, Any]


def trivial(dataset: DatasetManifest, train: Path, truth: Array) -> Answers:
    """The training rows' most frequent class, with the shares of all as probabilities; or their mean."""
    labels = pq.read_table(train, columns=[dataset.label])[dataset.label].to_numpy()
    if dataset.task == "regression":
        return Answers(truth, np.full(len(truth), labels.astype(float).mean()))
    named, counts = np.unique(texts(labels), return_counts=True)
    shares = np.zeros(len(dataset.classes))
    shares[[dataset.classes.index(name) for name in named]] = counts / counts.sum()
    predicted = np.full(len(truth), shares.argmax())
    return Answers(truth, predicted, np.tile(shares, (len(truth), 1)), len(dataset.classes))


def linear(dataset: DatasetManifest, signature: Signature, folder: Path, truth: Array, seed: int) -> Answers:
    """A logistic or ridge regression as `estimator:` runs train it. Predictions are native: nothing of it is kept."""
    limits.cap_threads()
    from sklearn.pipeline import make_pipeline

    from modelward_training.trainer import preprocess
    from modelward_training.trainer.job import target

    used = set(columns(signature.inputs))
    inputs = [each for each in preprocess.features(dataset, folder / "train.parquet") if each.column in used]
    x, label = preprocess.frame(folder / "train.parquet", inputs, [dataset.label])
    if len(x) > MOST_ROWS:
        some = np.sort(np.random.default_rng(seed).choice(len(x), MOST_ROWS, replace=False))
        x, label = x.iloc[some].reset_index(drop=True), label.iloc[some].reset_index(drop=True)
    estimator = LINEAR[dataset.task]
    line = make_pipeline(preprocess.preprocessor(inputs, "scaled", x), make(estimator, KNOWN[estimator.name], seed))
    with warnings.catch_warnings(action="ignore"):  # it has not converged: near enough for a baseline
        fitted = line.fit(x, target(label[dataset.label], dataset))
    test, _ = preprocess.frame(folder / "test.parquet", inputs, [])
    if dataset.task == "regression":
        return Answers(truth, fitted.predict(test).astype(float))
    order = [dataset.classes.index(name) for name in texts(np.asarray(fitted.classes_))]
    probabilities = np.zeros((len(test), len(dataset.classes)))
    probabilities[:, order] = fitted.predict_proba(test)
    return Answers(truth, probabilities.argmax(axis=1), probabilities, len(dataset.classes))
