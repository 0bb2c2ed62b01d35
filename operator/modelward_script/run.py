"""What a run gives to its script, and what the script gives back."""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.wire import decode
from modelward_training.outcome import progress as tell

HELD_OUT = ("validation", "test")


def read() -> "Run":
    """The run that this script is for."""
    return Run(Path(os.environ["MODELWARD_INPUT"]), Path(os.environ["MODELWARD_OUTPUT"]))


def progress(message: str, fraction: float | None = None, **metrics: float) -> None:
    """A line of the log, and of the run's status; `fraction`: of the whole, 0 to 1."""
    tell(message, fraction, {name: float(value) for name, value in metrics.items()})


@dataclass(frozen=True)
class Run:
    """Frames have one row per row of the split, and the columns that a model can read: all but the label, the id, the
    group and timestamps. Numbers, whole ones and booleans too, are float32 with NaN where one is missing, because that
    is what the ONNX model will read; text is text, "" where it is missing.
    """

    source: Path
    target: Path

    @cached_property
    def dataset(self) -> DatasetManifest:
        return decode((self.source / "dataset.json").read_bytes(), DatasetManifest)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """`spec.parameters`."""
        found: dict[str, Any] = json.loads((self.source / "params.json").read_bytes())
        return found

    @property
    def seed(self) -> int:
        """`spec.seed`."""
        return int(os.environ.get("MODELWARD_SEED", "0"))

    @property
    def classes(self) -> list[str]:
        """Of the label, as text; empty where a number is predicted."""
        return self.dataset.classes

    @cached_property
    def numbers(self) -> list[str]:
        """Columns that are float32."""
        return self._columns("integer", "number", "boolean")

    @cached_property
    def texts(self) -> list[str]:
        """Columns that are text."""
        return self._columns("string")

    @cached_property
    def x(self) -> pd.DataFrame:
        """The rows to train on."""
        return self._frame("train")

    @cached_property
    def y(self) -> "np.ndarray[Any, Any]":
        """Their labels: numbers, or classes as text or whole numbers; true and false are text."""
        label = self.raw("train")[self.dataset.label]
        if not self.classes:
            return np.asarray(label.astype(float))
        if label.dtype.kind == "b":
            return np.asarray(label.astype(str).str.lower(), object)
        return np.asarray(label, None if label.dtype.kind in "iu" else object)

    @property
    def numbered(self) -> "np.ndarray[Any, Any]":
        """`y` as numbers from 0, for libraries that take no other classes (XGBoost): positions in `classes`."""
        if set(self.classes) == {str(number) for number in range(len(self.classes))}:
            return self.y
        return np.array([self.classes.index(str(label)) for label in self.y])

    @cached_property
    def held_out(self) -> pd.DataFrame:
        """The rows of validation and test. Their labels are with the platform, which measures the model on them."""
        return pd.concat([self._frame(split) for split in HELD_OUT], ignore_index=True)

    def raw(self, split: str) -> pd.DataFrame:
        """train, validation or test with all columns as they are in the dataset."""
        return pd.read_parquet(self.source / f"{split}.parquet")

    def write(self, model: Any) -> None:
        """Leave a fitted pipeline or estimator of scikit-learn, LightGBM or XGBoost as ONNX with one input per column,
        and its predictions of the held-out rows. Raises JobError where it cannot be exported.
        """
        from .export import exported  # slow to import, and a script may fail before

        progress("exporting", 0.8)
        onnx = exported(model, self.x, self.texts, self.dataset.task)
        prediction = np.asarray(model.predict(self.held_out)).reshape(-1)
        if not self.classes:
            self.write_files(onnx, prediction)
            return
        names = self._names([_text(label) for label in model.classes_])
        shares = model.predict_proba(self.held_out).T if hasattr(model, "predict_proba") else None
        probabilities = None if shares is None else dict(zip(names.values(), shares, strict=True))
        self.write_files(onnx, [names[_text(label)] for label in prediction], probabilities)

    def write_files(self, onnx: bytes, prediction: Any, probabilities: dict[str, Any] | None = None) -> None:
        """Leave an ONNX model of your own. `prediction`: of `held_out`, row by row; `probabilities`: of each class."""
        ids = pd.concat([self.raw(split)[[self.dataset.id]] for split in HELD_OUT], ignore_index=True)
        frame = ids.assign(prediction=np.asarray(prediction))
        if probabilities and len(self.classes) == 2:
            frame["probability"] = probabilities[self.classes[1]]
        elif probabilities:
            for name in self.classes:
                frame[f"probability_{name}"] = probabilities[name]
        frame.to_parquet(self.target / "predictions.parquet", index=False)
        (self.target / "model.onnx").write_bytes(onnx)

    def _names(self, own: list[str]) -> dict[str, str]:
        """Of a model's classes, as the dataset writes them, where they may be their numbers."""
        return {label: label if set(own) <= set(self.classes) else self.classes[int(label)] for label in own}

    def _columns(self, *types: str) -> list[str]:
        skipped = self.dataset.no_inputs
        return [each.name for each in self.dataset.columns if each.name not in skipped and each.type in types]

    def _frame(self, split: str) -> pd.DataFrame:
        read = self.raw(split)
        columns = {
            each.name: read[each.name].astype("float32")
            if each.name in self.numbers
            else read[each.name].astype(object).where(read[each.name].notna(), "")
            for each in self.dataset.columns
            if each.name in (*self.numbers, *self.texts)
        }
        return pd.DataFrame(columns)


def _text(label: Any) -> str:
    if isinstance(label, bool | np.bool_):
        return str(label).lower()
    return str(int(label)) if isinstance(label, float | np.floating) and float(label).is_integer() else str(label)
