"""Publish: usual exports are taken as they come, and what they do not say is told. Models of one Gemm, built here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pandas as pd
import pyarrow.parquet as pq
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.tasks import Estimator, Gate

from .harness import Ended, Pod, ingest_report, publish_report, train_task
from .sets import labelled

Array = np.ndarray[Any, Any]
WEIGHTS = np.array([[-2, -1, 1.4], [0, 0, 0], [2, 1, -1.4]], np.float32)
"""Of the classes in the order of `score`: low, middle, high."""


@dataclass
class Case:
    """A dataset, and a linear model on it whose native outputs are known."""

    pod: Pod
    digest: str
    dataset: DatasetManifest

    @classmethod
    def of(cls, pod: Pod, text: str, label: str = "y", **fields: Any) -> "Case":
        pod.csv(text)
        digest = ingest_report(pod.ingest(label=label, id=None, **fields)).manifest
        assert pod.step("fetch", train_task(pod.url, digest)).code == 0
        return cls(pod, digest, pod.store.get_json(digest, DatasetManifest))

    def held_out(self) -> pd.DataFrame:
        parts = [pq.read_table(self.pod.paths.input / f"{name}.parquet") for name in ("validation", "test")]
        return pd.concat([part.to_pandas() for part in parts], ignore_index=True)

    def probabilities(self, weights: Array) -> Array:
        logits = self.held_out()[["a", "b", "c"]].to_numpy(float) @ weights.T.astype(float)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))

    def predict(self, prediction: Array, **more: Array) -> None:
        frame = pd.DataFrame({self.dataset.id: self.held_out()[self.dataset.id], "prediction": prediction} | more)
        frame.to_parquet(self.pod.paths.output / "predictions.parquet", index=False)

    def publish(self, model: onnx.ModelProto, **fields: Any) -> Ended:
        (self.pod.paths.output / "model.onnx").write_bytes(model.SerializeToString())
        return self.pod.step("publish", train_task(self.pod.url, self.digest, **fields))

    def stored(self, ended: Ended, folder: Path) -> ort.InferenceSession:
        self.pod.store.get_file(publish_report(ended).model, folder / "stored.onnx")
        return ort.InferenceSession(folder / "stored.onnx", providers=["CPUExecutionProvider"])


def linear(weights: Array, ends: list[onnx.NodeProto], outputs: list[onnx.ValueInfoProto], width: int = 3) -> Any:
    """x [n, width] → `z` = x · weights; `ends` make the outputs of it."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])
    nodes = [helper.make_node("Gemm", ["x", "w"], ["z"], transB=1), *ends]
    graph = helper.make_graph(nodes, "g", [x], outputs, [numpy_helper.from_array(weights, "w")])
    imports = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=imports, ir_version=9)


def floats(name: str, width: int = 3) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width])


SOFTMAX = helper.make_node("Softmax", ["z"], ["probabilities"], axis=1)
ARGMAX = helper.make_node("ArgMax", ["z"], ["label"], axis=1, keepdims=0)
NUMBER = helper.make_tensor_value_info("label", TensorProto.INT64, [1])


def test_numbers_of_classes_become_their_names_and_a_declared_one_row_becomes_rows(pod: Pod, tmp_path: Path) -> None:
    case = Case.of(pod, labelled("text, three"))
    weights = WEIGHTS[[1, 2, 0]]  # elm, fir, oak
    given = case.probabilities(weights)
    named = {f"probability_{name}": given[:, n] for n, name in enumerate(case.dataset.classes)}
    case.predict(np.array(case.dataset.classes)[given.argmax(axis=1)], **named)
    ended = case.publish(linear(weights, [SOFTMAX, ARGMAX], [NUMBER, floats("probabilities")]))
    report = publish_report(ended)
    assert report.metrics["accuracy"] > 0.6, "a guess is right one time in three"
    assert any("counts the classes (0 elm, 1 fir, 2 oak)" in note for note in report.notes)
    assert any("declared [1] and gives [rows]" in note for note in report.notes)
    assert [(t.name, t.datatype, t.shape) for t in report.signature.outputs] == [
        ("label", "BYTES", [-1]),
        ("probabilities", "FP32", [-1, 3]),
    ]
    rows = {name: np.full((2, 1), value, np.float32) for name, value in zip("abc", (3, 1, -1), strict=True)}
    label, probabilities = case.stored(ended, tmp_path).run(None, rows)
    assert label.tolist() == ["fir", "fir"]
    assert probabilities.argmax(axis=1).tolist() == [1, 1]


def test_logits_alone_are_refused_and_beside_a_label_they_are_told(pod: Pod) -> None:
    case = Case.of(pod, labelled("integer, three"))
    given = case.probabilities(WEIGHTS)
    case.predict(given.argmax(axis=1))
    ended = case.publish(linear(WEIGHTS, [], [floats("z")]))
    assert (ended.code, ended.reason) == (1, "InvalidModel")
    assert "add a Softmax" in ended.message
    gates = [Gate(metric="auc", minimum=0.5)]
    ended = case.publish(linear(WEIGHTS, [ARGMAX], [NUMBER, floats("z")]), gates=gates)
    report = publish_report(ended)
    assert "auc" not in report.metrics
    assert report.signature.probability_output is None
    assert "labels are measured only" in ended.message
    assert "auc is not measured, because model.onnx gives no probabilities" in ended.message


def test_probabilities_compared_with_nothing_are_told(pod: Pod) -> None:
    case = Case.of(pod, labelled("text, two"))
    weights = WEIGHTS[[0, 2]]
    given = case.probabilities(weights)
    answer = np.array(case.dataset.classes)[given.argmax(axis=1)]
    model = linear(weights, [SOFTMAX], [floats("probabilities", 2)])
    case.predict(answer, proba=given[:, 1])
    assert "no column `probability` (it has 'proba', which is not read)" in case.publish(model).message
    for column, values in (("probability", given[:, 1]), ("probability_elm", given[:, 0])):
        case.predict(answer, **{column: values})
        report = publish_report(case.publish(model))
        assert report.parity["p99_difference"] < 1e-5
        assert not any("compared" in note for note in report.notes)
    case.predict(answer, probability=np.log(given[:, 1]))
    ended = case.publish(model)
    assert (ended.reason, "predictions.parquet are none" in ended.message) == ("InvalidPredictions", True)


def test_swapped_classes_are_recognised(pod: Pod) -> None:
    case = Case.of(pod, labelled("boolean"))
    given = case.probabilities(WEIGHTS[[0, 2]])
    case.predict(given.argmax(axis=1), probability=given[:, 1])
    model = linear(WEIGHTS[[2, 0]], [SOFTMAX], [floats("probabilities", 2)])
    ended = case.publish(model)
    assert (ended.reason, "two classes are swapped" in ended.message) == ("ParityFailed", True)


def test_numbers_in_place_of_text_predictions_say_what_to_write(pod: Pod) -> None:
    case = Case.of(pod, labelled("text, two"))
    given = case.probabilities(WEIGHTS[[0, 2]])
    case.predict(given.argmax(axis=1))
    ended = case.publish(linear(WEIGHTS[[0, 2]], [SOFTMAX], [floats("probabilities", 2)]))
    assert (ended.reason, "sorted(classes)[number]" in ended.message) == ("InvalidPredictions", True)


def test_matrix_of_another_width_is_refused_with_both_ways_out(pod: Pod) -> None:
    case = Case.of(pod, labelled("number"))
    case.predict(np.zeros(len(case.held_out())))
    ended = case.publish(linear(WEIGHTS[:1, :2], [], [floats("z", 1)], width=2))
    assert ended.reason == "InvalidModel"
    assert "one input per column" in ended.message
    assert "which are 3 (a, b, c)" in ended.message


def test_missing_exponential_is_recognised(pod: Pod) -> None:
    case = Case.of(pod, labelled("count"), task="regression")
    raw = case.held_out()[["a", "b", "c"]].to_numpy(float) @ (WEIGHTS[2] / 4).astype(float)
    case.predict(np.exp(raw))
    ended = case.publish(linear(WEIGHTS[2:] / 4, [], [floats("z", 1)]))
    assert (ended.reason, "add an Exp before its output" in ended.message) == ("ParityFailed", True)
    exponential = helper.make_node("Exp", ["z"], ["rate"])
    assert publish_report(case.publish(linear(WEIGHTS[2:] / 4, [exponential], [floats("rate", 1)])))


def seconds(rows: int = 600) -> str:
    """Two classes that alternate every 40 seconds, which float32 cannot tell apart."""
    start = 1_700_000_000
    return "t,y\n" + "\n".join(f"{start + n},{'ab'[n // 40 % 2]}" for n in range(rows)) + "\n"


def test_long_integers_are_learnt_to_the_unit(pod: Pod) -> None:
    case = Case.of(pod, seconds())
    task = train_task(pod.url, case.digest, estimator=Estimator(name="DecisionTreeClassifier"))
    assert pod.step("train", task).code == 0
    report = publish_report(pod.step("publish", task))
    assert report.signature.inputs[0].datatype == "INT64"
    assert report.metrics["accuracy"] > 0.9


def test_long_integers_in_a_float_are_told(pod: Pod) -> None:
    case = Case.of(pod, seconds())
    case.predict(np.full(len(case.held_out()), "a"))
    constant = helper.make_node("Mul", ["z", "zero"], ["nothing"])
    half = helper.make_node("Sigmoid", ["nothing"], ["p"])
    model = linear(np.zeros((1, 1), np.float32), [constant, half], [floats("p", 1)], width=1)
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "zero"))
    ended = case.publish(model)
    assert "FP32 rounds the numbers of 't', which reach 1700000" in ended.message
    assert "INT64 or FP64" in ended.message


@pytest.mark.filterwarnings("ignore:.*bool.*:DeprecationWarning")  # the exporter's protobuf attributes
@pytest.mark.filterwarnings("ignore:.*bool.*:FutureWarning")
@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_losses_with_a_logarithm_give_the_exponential(pod: Pod, loss: str) -> None:
    text = labelled("count") if loss == "poisson" else labelled("count").replace(",0\n", ",0.5\n")
    case = Case.of(pod, text, task="regression")
    estimator = Estimator(name="HistGradientBoostingRegressor", parameters={"loss": loss, "max_iter": 30})
    task = train_task(pod.url, case.digest, estimator=estimator)
    ended = pod.step("train", task)
    assert ended.code == 0, ended.message
    report = publish_report(pod.step("publish", task))
    assert report.parity["max_difference"] < 1e-5


@pytest.mark.parametrize("texts", [1, 2])
@pytest.mark.parametrize("name", ["LogisticRegression", "MLPClassifier"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_texts_of_many_values_are_exported(pod: Pod, name: str, texts: int) -> None:
    lines = [
        f"car {n % 150:03d},{f'plant {n % 130:03d},' if texts == 2 else ''}{900 + n},{'ab'[n % 2]}" for n in range(400)
    ]
    case = Case.of(pod, "\n".join(["model," + ("plant," if texts == 2 else "") + "weight,y", *lines]) + "\n")
    task = train_task(pod.url, case.digest, estimator=Estimator(name=name, parameters={"max_iter": 30}))
    ended = pod.step("train", task)
    assert ended.code == 0, ended.message
    assert publish_report(pod.step("publish", task)).parity["p99_difference"] < 1e-4
