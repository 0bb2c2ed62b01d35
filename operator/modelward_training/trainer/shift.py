"""Whole numbers that float32 cannot tell apart (seconds since 1970, long keys) are moved to around zero first.

The subtraction is done in whole numbers, in training as in the exported graph; only the difference becomes float32.
"""

from typing import Any

import numpy as np
import onnx
from skl2onnx import update_registered_converter
from skl2onnx.common._apply_operation import apply_cast, apply_sub
from skl2onnx.common.data_types import FloatTensorType
from sklearn.base import BaseEstimator, TransformerMixin

Array = np.ndarray[Any, Any]


def lossy(values: Array) -> bool:
    """Does float32 round any of these whole numbers?"""
    return bool((values.astype(np.float32).astype(np.float64) != values).any())


class Shift(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Subtracts the middle of each column's range, and gives float32."""

    def fit(self, x: Any, _y: Any = None) -> "Shift":
        values = np.asarray(x)
        low, high = values.min(axis=0), values.max(axis=0)
        self.offset_ = low + (high - low) // 2
        self.n_features_in_ = values.shape[1]
        return self

    def transform(self, x: Any) -> Array:
        return np.asarray(np.asarray(x) - self.offset_).astype(np.float32)


def _shape(operator: Any) -> None:
    operator.outputs[0].type = FloatTensorType([None, operator.raw_operator.n_features_in_])


def _convert(scope: Any, operator: Any, container: Any) -> None:
    offset, shifted = (scope.get_unique_variable_name(name) for name in ("offset", "shifted"))
    values = operator.raw_operator.offset_
    container.add_initializer(offset, onnx.TensorProto.INT64, [len(values)], values.tolist())
    apply_sub(scope, [operator.inputs[0].full_name, offset], shifted, container, broadcast=1)
    apply_cast(scope, shifted, operator.outputs[0].full_name, container, to=onnx.TensorProto.FLOAT)


update_registered_converter(Shift, "ModelwardShift", _shape, _convert)
