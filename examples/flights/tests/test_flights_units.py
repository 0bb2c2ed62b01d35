"""Cleaning, features and parameters, each by itself."""

import pandas as pd
import pytest
from sklearn.impute import SimpleImputer

from flights.cleaning import clean
from flights.columns import NUMERIC, TEXT
from flights.features import FlightFrequency, timetable
from flights.training import ParameterError, Parameters, forest


def test_missing_values_are_nan_and_empty_text(some_flights: pd.DataFrame) -> None:
    frame = clean(some_flights)
    assert set(frame[list(NUMERIC)].dtypes.astype(str)) == {"float32"}
    assert frame["temp"].isna().any()
    assert (frame["tailnum"] == "").any()
    assert not frame[list(TEXT)].isna().any().any()


def test_flight_numbers_read_as_integers_become_text(some_flights: pd.DataFrame) -> None:
    frame = some_flights[:3].assign(flight=[1, 20, 300])
    assert list(clean(frame)["flight"]) == ["1", "20", "300"]


def test_timetable_counts_flights_of_all_frames() -> None:
    frames = [pd.DataFrame({"flight": ["2", "1"]}), pd.DataFrame({"flight": ["2"]})]
    assert timetable(*frames) == {"1": 1, "2": 2}


def test_unknown_flight_falls_into_the_bucket() -> None:
    frequency = FlightFrequency({"1": 5, "2": 7}).fit_transform(pd.DataFrame({"flight": ["2", "3"]}))
    assert frequency.tolist() == [[7], [0]]


def test_unknown_flight_without_bucket_fails() -> None:
    with pytest.raises(IndexError):
        FlightFrequency({"1": 5}, bucket=False).fit_transform(pd.DataFrame({"flight": ["3"]}))


def test_parameters_take_numbers_written_as_text() -> None:
    assert Parameters.parse({"max_iter": "20", "learning_rate": 1}) == Parameters(max_iter=20, learning_rate=1.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"depth": 3}, "unknown parameter depth"),
        ({"max_iter": "many"}, "parameter max_iter is 'many', not int"),
        ({"fault": "fast"}, "parameter fault is 'fast', not one of none, errors, slow"),
    ],
)
def test_wrong_parameter_is_named(values: dict[str, str | float], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Parameters.parse(values)


def test_slow_model_is_a_forest_of_2000_trees_after_imputation() -> None:
    imputer, trees = forest(Parameters(fault="slow"))
    assert isinstance(imputer, SimpleImputer)
    assert trees.n_estimators == 2000
