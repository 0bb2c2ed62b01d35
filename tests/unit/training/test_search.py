"""The steps of a search: trials that measure validation alone, and a last Job that takes the winner's model."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest

from modelward_contracts.inputs import trial_key
from modelward_contracts.manifests import BLOBS, DatasetManifest
from modelward_contracts.reports import NOT_NEEDED, PublishReport, SearchResult, TrialReport
from modelward_contracts.search import Constraint, Objective, Parameter, Search, Winner
from modelward_contracts.tasks import Estimator, TrainTask

from .conftest import Trained
from .harness import NAMESPACE, Ended, publish_report, report_line, train_task

SEARCH = Search(
    objective=Objective(metric="auc", maximize=True),
    algorithm="random",
    parameters=[
        Parameter(name="max_depth", type="int", minimum=1.0, maximum=4.0),
        Parameter(name="criterion", type="categorical", values=["gini", "entropy"]),
    ],
    parallel=1,
    trials=3,
)
TREE = Estimator(name="DecisionTreeClassifier", parameters={"min_samples_leaf": 5})


def task(trained: Trained, number: int | None = None, **fields: Any) -> TrainTask:
    trial = {} if number is None else {"trial": number}
    return train_task(trained.url, trained.digest, **{"estimator": TREE, "search": SEARCH, **trial, **fields})


def attempt(trained: Trained, number: int, **fields: Any) -> Ended:
    """All steps of a trial."""
    asked = task(trained, number, **fields)
    for step in ("fetch", "train"):
        ended = trained.step(step, asked)
        assert ended.code == 0, ended
    return trained.step("publish", asked)


def measured(ended: Ended) -> TrialReport:
    line = report_line(ended)
    assert isinstance(line, TrialReport)
    return line


def test_trial_trains_what_was_suggested_and_is_measured_on_the_validation_rows(trained: Trained) -> None:
    fetched = trained.step("fetch", task(trained, 1))
    tried = fetched.termination.trial
    assert isinstance(tried, dict)
    assert json.loads((trained.paths.input / "params.json").read_text()) == tried
    assert trained.step("train", task(trained, 1)).code == 0
    found = measured(trained.step("publish", task(trained, 1)))
    assert (found.trial, found.parameters) == (1, tried)
    assert found.value == found.metrics["auc"]
    assert found.metrics["model_bytes"] > 0
    assert found.feasible
    assert trained.store.read_record(trial_key(task(trained), 1), TrialReport) == found


def test_trial_reads_no_label_of_a_test_row(trained: Trained) -> None:
    manifest = trained.store.get_json(trained.digest, DatasetManifest)
    labels = manifest.splits["test"].labels
    assert labels
    (trained.stored / NAMESPACE / BLOBS / labels.digest.removeprefix("sha256:")).unlink()
    assert measured(attempt(trained, 1)).value > 0.5


def test_next_trial_follows_from_those_before_wherever_it_is_made(trained: Trained) -> None:
    first = measured(attempt(trained, 1))
    fetched = [trained.step("fetch", task(trained, 2)).termination.trial for _ in range(2)]
    assert fetched[0] == fetched[1] != first.parameters


def test_trial_that_was_made_already_is_told_from_the_store(trained: Trained) -> None:
    first = measured(attempt(trained, 1))
    again = trained.step("fetch", task(trained, 1, run="run-b", run_uid="uid-b"))
    assert (again.code, again.reason) == (NOT_NEEDED, "Stored")
    assert again.lines[-1] == first


@pytest.mark.parametrize("fields", [{"retrain": True}, {"sample": 100}])
def test_search_that_is_to_be_made_anew_takes_over_no_trial_of_another_run(
    trained: Trained, fields: dict[str, Any]
) -> None:
    attempt(trained, 1, **fields)
    again = trained.step("fetch", task(trained, 1, run_uid="uid-b", **fields))
    assert (again.code, again.reason) == (0, "Fetched")


@pytest.mark.parametrize("part", ["model", "predictions"])
def test_trial_whose_model_is_gone_is_made_again(trained: Trained, part: str) -> None:
    found = measured(attempt(trained, 1))
    digest: str = getattr(found, part)
    (trained.stored / NAMESPACE / BLOBS / digest.removeprefix("sha256:")).unlink()
    again = trained.step("fetch", task(trained, 1))
    assert (again.code, again.reason) == (0, "Fetched")
    assert again.termination.trial == found.parameters
    assert trained.store.read_record(trial_key(task(trained), 1), TrialReport) is None


def test_first_record_of_a_trial_counts(trained: Trained) -> None:
    """A pod that was given up may end after the one in its place."""
    found = measured(attempt(trained, 1))
    asked = task(trained, 1)
    earlier = msgspec.structs.replace(found, value=0.123)
    trained.store.write_record(trial_key(asked, 1), earlier)
    assert measured(trained.step("publish", asked)).value == 0.123


def test_winners_own_model_is_measured_on_the_test_rows_and_nothing_is_trained(trained: Trained) -> None:
    trials = [measured(attempt(trained, number)) for number in (1, 2, 3)]
    best = max(trials, key=lambda found: found.value)
    asked = task(trained, winner=Winner(trial=best.trial, trials=3, failed=0))
    empty(trained.paths.output)
    fetched = trained.step("fetch", asked)
    assert fetched.message.startswith(
        f"trial {best.trial} won with criterion {best.parameters['criterion']}, max_depth"
    )
    report = publish_report(trained.step("publish", asked))
    assert report.metrics["auc"] > 0.5
    assert report.validation_metrics["auc"] == pytest.approx(best.value)
    assert report.search == SearchResult(
        algorithm="random",
        metric="auc",
        value=best.value,
        trial=best.trial,
        trials=3,
        failed=0,
        parameters=best.parameters,
    )
    again = trained.step("fetch", task(trained, 1, run="run-b"))
    assert again.reason == "Stored"
    assert isinstance(again.lines[-1], PublishReport), "the next search with the same inputs need not begin"


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def test_constraint_is_told_by_how_much_it_is_broken(trained: Trained) -> None:
    bounded = msgspec.structs.replace(
        SEARCH,
        constraints=[Constraint(metric="model_bytes", maximum=10.0), Constraint(metric="accuracy", minimum=0.1)],
    )
    ended = attempt(trained, 1, search=bounded)
    found = measured(ended)
    assert found.excess["model_bytes <= 10"] == found.metrics["model_bytes"] - 10
    assert found.excess["accuracy >= 0.1"] < 0
    assert not found.feasible
    assert ended.message.endswith("; not model_bytes <= 10")


@pytest.mark.parametrize(
    ("search", "words"),
    [
        ({"objective": Objective(metric="rmse", maximize=False)}, "search.objective.metric: 'rmse' is not measured"),
        (
            {"constraints": [Constraint(metric="mae", maximum=1.0)]},
            "search.constraints[0].metric: 'mae' is not measured",
        ),
        (
            {"parameters": [Parameter(name="max_dept", type="int", minimum=1.0, maximum=3.0)]},
            "DecisionTreeClassifier has no 'max_dept'; did you mean 'max_depth'?",
        ),
    ],
)
def test_search_for_what_there_is_not_is_told_before_anything_is_trained(
    trained: Trained, search: dict[str, Any], words: str
) -> None:
    ended = trained.step("fetch", task(trained, 1, search=msgspec.structs.replace(SEARCH, **search)))
    assert (ended.code, ended.reason) == (1, "InvalidSearch")
    assert words in ended.message
    assert ended.termination.trial is msgspec.UNSET


def test_lost_result_that_a_suggestion_depends_on_is_told(trained: Trained) -> None:
    ended = trained.step("fetch", task(trained, 3))
    assert ended.reason == "TrialMissing"
    assert trained.step("fetch", task(trained, 3, failed=[1, 2])).reason == "Fetched"


def test_code_of_ones_own_finds_the_suggestion_in_params_json(trained: Trained) -> None:
    asked = task(trained, 1, estimator=None, image="mine:1", command=["train"], parameters={"verbose": True})
    tried = trained.step("fetch", asked).termination.trial
    assert isinstance(tried, dict)
    assert json.loads((trained.paths.input / "params.json").read_text()) == {"verbose": True, **tried}
    assert "late" not in pq.read_schema(trained.paths.input / "test.parquet").names
