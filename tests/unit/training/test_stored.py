"""A training whose result is in the store already is answered from there, and by nothing that is not whole."""

import pytest

from modelward_contracts.inputs import inputs_hash
from modelward_contracts.reports import NOT_NEEDED, PublishReport
from modelward_contracts.tasks import Evaluation, Gate, ServingModel, SliceBy
from modelward_contracts.verdicts import run_key
from modelward_contracts.wire import canonical, sha256

from .conftest import Trained
from .harness import NAMESPACE, Ended, publish_report, train_task

TASK = "sha256:35b1d5325d657a618d7dd3173ca9c7e8de69a272c2946e9da129ceeb50429c1e"
INPUTS = "sha256:c0ae322664792c6d8114c79797c64e13d60fbcb907645a7a7cfef6f74473b88c"
"""As they were before there were samples, tests or stored results."""


def fetch(trained: Trained, **fields: object) -> Ended:
    return trained.step("fetch", train_task(trained.url, trained.digest, **fields))


def found(ended: Ended) -> PublishReport:
    report = ended.lines[-1]
    assert isinstance(report, PublishReport)
    return report


@pytest.mark.usefixtures("kept")
def test_stored_result_is_the_answer_and_ends_the_pod(trained: Trained) -> None:
    first = publish_report(trained.publish())
    ended = fetch(trained)
    assert (ended.code, ended.reason, ended.termination.result) == (NOT_NEEDED, "Stored", "Succeeded")
    again = found(ended)
    assert (again.manifest, again.inputs_hash, again.metrics) == (first.manifest, first.inputs_hash, first.metrics)
    assert "run run-a with the same inputs had left this result" in again.notes[-1]
    assert trained.store.get_bytes(str(ended.termination.report))


def test_gates_of_the_run_at_hand_are_judged_on_the_stored_numbers(trained: Trained) -> None:
    trained.publish(gates=[Gate(metric="accuracy", minimum=0.999999)])
    gates = [Gate(metric="accuracy", minimum=0.5), Gate(metric="latency_p99_seconds", maximum=1e-12)]
    judged = found(fetch(trained, gates=gates)).gates
    assert [(gate.bound, gate.passed) for gate in judged] == [(">= 0.5", True), ("<= 1e-12", False)]


@pytest.mark.parametrize("fields", [{"retrain": True}, {"sample": 50}, {"seed": 1}, {"tests": ["pytest"]}])
def test_run_that_asks_for_something_else_is_trained(trained: Trained, fields: dict[str, object]) -> None:
    trained.publish()
    ended = fetch(trained, **fields)
    assert (ended.code, ended.reason) == (0, "Fetched")


@pytest.mark.parametrize("part", ["model", "report", "profile"])
def test_stored_result_that_is_not_whole_is_trained_again(trained: Trained, part: str) -> None:
    ended = trained.publish()
    manifest = trained.model(ended)
    digest = {
        "model": manifest.model.digest,
        "profile": manifest.profile.digest,
        "report": str(ended.termination.report),
    }[part]
    blob = trained.stored / NAMESPACE / "blobs/sha256" / digest.removeprefix("sha256:")
    whole = blob.read_bytes()
    for content in (None, whole[:-1] + b"x"):
        blob.unlink() if content is None else blob.write_bytes(content)
        again = fetch(trained)
        assert (again.code, again.reason) == (0, "Fetched")


def test_record_of_an_older_version_does_as_well(trained: Trained) -> None:
    ended = trained.publish()
    report = publish_report(ended)
    trained.store.write_record(
        run_key(report.inputs_hash), {"manifest": report.manifest, "report": ended.termination.report}
    )
    again = fetch(trained)
    assert again.reason == "Stored"
    assert again.message.startswith("an earlier run with the same inputs")


def test_task_without_the_new_fields_is_the_same_as_before() -> None:
    task = train_task("file:///store", "sha256:" + "a" * 64, parameters={"depth": 3})
    assert (sha256(canonical(task)), inputs_hash(task)) == (TASK, INPUTS)


def test_gates_that_compare_rows_need_them_and_those_against_nothing_in_service_do_not(trained: Trained) -> None:
    first = trained.publish()
    serving = Gate(metric="accuracy", not_worse_than="Serving")
    (judged,) = found(fetch(trained, gates=[serving])).gates
    assert (judged.passed, judged.message) == (True, "nothing serves yet")
    in_service = [ServingModel(version="things-1", digest=publish_report(first).manifest)]
    assert fetch(trained, gates=[serving], serving=in_service).reason == "Fetched"
    assert fetch(trained, gates=[Gate(metric="accuracy", not_worse_than="Baseline")]).reason == "Fetched"


def test_slices_are_judged_as_they_were_measured_and_others_are_measured_anew(trained: Trained) -> None:
    evaluation = Evaluation(slices=[SliceBy(column="mean radius", minimum_rows=5)])
    worst = Gate(metric="accuracy", minimum=0.999, slice="Worst")
    then = publish_report(trained.publish(evaluation=evaluation, gates=[worst])).gates
    assert found(fetch(trained, evaluation=evaluation, gates=[worst])).gates == then
    assert (
        fetch(trained, evaluation=Evaluation(slices=[SliceBy(column="mean area", minimum_rows=5)])).reason == "Fetched"
    )
