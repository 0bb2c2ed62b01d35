"""Leaves behind what Modelward reads: the model as ONNX, and its own predictions to compare it with."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.pipeline import Pipeline

from flights.columns import FEATURES, ID, NUMERIC, TEXT

OPSETS: Final = {"": 21, "ai.onnx.ml": 3}


def write_model(model: Pipeline, path: Path) -> int:
    """One file for everything from raw columns on, with one input a column; returns its size in bytes.

    Named, so that the same training leaves the same bytes.
    """
    numbers = [(name, FloatTensorType([None, 1])) for name in NUMERIC]
    texts = [(name, StringTensorType([None, 1])) for name in TEXT]
    exported = to_onnx(
        model,
        initial_types=numbers + texts,
        options={"zipmap": False},
        target_opset=OPSETS,
        name="flights",
    )
    in_order(exported.opset_import)
    return path.write_bytes(exported.SerializeToString())


def in_order(opsets: Any) -> None:
    """skl2onnx lists operator sets in the order of a set, which differs from process to process."""
    ordered = sorted(opsets, key=lambda opset: opset.domain)
    del opsets[:]
    opsets.extend(ordered)


def write_predictions(model: Pipeline, held_out: pd.DataFrame, path: Path) -> None:
    """The native model's answers for held-out rows: label, and the probability of being late."""
    probability = model.predict_proba(held_out[list(FEATURES)])[:, 1]
    prediction = model.classes_[(probability > 0.5).astype(np.int64)]
    frame = pd.DataFrame({ID: held_out[ID], "prediction": prediction, "probability": probability})
    frame.to_parquet(path, index=False)
