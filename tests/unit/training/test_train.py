"""Fetch and train: what user code finds, and every estimator through export, parity and measurement."""

import errno
import itertools
import json
from typing import Any

import msgspec
import numpy as np
import onnxruntime as ort
import pyarrow.parquet as pq
import pytest
from onnx import helper

from modelward_contracts.store import Store
from modelward_contracts.tasks import Estimator, Gate
from modelward_training.trainer.export import in_order
from modelward_training.trainer.known import KNOWN

from .conftest import Trained
from .harness import NAMESPACE, Pod, ingest_report, publish_report, train_task
from .sets import things

LABELS = {"classification": "band", "regression": "delay"}
POSITIVE = ("GammaRegressor", "PoissonRegressor", "TweedieRegressor")


def ingested(pod: Pod, label: str = "late") -> str:
    pod.csv(things(label=label))
    return ingest_report(pod.ingest(label=label, time="at")).manifest


@pytest.mark.usefixtures("kept")
def test_fetched_folder_holds_splits_and_parameters_and_no_held_out_labels(pod: Pod) -> None:
    digest = ingested(pod)
    ended = pod.step("fetch", train_task(pod.url, digest, parameters={"depth": 3}))
    assert (ended.code, ended.reason) == (0, "Fetched")
    names = sorted(path.name for path in pod.paths.input.iterdir())
    assert names == ["dataset.json", "params.json", "test.parquet", "train.parquet", "validation.parquet"]
    assert "late" in pq.read_schema(pod.paths.input / "train.parquet").names
    for split in ("validation", "test"):
        assert "late" not in pq.read_schema(pod.paths.input / f"{split}.parquet").names
    assert json.loads((pod.paths.input / "params.json").read_text()) == {"depth": 3}
    assert json.loads((pod.paths.input / "dataset.json").read_text())["label"] == "late"


@pytest.mark.usefixtures("kept")
def test_tampered_data_in_the_store_ends_fetch(pod: Pod) -> None:
    digest = ingested(pod)
    data = pod.store.get_json(digest, dict)["splits"]["train"]["data"]["digest"]
    path = pod.stored / NAMESPACE / "blobs/sha256" / data.removeprefix("sha256:")
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    ended = pod.step("fetch", train_task(pod.url, digest))
    assert (ended.code, ended.reason) == (1, "DigestMismatch")
    assert data in ended.message
    assert not (pod.paths.input / "train.parquet").exists()


@pytest.mark.usefixtures("kept")
def test_dataset_that_is_not_in_the_store_is_named(pod: Pod) -> None:
    ended = pod.step("fetch", train_task(pod.url, "sha256:" + "a" * 64))
    assert (ended.code, ended.reason) == (1, "BlobMissing")


def test_store_that_cannot_be_reached_is_retried(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise OSError(errno.EHOSTUNREACH, "no route to host")

    digest = ingested(pod)
    monkeypatch.setattr("modelward_contracts.storage.files.Files.read", unreachable)
    ended = pod.step("fetch", train_task(pod.url, digest))
    assert (ended.code, ended.reason, ended.termination.retryable) == (75, "StoreUnavailable", True)


def test_misspelt_gate_is_told_before_training(pod: Pod) -> None:
    digest = ingested(pod)
    ended = pod.step("fetch", train_task(pod.url, digest, gates=[Gate(metric="acuracy", minimum=0.5)]))
    assert (ended.code, ended.reason) == (1, "InvalidGate")
    assert "gates[0].metric" in ended.message
    assert "did you mean 'accuracy'?" in ended.message


@pytest.mark.parametrize(
    ("estimator", "reason", "part"),
    [
        (Estimator(name="LogisticRegresion"), "UnknownEstimator", "did you mean 'LogisticRegression'?"),
        (Estimator(name="Ridge"), "UnknownEstimator", "Ridge is for regression"),
        (Estimator(name="MultinomialNB"), "UnknownEstimator", "MultinomialNB takes no negative inputs"),
        (Estimator(name="LogisticRegression", parameters={"c": 1}), "InvalidParameter", "has no 'c'"),
        (Estimator(name="LogisticRegression", parameters={"C": -1}), "InvalidParameter", "'C' parameter"),
    ],
)
def test_estimator_that_cannot_be_is_refused(pod: Pod, estimator: Estimator, reason: str, part: str) -> None:
    task = train_task(pod.url, ingested(pod), estimator=estimator)
    assert pod.step("fetch", task).code == 0
    ended = pod.step("train", task)
    assert (ended.code, ended.reason) == (1, reason)
    assert part in ended.message


def small(name: str) -> Estimator:
    small: dict[str, dict[str, Any]] = {
        "Forest": {"n_estimators": 20},
        "ExtraTrees": {"n_estimators": 20},
        "Hist": {"max_iter": 20},
        "QuantileRegressor": {"alpha": 0.001},
        "TweedieRegressor": {"power": 1.5},
        "NuSVC": {"nu": 0.2},
        "PursuitCV": {},
        "Pursuit": {"n_nonzero_coefs": 6},
        "GammaRegressor": {"alpha": 0.01},
        "GaussianProcessRegressor": {"alpha": 0.5},
    }
    return Estimator(name=name, parameters=next((few for part, few in small.items() if part in name), {}))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*bool.*:DeprecationWarning")  # the exporter's protobuf attributes
@pytest.mark.filterwarnings("ignore:.*bool.*:FutureWarning")
@pytest.mark.filterwarnings("ignore:Attribute `prob[AB]_` was deprecated:FutureWarning")  # the exporter looks at it
@pytest.mark.parametrize("name", KNOWN)
def test_every_estimator_trains_exports_and_agrees_with_itself(pod: Pod, name: str) -> None:
    """On floats with gaps, integers, booleans and text with gaps, under names that are no identifiers."""
    label = "wait" if name in POSITIVE else LABELS[KNOWN[name].task]
    task = train_task(pod.url, ingested(pod, label), estimator=small(name))
    for step in ("fetch", "train"):
        ended = pod.step(step, task)
        assert ended.code == 0, ended.message
    report = publish_report(pod.step("publish", task))
    inputs = {tensor.name: tensor.datatype for tensor in report.signature.inputs}
    assert inputs == {
        "speed (km/h)": "FP32",
        "gusts": "FP32",
        "seats": "INT64",
        "full": "BOOL",
        "carrier": "BYTES",
        "to": "BYTES",
    }
    if report.task == "classification":
        assert report.signature.classes == ["high", "low", "middle"]
        assert report.metrics["accuracy"] > 0.6
    else:
        assert report.metrics["r2"] > 0.6


@pytest.mark.parametrize("label", ["late", "was_late"])
def test_integer_and_boolean_labels_come_back_as_they_are_written(pod: Pod, label: str) -> None:
    task = train_task(pod.url, ingested(pod, label))
    for step in ("fetch", "train"):
        assert pod.step(step, task).code == 0
    report = publish_report(pod.step("publish", task))
    assert report.metrics["accuracy"] > 0.8
    assert report.signature.classes == (["0", "1"] if label == "late" else ["false", "true"])


def test_same_run_gives_the_same_model_byte_by_byte(pod: Pod) -> None:
    task = train_task(pod.url, ingested(pod), estimator=small("RandomForestClassifier"), retrain=True)
    digests = []
    for _ in range(2):
        for step in ("fetch", "train"):
            assert pod.step(step, task).code == 0
        digests.append(publish_report(pod.step("publish", task)).manifest)
    assert digests[0] == digests[1]


def test_operator_sets_have_one_order_whatever_the_exporters_was() -> None:
    """Of a set, whose order changes with the process: bytes would differ in one of six trainings."""
    for order in itertools.permutations(["", "ai.onnx.ml", "com.example"]):
        model = helper.make_model(helper.make_graph([], "none", [], []))
        del model.opset_import[:]
        model.opset_import.extend(helper.make_opsetid(domain, 1) for domain in order)
        in_order(model.opset_import)
        assert [opset.domain for opset in model.opset_import] == ["", "ai.onnx.ml", "com.example"]


def test_model_runs_on_real_column_names(trained: Trained) -> None:
    session = ort.InferenceSession(trained.paths.output / "model.onnx", providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].name == "mean radius"
    assert [output.name for output in session.get_outputs()] == ["label", "probabilities"]
    row = {value.name: np.zeros((1, 1), np.float32) for value in session.get_inputs()}
    assert session.run(["label"], row)[0].tolist() in (["benign"], ["malignant"])


@pytest.mark.usefixtures("kept")
def test_verdict_with_the_larger_retry_stays(pod: Pod) -> None:
    from modelward_contracts.tasks import VerdictTask
    from modelward_contracts.verdicts import StoredVerdict, verdict_key

    task = VerdictTask(
        namespace=NAMESPACE,
        store=pod.url,
        deployment="flights",
        revision="abc",
        retry=1,
        reason="Errors",
        message="5 % errors",
        model="sha256:" + "a" * 64,
        decided="2026-01-01T00:00:00Z",
    )
    for retry in (1, 3, 2):
        assert pod.step("verdict", msgspec.structs.replace(task, retry=retry)).code == 0
    stored = Store(pod.url, NAMESPACE).read_record(verdict_key("flights", "abc"), StoredVerdict)
    assert stored is not None
    assert stored.retry == 3


@pytest.mark.usefixtures("kept")
def test_of_two_services_the_later_one_stays_in_the_store(pod: Pod) -> None:
    from modelward_contracts.tasks import ServedTask
    from modelward_contracts.verdicts import StoredService, served_key

    def told(version: int, hour: int) -> ServedTask:
        service = StoredService(revision=f"r{version}", since=f"2026-01-01T{hour:02}:00:00Z", serving={})
        return ServedTask(namespace=NAMESPACE, store=pod.url, deployment="flights", service=service)

    for version, hour in ((1, 1), (2, 3), (3, 2)):
        assert pod.step("served", told(version, hour)).code == 0
    stored = Store(pod.url, NAMESPACE).read_record(served_key("flights"), StoredService)
    assert stored is not None
    assert stored.revision == "r2"


@pytest.mark.usefixtures("kept")
def test_a_trace_is_stored_byte_by_byte_under_its_name(pod: Pod) -> None:
    from modelward_contracts.tasks import TraceTask

    for part in ("20260101T000000Z-20260101T000012Z", "20260101T000000Z-20260101T001012Z"):
        task = TraceTask(
            namespace=NAMESPACE, store=pod.url, deployment="flights", revision="abc", part=part, trace=part.encode()
        )
        assert pod.step("trace", task).code == 0
    folder = pod.stored / NAMESPACE / "traces" / "flights" / "abc"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        "20260101T000000Z-20260101T000012Z.jsonl.gz": b"20260101T000000Z-20260101T000012Z",
        "20260101T000000Z-20260101T001012Z.jsonl.gz": b"20260101T000000Z-20260101T001012Z",
    }
