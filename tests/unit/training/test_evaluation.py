"""Publish with real models: slices, baselines, importance, and comparison with what is in service."""

import random
from typing import Any

import msgspec
import pytest

from modelward_contracts.manifests import Blob, Column, DatasetManifest, ModelManifest, Signature, Tensor
from modelward_contracts.reports import MAX_REPORT, EvaluationRecord, GateResult, PublishReport
from modelward_contracts.tasks import Estimator, Evaluation, Gate, ServingModel, SliceBy
from modelward_contracts.wire import canonical
from modelward_training.publish.serving import unlike

from .harness import NAMESPACE, Ended, Pod, ingest_report, publish_report, train_task
from .sets import things

SERVING = Gate(metric="auc", not_worse_than="Serving")
ROWS = 2000


def ingested(pod: Pod, text: str, **fields: Any) -> str:
    pod.csv(text)
    return ingest_report(pod.ingest(time="at", **fields)).manifest


def published(pod: Pod, digest: str, **fields: Any) -> Ended:
    task = train_task(pod.url, digest, **fields)
    for step in ("fetch", "train"):
        ended = pod.step(step, task)
        assert ended.code == 0, ended.message
    return pod.step("publish", task)


def in_service(ended: Ended, version: str = "things-1") -> list[ServingModel]:
    return [ServingModel(version=version, digest=publish_report(ended).manifest)]


def only_gate(ended: Ended) -> GateResult:
    (gate,) = publish_report(ended).gates
    return gate


def by_column(report: PublishReport, column: str) -> dict[str, int]:
    return {each.value: each.rows for each in report.slices if each.column == column}


def test_model_is_measured_in_slices_beside_baselines_and_column_by_column(pod: Pod) -> None:
    wanted = Evaluation(
        slices=[SliceBy(column=name, minimum_rows=50) for name in ("carrier", "full", "to", "gusts")],
        baseline="Linear",
        importance_rows=300,
    )
    digest = ingested(pod, things(ROWS))
    report = publish_report(published(pod, digest, evaluation=wanted))
    rows = pod.store.get_json(digest, DatasetManifest).splits["test"].rows
    assert set(by_column(report, "carrier")) == {"UA", "B6", "AA"}
    assert set(by_column(report, "full")) == {"true", "false"}
    assert set(by_column(report, "to")) == {"SFO", "LAX", "ORD", "missing"}
    gusts = by_column(report, "gusts")
    assert len(gusts) == 6
    assert sum(value.startswith((">", "<=")) for value in gusts) == 5
    for column in ("carrier", "full", "to", "gusts"):
        assert sum(by_column(report, column).values()) == rows
    measured = [each.metrics["auc"] for each in report.slices]
    assert measured == sorted(measured)
    trivial, linear = report.baselines
    assert (trivial.name, trivial.metrics["auc"]) == ("Trivial", 0.5)
    assert 0.5 < trivial.metrics["accuracy"] < report.metrics["accuracy"]
    assert linear.metrics["auc"] == pytest.approx(report.metrics["auc"], abs=0.005)  # it is one itself
    columns = [each.column for each in report.importance]
    assert set(columns) == {tensor.column or tensor.name for tensor in report.signature.inputs}
    assert set(columns[:2]) == {"speed (km/h)", "seats"}
    first = report.importance[0]
    assert 0 < first.low < first.loss < first.high
    assert [each.low <= 0 for each in report.importance if each.column in ("gusts", "to")] == [True, True]
    record = pod.store.get_json(str(report.evaluation), EvaluationRecord)
    assert (record.slices, record.metrics) == (report.slices, report.metrics)
    assert sum(each.rows for each in record.calibration) == rows
    assert len(canonical(report)) < MAX_REPORT / 10


def test_worst_slice_is_named_with_its_numbers(pod: Pod) -> None:
    gates = [Gate(metric="auc", slice="Worst", minimum=0.99)]
    wanted = Evaluation(slices=[SliceBy(column="carrier", minimum_rows=20)])
    ended = published(pod, ingested(pod, things(ROWS)), gates=gates, evaluation=wanted)
    worst = publish_report(ended).slices[0]
    assert ended.reason == "GateFailed"
    assert only_gate(ended).slice == f"carrier={worst.value}"
    assert f"where carrier={worst.value} ({worst.rows} rows, {worst.share:.1%}) and not >= 0.99" in ended.message


def test_regression_is_sliced_and_compared_as_well(pod: Pod) -> None:
    digest = ingested(pod, things(ROWS, label="delay"), label="delay")
    line = {"estimator": Estimator(name="Ridge")}
    serving = in_service(published(pod, digest, **line))
    gates = [
        Gate(metric="rmse", not_worse_than="Serving"),
        Gate(metric="rmse", not_worse_than="Baseline", margin=-0.2),
        Gate(metric="rmse", slice="Worst", maximum=100),
    ]
    wanted = Evaluation(slices=[SliceBy(column="seats", minimum_rows=20)], importance_rows=200)
    report = publish_report(published(pod, digest, gates=gates, serving=serving, evaluation=wanted, **line))
    assert [(gate.result, gate.passed) for gate in report.gates] == [("Passed", True)] * 3
    assert report.gates[0].difference == 0
    assert report.gates[1].against == "Trivial"
    assert len(by_column(report, "seats")) == 5
    assert report.importance[0].metric == "rmse"
    assert report.importance[0].loss > 0


def test_what_serves_and_cannot_answer_these_rows_is_told(pod: Pod) -> None:
    serving = in_service(published(pod, ingested(pod, things())))
    digest = ingest_report(pod.ingest(time="at", prepare_sql="SELECT * EXCLUDE (gusts, carrier) FROM source")).manifest
    gate = Gate(metric="accuracy", not_worse_than="Serving", on_unclear="Pass")
    found = only_gate(published(pod, digest, gates=[gate], serving=serving))
    assert (found.result, found.passed) == ("Unclear", True)
    assert found.message == (
        "accuracy cannot be compared with things-1's: its input 'gusts' is no column of this data; its input 'carrier' "
        "is no column of this data"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, ""),
        ({"classes": ["0", "1", "2"]}, "its classes are 0, 1, and those of this data 0, 1, 2"),
        ({"task": "regression", "classes": []}, "it is a classification, and this is a regression"),
        (
            {"columns": [Column(name="seats", type="string", nullable=False)]},
            "takes INT64, and the column is now string",
        ),
        ({"columns": [Column(name="seats", type="integer", nullable=True)]}, "the column now has missing values"),
        ({"label": "seats"}, "its input 'seats' is the label of this data"),
    ],
)
def test_what_keeps_a_stored_model_from_other_data_is_told(changes: dict[str, Any], message: str) -> None:
    blob = Blob(digest="sha256:" + "a" * 64, bytes=1)
    dataset = DatasetManifest(
        dataset="things",
        task="classification",
        columns=[Column(name="seats", type="integer", nullable=False)],
        label="late",
        id="id",
        time=None,
        classes=["0", "1"],
        rows=1,
        splits={},
        statistics=blob,
        salt="things",
        sources=[],
    )
    inputs = [Tensor(name="seats", datatype="INT64", shape=[-1, 1])]
    model = ModelManifest(
        model_name="things",
        task="classification",
        model=blob,
        signature=Signature(inputs=inputs, outputs=[], classes=["0", "1"]),
        profile=blob,
        golden=blob,
        dataset=blob.digest,
        inputs_hash=blob.digest,
    )
    found = unlike(model, msgspec.structs.replace(dataset, **changes))
    assert message in found
    assert bool(message) is bool(found)


def test_what_serves_and_is_no_longer_in_the_store_is_told(pod: Pod) -> None:
    digest = ingested(pod, things())
    serving = in_service(published(pod, digest))
    blob = pod.model(pod.step("publish", train_task(pod.url, digest))).model.digest
    (pod.stored / NAMESPACE / "blobs/sha256" / blob.removeprefix("sha256:")).unlink()
    other = Estimator(name="DecisionTreeClassifier")
    found = only_gate(published(pod, digest, gates=[SERVING], serving=serving, estimator=other))
    assert (found.result, found.passed) == ("Unclear", False)
    assert f"holds no blob {blob}" in found.message


def test_another_salt_is_told_because_test_rows_may_have_been_seen(pod: Pod) -> None:
    serving = in_service(published(pod, ingested(pod, things())))
    digest = ingest_report(pod.ingest(time="at", salt="another")).manifest
    notes = publish_report(published(pod, digest, gates=[SERVING], serving=serving)).notes
    assert any(note.startswith("things-1 may have been trained on some of these test rows") for note in notes)
    same = publish_report(published(pod, ingested(pod, things()), gates=[SERVING], serving=serving)).notes
    assert not any("things-1" in note for note in same)


def monthly(rows: int, shuffled: set[int]) -> str:
    """Two months of `rows` each; labels of some are shuffled."""
    head, *lines = things(2 * rows).splitlines()
    draw, made = random.Random(3), [f"month,{head}"]
    for month in (1, 2):
        part = [line.rsplit(",", 1) for line in lines[(month - 1) * rows : month * rows]]
        labels = [label for _, label in part]
        if month in shuffled:
            draw.shuffle(labels)
        made += [f"{month},{rest},{label}" for (rest, _), label in zip(part, labels, strict=True)]
    return "\n".join(made) + "\n"


@pytest.mark.parametrize("shuffled", [set(), {2}], ids=["as it was", "garbage"])
def test_month_of_shuffled_labels_fails_against_what_serves(pod: Pod, shuffled: set[int]) -> None:
    """A tree learns the noise by heart, and is worse for it; the month itself stands out among the slices."""
    tree = {"estimator": Estimator(name="DecisionTreeClassifier")}
    first, *_ = monthly(4000, set()).partition("\n2,")
    serving = in_service(published(pod, ingested(pod, first + "\n", group="month"), **tree))
    gates = [SERVING, Gate(metric="auc", slice="Worst", minimum=0.7)]
    wanted = Evaluation(slices=[SliceBy(column="month", minimum_rows=100)])
    digest = ingested(pod, monthly(4000, shuffled), group="month")
    ended = published(pod, digest, gates=gates, serving=serving, evaluation=wanted, **tree)
    against, worst = publish_report(ended).gates
    if not shuffled:
        assert (against.passed, worst.passed) == (True, True)
        return
    assert ended.reason == "GateFailed"
    assert (against.result, worst.result) == ("Failed", "Failed")
    assert isinstance(against.high, float)
    assert against.high < 0
    assert worst.slice == "month=2"
    assert f"auc is {against.value:.4g}, things-1 has {against.other:.4g} on the same rows" in ended.message


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("carier", "'carier' is no column of things; did you mean 'carrier'? There are "),
        ("late", "'late' is the label of things: slices are of what is known beforehand"),
        ("at", "'at' is a timestamp: derive its month or weekday in prepare.sql"),
    ],
)
def test_slices_that_cannot_be_are_told_before_training(pod: Pod, column: str, message: str) -> None:
    wanted = Evaluation(slices=[SliceBy(column=column, minimum_rows=50)])
    ended = pod.step("fetch", train_task(pod.url, ingested(pod, things()), evaluation=wanted))
    assert (ended.code, ended.reason) == (1, "InvalidSlices")
    assert f"evaluation.slices[0].column: {message}" in ended.message


def test_what_columns_ask_of_an_export_is_told_before_a_users_code_runs(pod: Pod) -> None:
    task = train_task(pod.url, ingested(pod, things()), estimator=None, image="mine:1")
    said = [line.message for line in pod.step("fetch", task).lines if hasattr(line, "message")]
    assert 'missing text of \'to\' reaches the model as "": impute with missing_values=""' in said
