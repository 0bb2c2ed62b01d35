"""`make bench-files` in small: data sets of scikit-learn, one estimator each; and that it can find something wrong."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets

from benchmarks.files import learn, page
from benchmarks.files.compare import compare
from benchmarks.files.labels import Learnt
from benchmarks.files.learn import Outcome, trained
from benchmarks.files.measures import Answers, unlike


def wine() -> pd.DataFrame:
    """With gaps, an empty column, and text."""
    frame = datasets.load_wine(as_frame=True).frame
    frame["hue"] = frame["hue"].mask(frame.index % 7 == 0)
    frame["tone"] = np.where(frame["color_intensity"] > 5, "dark", "light")
    frame["target"] = frame["target"].map({0: "first", 1: "second", 2: "third"})
    return frame.assign(nothing="")


@pytest.mark.filterwarnings("ignore")  # of the exporter's, which the bench catches, too
@pytest.mark.parametrize(
    ("name", "estimator"),
    [
        ("wine", "HistGradientBoostingClassifier"),
        ("breast_cancer", "LogisticRegression"),
        ("diabetes", "DecisionTreeRegressor"),
    ],
)
def test_published_model_is_what_plain_scikit_learn_gives(tmp_path: Path, name: str, estimator: str) -> None:
    frame = wine() if name == "wine" else getattr(datasets, f"load_{name}")(as_frame=True).frame
    frame.to_csv(tmp_path / "data.csv", index=False)
    read = compare(tmp_path / "data.csv")
    assert (read.refused, read.wrong, read.rows) == (None, [], len(frame))
    found = trained(tmp_path / "data.csv", Learnt("target"), (estimator,))
    assert (found.refused, list(found.outcomes)) == (None, [estimator])
    outcome = found.outcomes[estimator]
    assert (outcome.verdict, outcome.unlike_native) == ("equal", 0), outcome
    assert page.line("data.csv", found) == f"| data.csv | target | {len(frame)} | 1 of 1 |  |"


def test_model_that_learnt_something_else_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the trainer had mixed up two columns of what it learns from."""
    right = learn.reference.frame

    def swapped(rows: pd.DataFrame) -> pd.DataFrame:
        frame = right(rows)
        return frame.assign(bmi=frame["s1"], s1=frame["bmi"])

    monkeypatch.setattr("benchmarks.files.reference.frame", swapped)
    datasets.load_diabetes(as_frame=True).frame.to_csv(tmp_path / "data.csv", index=False)
    found = trained(tmp_path / "data.csv", Learnt("target"), ("LinearRegression",))
    assert found.outcomes["LinearRegression"].verdict == "wrong"


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome(held_out=100), "equal"),
        (Outcome(held_out=100, gap=0.0005), "near"),
        (Outcome(held_out=100, gap=0.03), "wrong"),
        (Outcome(held_out=100, tested=60, gap=0.03, torn=2), "near"),
        (Outcome(held_out=100, own_gap=0.01), "wrong"),
        (Outcome(held_out=100, unlike_native=1), "wrong"),
        (Outcome(held_out=100, torn=1), "equal"),
        (Outcome(refused="InvalidParameter: …"), "refused"),
    ],
)
def test_verdict_is_the_worst_of_what_was_checked(outcome: Outcome, verdict: str) -> None:
    assert outcome.verdict == verdict


def test_rows_are_unlike_by_class_by_probability_or_by_number() -> None:
    def classes(names: list[str], second: list[float]) -> Answers:
        given = np.array(second)
        return Answers(np.array(names), np.column_stack([1 - given, given]), ("a", "b"))

    one, other = classes(["a", "b", "b"], [0.1, 0.9, 0.8]), classes(["a", "a", "b"], [0.1, 0.9, 0.7])
    assert unlike(one, other).tolist() == [False, True, True]
    assert unlike(Answers(np.array([1.0, 2.0])), Answers(np.array([1.0, 2.1]))).tolist() == [False, True]
