"""The train step of `estimator:` runs: fit on train.parquet, export, and predict the held-out rows natively.

`predictions.parquet` holds the id column under its own name, `prediction`, and for classification the probabilities:
`probability` (of the second class) where there are two, `probability_<class>` for each where there are more.
"""

import time
from typing import Any

import msgspec

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import Estimator, TrainTask
from modelward_contracts.wire import decode
from modelward_training import limits
from modelward_training.outcome import Done, JobError, progress
from modelward_training.paths import DATASET_FILE, PARAMETERS_FILE, Paths

from .estimators import known, make
from .known import Known


def run(paths: Paths) -> Done:
    task = paths.task(TrainTask)
    if task.estimator is None:
        raise JobError("InvalidTask", "the run names no estimator: its own container trains")
    dataset = decode((paths.input / DATASET_FILE).read_bytes(), DatasetManifest)
    entry = known(task.estimator.name, dataset.task)
    limits.cap_threads()
    named = _with_trial(task.estimator, task, paths)
    return _train(paths, dataset, named, make(named, entry, task.seed), entry)


def _with_trial(estimator: Estimator, task: TrainTask, paths: Paths) -> Estimator:
    """In a trial some of its parameters are those that fetch was suggested."""
    if not task.search:
        return estimator
    given = decode((paths.input / PARAMETERS_FILE).read_bytes(), dict[str, Any])
    tried = {parameter.name: given[parameter.name] for parameter in task.search.parameters}
    return msgspec.structs.replace(estimator, parameters=estimator.parameters | tried)


def _train(paths: Paths, dataset: DatasetManifest, named: Estimator, estimator: Any, entry: Known) -> Done:
    # Imported here, so that a misspelt parameter is told before what takes seconds is loaded.
    from . import preprocess
    from .export import export

    if entry.is_booster:
        from . import boosters

        boosters.register()
    inputs = preprocess.features(dataset, paths.input / "train.parquet")
    x, label = preprocess.frame(paths.input / "train.parquet", inputs, [dataset.label])
    progress(f"fitting {named.name} to {len(x)} rows of {len(inputs)} columns", 0.2)
    started = time.monotonic()
    y = target(label[dataset.label], dataset)
    if entry.numbers_classes:
        y = [dataset.classes.index(str(value)) for value in y]
    pipeline = _fit(preprocess.preprocessor(inputs, entry.preparation, x), estimator, x, y)
    progress("exporting", 0.7, {"fit_seconds": round(time.monotonic() - started, 3)})
    paths.output.mkdir(parents=True, exist_ok=True)
    (paths.output / "model.onnx").write_bytes(export(pipeline, inputs, dataset.task))
    rows = _predict(paths, dataset, pipeline, inputs, entry)
    return Done("Trained", f"{named.name} is fitted to {len(x)} rows and has predicted {rows} held-out rows")


def target(label: Any, dataset: DatasetManifest) -> Any:
    """Text and whole numbers are classes as they are; true and false become text, which ONNX labels can be."""
    if dataset.task == "regression":
        return label.astype(float).to_numpy()
    if label.dtype.kind in "iu":
        return label.to_numpy()
    return label.astype(str).str.lower().to_numpy(object) if label.dtype.kind == "b" else label.to_numpy(object)


def _fit(preprocessor: Any, estimator: Any, x: Any, y: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    try:
        return make_pipeline(preprocessor, estimator).fit(x, y)
    except (ValueError, TypeError) as error:
        raise JobError("InvalidParameter", f"{type(estimator).__name__} cannot be fitted: {error}") from error


def _predict(paths: Paths, dataset: DatasetManifest, pipeline: Any, inputs: Any, entry: Known) -> int:
    import pandas as pd

    from . import preprocess

    frames = [
        preprocess.frame(paths.input / f"{split}.parquet", inputs, [dataset.id]) for split in ("validation", "test")
    ]
    x, ids = (pd.concat(parts, ignore_index=True) for parts in zip(*frames, strict=True))
    prediction = pipeline.predict(x)
    ids["prediction"] = [dataset.classes[number] for number in prediction] if entry.numbers_classes else prediction
    if hasattr(pipeline, "predict_proba"):
        probabilities = pipeline.predict_proba(x)
        names = dataset.classes if entry.numbers_classes else pipeline.classes_
        if len(names) == 2:
            ids["probability"] = probabilities[:, 1]
        else:
            for number, name in enumerate(names):
                ids[f"probability_{name}"] = probabilities[:, number]
    ids.to_parquet(paths.output / "predictions.parquet", index=False)
    return len(ids)
