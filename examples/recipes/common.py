"""What every recipe does before and after training: read the splits, write the predictions.

A training container reads $MODELWARD_INPUT and writes $MODELWARD_OUTPUT; the label, the id and the classes stand in
dataset.json.
"""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd

SOURCE, TARGET = Path(os.environ["MODELWARD_INPUT"]), Path(os.environ["MODELWARD_OUTPUT"])
DATASET = json.loads((SOURCE / "dataset.json").read_text())
LABEL, ID, CLASSES = DATASET["label"], DATASET["id"], DATASET["classes"]
"""`CLASSES`: as text, in the order in which numbers stand for them; empty for regression."""

_train = pd.read_parquet(SOURCE / "train.parquet")
_held = [pd.read_parquet(SOURCE / f"{name}.parquet") for name in ("validation", "test")]
_held_out = pd.concat(_held, ignore_index=True)
_skipped = (LABEL, ID, DATASET["time"])
COLUMNS = [
    column["name"]
    for column in DATASET["columns"]
    if column["name"] not in _skipped and column["type"] in ("integer", "number")
]
"""The numeric columns in the dataset's order: what one matrix as the model's only input stands for."""

X = _train[COLUMNS].to_numpy(np.float32)
HELD_OUT = _held_out[COLUMNS].to_numpy(np.float32)
Y = _train[LABEL].to_numpy()


def numbered(labels: np.ndarray) -> np.ndarray:
    """Labels as the positions 0, 1, 2 … of their classes, for libraries that take nothing else."""
    text = [str(label).lower() if isinstance(label, bool | np.bool_) else str(label) for label in labels]
    return np.array([CLASSES.index(label) for label in text])


def named(numbers: np.ndarray) -> np.ndarray:
    """The other way, for `prediction`: the classes themselves."""
    return np.array(CLASSES)[np.asarray(numbers).reshape(-1)]


def leave(model: bytes, prediction: np.ndarray, probabilities: np.ndarray | None = None) -> None:
    """`probabilities`: rows x classes in the order of CLASSES."""
    frame = pd.DataFrame({ID: _held_out[ID], "prediction": np.asarray(prediction).reshape(-1)})
    if probabilities is not None and len(CLASSES) == 2:
        frame["probability"] = probabilities[:, 1]
    elif probabilities is not None:
        for number, name in enumerate(CLASSES):
            frame[f"probability_{name}"] = probabilities[:, number]
    frame.to_parquet(TARGET / "predictions.parquet", index=False)
    (TARGET / "model.onnx").write_bytes(model)
