"""Publish: a good model is measured, described and stored; the report can be had again."""

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from modelward_contracts.manifests import Batching, GoldenRequests
from modelward_contracts.profile import ReferenceProfile
from modelward_contracts.tasks import Gate, ReportTask
from modelward_contracts.verdicts import run_key

from .conftest import Trained
from .harness import NAMESPACE, publish_report


def test_breast_cancer_is_a_good_model_with_all_that_belongs_to_it(trained: Trained) -> None:
    ended = trained.publish()
    report = publish_report(ended)
    assert report.metrics["accuracy"] > 0.95
    assert report.metrics["auc"] > 0.98
    assert report.parity["p99_difference"] < 1e-4
    assert report.latency_seconds["p50"] > 0
    assert report.memory_bytes >= report.model_bytes
    manifest = trained.model(ended)
    assert manifest.model.digest == report.model
    assert manifest.dataset == trained.digest
    record = trained.store.read_record(run_key(report.inputs_hash), dict)
    assert record == {"manifest": report.manifest, "report": ended.termination.report, "run": "run-a"}
    assert not list(trained.paths.output.glob("*.npz"))


def test_gates_are_judged_and_a_missed_one_is_still_published(trained: Trained) -> None:
    gates = [Gate(metric="accuracy", minimum=0.5), Gate(metric="log_loss", maximum=1e-6)]
    ended = trained.publish(gates=gates)
    report = publish_report(ended)
    assert [(gate.bound, gate.passed) for gate in report.gates] == [(">= 0.5", True), ("<= 1e-06", False)]
    assert ended.reason == "GateFailed"
    assert "log_loss is" in ended.message
    assert trained.model(ended).model_name == "things"


def test_profile_counts_every_row_of_every_signal(trained: Trained) -> None:
    ended = trained.publish()
    profile = trained.store.get_json(trained.model(ended).profile.digest, ReferenceProfile)
    dataset = trained.store.get_json(trained.digest, dict)["splits"]
    held_out = dataset["validation"]["rows"] + dataset["test"]["rows"]
    for signal in profile.signals:
        expected = held_out if signal.source == "output" else dataset["train"]["rows"]
        assert sum(signal.counts) == expected, signal.name
        if signal.kind == "numeric":
            assert len(signal.counts) == len(signal.cuts) + 2
            assert signal.cuts == sorted(set(signal.cuts))
        else:
            assert len(signal.counts) == len(signal.categories) + 3
    assert {signal.name for signal in profile.signals if signal.source == "projection"} == {"~pc1", "~pc30"}
    outputs = [(signal.name, signal.kind) for signal in profile.signals if signal.source == "output"]
    assert outputs == [("label", "categorical"), ("probability_malignant", "numeric")]


def test_golden_requests_are_answered_by_the_model_as_recorded(trained: Trained) -> None:
    golden = trained.store.get_json(trained.model(trained.publish()).golden.digest, GoldenRequests)
    session = ort.InferenceSession(trained.paths.output / "model.onnx", providers=["CPUExecutionProvider"])
    assert len(golden.requests) == 2
    assert any(None in tensor["data"] for tensor in golden.requests[1].inputs)  # type: ignore[operator]
    for request in golden.requests:
        inputs = {str(t["name"]): np.array(t["data"], np.float32).reshape(t["shape"]) for t in request.inputs}
        label, probabilities = session.run(["label", "probabilities"], inputs)
        assert request.outputs[0]["data"] == label.tolist()
        assert request.outputs[1]["data"] == pytest.approx(probabilities.reshape(-1).tolist())


@pytest.mark.usefixtures("kept")
def test_stored_report_is_printed_again(trained: Trained) -> None:
    first = trained.publish()
    digest = str(first.termination.report)
    again = trained.step("report", ReportTask(namespace=NAMESPACE, store=trained.url, report=digest))
    assert publish_report(again) == publish_report(first)


def test_inputs_hash_depends_on_what_decides_the_result_and_on_nothing_else(trained: Trained) -> None:
    first = publish_report(trained.publish())
    assert (
        publish_report(trained.publish(run="other", gates=[Gate(metric="auc", minimum=0)])).inputs_hash
        == first.inputs_hash
    )
    assert publish_report(trained.publish(seed=1)).inputs_hash != first.inputs_hash


def test_manifest_tells_whether_rows_may_run_together_and_what_stands_in_the_way(trained: Trained) -> None:
    assert trained.model(trained.publish()).batching == Batching(rows_independent=True)
    path = trained.paths.output / "model.onnx"
    model = onnx.load(path)
    for one in model.graph.node:
        one.output[:] = ["own" if name == "probabilities" else name for name in one.output]
    # Adds nothing, which no proof can know.
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([0]), "first"))
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(0, np.float32), "nothing"))
    model.graph.node.extend(
        [
            onnx.helper.make_node("ReduceMean", ["own", "first"], ["mean"]),
            onnx.helper.make_node("Mul", ["mean", "nothing"], ["none"]),
            onnx.helper.make_node("Add", ["own", "none"], ["probabilities"]),
        ]
    )
    onnx.save(model, path)
    report = publish_report(trained.publish())
    assert report.batching == Batching(rows_independent=False, reason="ReduceMean 'mean' runs over the rows (axis 0)")
