"""The models that every server gets, as folders that Modelward publishes: with manifest, profile and golden requests.

Trained on noise of a fixed seed: what a model predicts does not change what it costs.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pyarrow as pa
import pyarrow.parquet as pq
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelward_contracts.manifests import Batching, Blob, ModelManifest, Signature, Tensor
from modelward_contracts.profile import ReferenceProfile
from modelward_contracts.wire import canonical, sha256
from modelward_onnx.rows import prove_bytes
from modelward_training.publish.golden import golden
from modelward_training.publish.profile import numeric_signal, profile

ROWS, NUMBERS, TEXTS, CATEGORIES = 2000, 12, 7, 30
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Published:
    folder: Path
    row: dict[str, Array]
    """What each request carries."""
    outputs: dict[str, Array]
    """What onnxruntime makes of it."""


def dense(folder: Path, width: int, classes: int) -> Published:
    """Scaler and logistic regression over one tensor of `width` floats."""
    return over_one_tensor(folder, width, classes, LogisticRegression(max_iter=20, tol=1e-2))


def mlp(folder: Path, width: int, hidden: int, classes: int) -> Published:
    """Scaler and a perceptron of one hidden layer: a row by itself takes many times what it takes in a batch."""
    stops_at_once = MLPClassifier((hidden,), random_state=0, n_iter_no_change=1, tol=100.0)
    return over_one_tensor(folder, width, classes, stops_at_once)


def over_one_tensor(folder: Path, width: int, classes: int, classifier: Any) -> Published:
    random = np.random.default_rng(0)
    x = random.normal(size=(ROWS, width)).astype(np.float32)
    y = x[:, :classes].argmax(axis=1)
    fitted = make_pipeline(StandardScaler(), classifier).fit(x, y)
    data = exported(fitted, [("x", FloatTensorType([None, width]))])
    signature = signature_of([Tensor(name="x", datatype="FP32", shape=[-1, width])], classes)
    outputs = run(data, {"x": x})
    signals = [numeric_signal(f"x{i}", "input", x[:, i].astype(float), "x", index=i) for i in range(width)]
    scores = outputs["probabilities"].astype(float)
    signals += [
        numeric_signal(f"probability_{i}", "output", scores[:, i], "probabilities", index=i)
        for i in ([1] if classes == 2 else range(classes))
    ]
    return publish(folder, data, signature, ReferenceProfile(rows=ROWS, signals=signals), {"x": x})


def pipeline(folder: Path) -> Published:
    """Numbers and texts in a tensor each, some missing: imputed, scaled, one-hot, logistic regression."""
    import pandas as pd

    random = np.random.default_rng(0)
    numbers = random.normal(size=(ROWS, NUMBERS)).astype(np.float32)
    y = (numbers[:, 0] > 0).astype(int)
    numbers[random.random(numbers.shape) < 0.1] = np.nan
    numbers[0, :2] = np.nan
    texts = np.char.add("value-", random.integers(0, CATEGORIES, (ROWS, TEXTS)).astype(str)).astype(object)
    texts[random.random(texts.shape) < 0.1] = ""
    texts[0, 0] = ""
    columns = {f"n{i}": numbers[:, i] for i in range(NUMBERS)} | {f"s{i}": texts[:, i] for i in range(TEXTS)}
    names = list(columns)
    steps = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), names[:NUMBERS]),
        (OneHotEncoder(handle_unknown="ignore"), names[NUMBERS:]),
    )
    fitted = make_pipeline(steps, LogisticRegression(max_iter=50, tol=1e-2)).fit(pd.DataFrame(columns), y)
    kinds = [(name, (FloatTensorType if name[0] == "n" else StringTensorType)([None, 1])) for name in names]
    data = exported(fitted, kinds)
    tensors = [Tensor(name=name, datatype="FP32" if name[0] == "n" else "BYTES", shape=[-1, 1]) for name in names]
    signature = signature_of(tensors, 2)
    inputs = {name: values.reshape(-1, 1) for name, values in columns.items()}
    folder.mkdir(parents=True)
    table = {name: pa.array(values.tolist()) for name, values in columns.items()}
    pq.write_table(pa.table(table), folder / "train.parquet")
    reference = profile(signature, folder / "train.parquet", run(data, inputs))
    return publish(folder, data, signature, reference, inputs)


def exported(fitted: Any, inputs: list[tuple[str, Any]]) -> bytes:
    options = {id(fitted): {"zipmap": False}}
    return bytes(to_onnx(fitted, initial_types=inputs, options=options, target_opset=18).SerializeToString())


def signature_of(inputs: list[Tensor], classes: int) -> Signature:
    return Signature(
        inputs=inputs,
        outputs=[
            Tensor(name="label", datatype="INT64", shape=[-1]),
            Tensor(name="probabilities", datatype="FP32", shape=[-1, classes]),
        ],
        classes=[str(number) for number in range(classes)],
        label_output="label",
        probability_output="probabilities",
    )


def run(data: bytes, inputs: dict[str, Array]) -> dict[str, Array]:
    session = ort.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def publish(
    folder: Path, data: bytes, signature: Signature, reference: ReferenceProfile, inputs: dict[str, Array]
) -> Published:
    answer = partial(run, data)
    requests = golden(signature, inputs, answer, answer)
    parts = {"model.onnx": data, "profile.json": canonical(reference), "golden.json": canonical(requests)}
    blobs = {name: Blob(digest=sha256(part), bytes=len(part)) for name, part in parts.items()}
    manifest = ModelManifest(
        model_name="m",
        task="classification",
        model=blobs["model.onnx"],
        signature=signature,
        profile=blobs["profile.json"],
        golden=blobs["golden.json"],
        batching=Batching(rows_independent=prove_bytes(data).independent),
        dataset="sha256:" + "0" * 64,
        inputs_hash="sha256:" + "0" * 64,
    )
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in {**parts, "manifest.json": canonical(manifest)}.items():
        (folder / name).write_bytes(part)
    row = {name: values[:1] for name, values in inputs.items()}
    return Published(folder, row, run(data, row))


def bare(published: Published, folder: Path) -> Published:
    """The same model without what Modelward would monitor it by."""
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes((published.folder / "model.onnx").read_bytes())
    return Published(folder, published.row, published.outputs)
