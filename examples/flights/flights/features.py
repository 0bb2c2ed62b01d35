"""Turns raw columns into numbers, natively and in ONNX alike.

Text becomes its late rate among the training rows (sklearn's TargetEncoder, which
cross-fits so that a rare flight does not learn its own label). A flight number's
frequency is looked up in the timetable; the lookup has its own converter here,
because skl2onnx knows only scikit-learn's transformers.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from onnx import TensorProto
from skl2onnx import update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import TargetEncoder

from flights.columns import NUMERIC, TEXT


class FlightFrequency(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """How often a flight number stands in the timetable, from a table made beforehand.

    With `bucket`, the table's last row is 0 for numbers that are not in it.
    """

    def __init__(self, timetable: Mapping[str, int], bucket: bool = True) -> None:
        self.timetable = timetable
        self.bucket = bucket

    @property
    def table(self) -> npt.NDArray[np.float32]:
        """Frequencies by position in the timetable."""
        return np.array([*self.timetable.values()] + [0] * self.bucket, np.float32)

    def fit(self, frame: pd.DataFrame, late: object = None) -> Self:  # noqa: ARG002
        """Nothing to learn: the timetable is given."""
        self.n_features_in_ = frame.shape[1]
        return self

    def transform(self, frame: pd.DataFrame) -> npt.NDArray[np.float32]:
        """One column of frequencies."""
        position = {flight: index for index, flight in enumerate(self.timetable)}
        positions = [position.get(flight, len(position)) for flight in frame.to_numpy()[:, 0]]
        return self.table[positions].reshape(-1, 1)


def frequency_shape(operator: Any) -> None:
    """One float a row."""
    operator.outputs[0].type = FloatTensorType([operator.inputs[0].get_first_dimension(), 1])


def frequency_to_onnx(scope: Any, operator: Any, container: Any) -> None:
    """Flight number → position in the timetable → frequency."""
    encoder: FlightFrequency = operator.raw_operator
    known = len(encoder.timetable)
    table = scope.get_unique_variable_name("frequencies")
    positions = scope.get_unique_variable_name("positions")
    container.add_initializer(table, TensorProto.FLOAT, encoder.table.shape, encoder.table)
    container.add_node(
        "LabelEncoder",
        operator.inputs[0].full_name,
        positions,
        op_domain="ai.onnx.ml",
        op_version=2,
        keys_strings=list(encoder.timetable),
        values_int64s=list(range(known)),
        default_int64=known,
    )
    container.add_node("Gather", [table, positions], operator.outputs[0].full_name, op_version=13, axis=0)


update_registered_converter(FlightFrequency, "FlightsFlightFrequency", frequency_shape, frequency_to_onnx)


def timetable(*frames: pd.DataFrame) -> dict[str, int]:
    """Flight number → flights in these frames. It needs no labels, so held-out rows count as well."""
    counts = pd.concat([frame["flight"] for frame in frames]).value_counts()
    return {str(flight): int(count) for flight, count in sorted(counts.items())}


def encoder(known: Mapping[str, int], bucket: bool, seed: int) -> ColumnTransformer:
    """All features. No scaler: before trees it costs accuracy in float32 and gains nothing."""
    folds = StratifiedKFold(n_splits=5, shuffle=True, random_state=seed)
    late_rate = TargetEncoder(target_type="binary", cv=folds)
    return ColumnTransformer(
        [
            ("numeric", "passthrough", list(NUMERIC)),
            ("frequency", FlightFrequency(known, bucket), ["flight"]),
            ("late_rate", late_rate, list(TEXT)),
        ]
    )
