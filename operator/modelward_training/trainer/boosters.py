"""LightGBM and XGBoost for skl2onnx, as exact as ONNX's float32 allows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import Booster, LGBMClassifier, LGBMRegressor
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost
from skl2onnx import update_registered_converter
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from xgboost import XGBClassifier, XGBRegressor

from modelward_onnx.narrow import rounded_down

_CLASSIFIER = {"nocl": [True, False], "zipmap": [True, False, "columns"]}


def register() -> None:
    """Tell skl2onnx how their estimators are converted."""
    for shape, name, converter in (
        (LGBMClassifier, "LightGbmLGBMClassifier", _rounded(convert_lightgbm)),
        (XGBClassifier, "XGBoostXGBClassifier", _unnamed(convert_xgboost)),
    ):
        update_registered_converter(
            shape, name, calculate_linear_classifier_output_shapes, converter, options=_CLASSIFIER
        )
    for shape, name, converter, options in (
        (LGBMRegressor, "LightGbmLGBMRegressor", _rounded(convert_lightgbm), {"split": None}),
        (XGBRegressor, "XGBoostXGBRegressor", _unnamed(convert_xgboost), None),
    ):
        update_registered_converter(shape, name, calculate_linear_regressor_output_shapes, converter, options=options)


_Converter = Callable[[Any, Any, Any], None]


def _rounded(convert: _Converter) -> _Converter:
    """LightGBM's split points are doubles, ONNX's are floats. Rounded down, `x <= split` stays true or false as before
    for every float32 x."""

    def converter(scope: Any, operator: Any, container: Any) -> None:
        model = operator.raw_operator
        booster = model._Booster
        lines = booster.model_to_string().splitlines()
        kept = [_line(line) for line in lines if not line.startswith("tree_sizes=")]  # in bytes, which change
        model._Booster = Booster(model_str="\n".join(kept) + "\n")
        try:
            convert(scope, operator, container)
        finally:
            model._Booster = booster

    return converter


def _line(line: str) -> str:
    if not line.startswith("threshold="):
        return line
    cuts = np.array(line.removeprefix("threshold=").split(), np.float64)
    return "threshold=" + " ".join(repr(float(cut)) for cut in rounded_down(cuts, np.float32))


def _unnamed(convert: _Converter) -> _Converter:
    """XGBoost fitted to a frame remembers the columns' names, where the exporter knows numbers only."""

    def converter(scope: Any, operator: Any, container: Any) -> None:
        booster = operator.raw_operator.get_booster()
        names, booster.feature_names = booster.feature_names, None
        try:
            convert(scope, operator, container)
        finally:
            booster.feature_names = names

    return converter
