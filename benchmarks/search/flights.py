"""examples/flights' first months through ingest, and our trainer's gradient boosting: the loss is 1 - AUC of the
validation rows. A model takes a second or less, because a part of the rows is trained on.
"""

import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import yaml
from sklearn.pipeline import make_pipeline

from benchmarks.capture import Capture
from localcluster import paths
from modelward_contracts.search import Parameter
from modelward_contracts.tasks import Estimator
from modelward_training.publish.metrics import Answers, values
from modelward_training.trainer import preprocess
from modelward_training.trainer.estimators import known, make
from unit.training.harness import Ended, Pod

NAME, MONTHS = "HistGradientBoostingClassifier", ("2013-01.csv", "2013-02.csv")
ROWS = 8000
PARAMETERS = [
    Parameter(name="learning_rate", type="double", minimum=0.005, maximum=1.0, logarithmic=True),
    Parameter(name="max_leaf_nodes", type="int", minimum=4.0, maximum=128.0, logarithmic=True),
    Parameter(name="min_samples_leaf", type="int", minimum=5.0, maximum=500.0, logarithmic=True),
    Parameter(name="l2_regularization", type="double", minimum=0.001, maximum=100.0, logarithmic=True),
    Parameter(name="max_features", type="double", minimum=0.1, maximum=1.0, step=0.1),
    Parameter(name="max_iter", type="discrete", values=[25, 50, 100, 150]),
]
Loss = Callable[[dict[str, Any]], float]


def loss(folder: Path) -> Loss:
    """`folder`: empty, for the store. Trains once for each call."""
    sys.path.insert(0, str(paths.REPOSITORY / "examples/flights"))
    from demo.raw import months  # type: ignore[import-not-found]

    capture = Capture()
    pod = Pod(folder / "pod", capture)
    for name in MONTHS:
        pod.csv((months() / name).read_text(), name)
    spec = yaml.safe_load((paths.REPOSITORY / "examples/flights/manifests/dataset.yaml").read_text())["spec"]
    columns = spec["columns"]
    with redirect_stdout(capture.stream):
        ended = pod.ingest(
            prepare_sql=spec["prepare"]["sql"],
            label=columns["label"],
            id=columns["id"],
            time=columns["time"],
            forbidden=columns["forbidden"],
            task=spec["task"],
            validation_fraction=0.2,
        )
    return _loss(pod, ended)


def _loss(pod: Pod, ended: Ended) -> Loss:
    dataset = pod.dataset(ended)
    train, validation, labels = (pod.root / name for name in ("train.parquet", "validation.parquet", "labels.parquet"))
    splits = dataset.splits
    held_out = splits["validation"].labels
    assert held_out
    for digest, path in (
        (splits["train"].data.digest, train),
        (splits["validation"].data.digest, validation),
        (held_out.digest, labels),
    ):
        pod.store.get_file(digest, path)
    inputs, entry = preprocess.features(dataset, train), known(NAME, dataset.task)
    x, label = preprocess.frame(train, inputs, [dataset.label])
    chosen = np.random.default_rng(0).choice(len(x), min(ROWS, len(x)), replace=False)
    x, y = x.iloc[chosen], label[dataset.label].to_numpy()[chosen]
    given, _ = preprocess.frame(validation, inputs, [dataset.id])
    truth = pq.read_table(labels)[dataset.label].to_numpy().astype(int)

    def trained(tried: dict[str, Any]) -> float:
        model = make_pipeline(
            preprocess.preprocessor(inputs, entry.preparation, x),
            make(Estimator(name=NAME, parameters={**tried, "early_stopping": False}), entry, seed=0),
        )
        probabilities = model.fit(x, y).predict_proba(given)
        return 1 - values(Answers(truth, probabilities.argmax(axis=1), probabilities, 2))["auc"]

    return trained
