"""From splits to model.onnx and predictions.parquet, as in the training container."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import pytest

from flights.cleaning import read_split
from flights.columns import ID, NUMERIC, TEXT
from flights.train import run

# skl2onnx 1.20 passes booleans as integers, which protobuf 6 only warns of (and 7 refuses: requirements.in).
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SMALL = {"max_iter": 20, "min_samples_leaf": 10}


def trained(source: Path, target: Path, **parameters: object) -> onnxruntime.InferenceSession:
    (source / "params.json").write_text(json.dumps(SMALL | parameters))
    run(source, target)
    return onnxruntime.InferenceSession(target / "model.onnx")


def feed(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    numbers = {name: frame[name].to_numpy(np.float32).reshape(-1, 1) for name in NUMERIC}
    return numbers | {name: frame[name].to_numpy(object).reshape(-1, 1) for name in TEXT}


def held_out(source: Path) -> pd.DataFrame:
    return pd.concat([read_split(source, "validation"), read_split(source, "test")])


def test_model_has_one_input_a_column_and_two_plain_outputs(source: Path, target: Path) -> None:
    session = trained(source, target)
    inputs = {entry.name: (entry.type, entry.shape) for entry in session.get_inputs()}
    assert inputs == {name: ("tensor(float)", [None, 1]) for name in NUMERIC} | {
        name: ("tensor(string)", [None, 1]) for name in TEXT
    }
    outputs = [(entry.name, entry.type) for entry in session.get_outputs()]
    assert outputs == [("label", "tensor(int64)"), ("probabilities", "tensor(float)")]


@pytest.mark.parametrize("fault", ["none", "errors"])
def test_exported_model_agrees_with_its_own_predictions(source: Path, target: Path, fault: str) -> None:
    session = trained(source, target, fault=fault)
    rows = held_out(source)
    labels, probabilities = session.run(None, feed(rows))
    native = pd.read_parquet(target / "predictions.parquet")
    assert list(native[ID]) == list(rows[ID])
    assert list(native["prediction"]) == list(labels)
    np.testing.assert_allclose(native["probability"], probabilities[:, 1], atol=1e-5)


def test_late_hours_are_learnt(source: Path, target: Path) -> None:
    session = trained(source, target)
    rows = held_out(source)
    probability = session.run(None, feed(rows))[1][:, 1]
    evening = rows["sched_dep_time"].to_numpy() > 70
    assert probability[evening].mean() > 0.5 > 0.2 > probability[~evening].mean()


def test_unknown_flight_number_is_scored(source: Path, target: Path) -> None:
    session = trained(source, target)
    _, probabilities = session.run(None, feed(held_out(source)[:1].assign(flight="9999")))
    assert 0 <= probabilities[0, 1] <= 1


def test_unknown_flight_number_fails_when_the_bucket_is_missing(source: Path, target: Path) -> None:
    session = trained(source, target, fault="errors")
    onnxruntime.set_default_logger_severity(4)
    with pytest.raises(Exception, match="out of data bounds"):
        session.run(None, feed(held_out(source)[:1].assign(flight="9999")))


def test_same_training_leaves_the_same_bytes_in_another_process(source: Path, target: Path) -> None:
    trained(source, target)
    first = hashlib.sha256((target / "model.onnx").read_bytes()).hexdigest()
    folders = {"MODELWARD_INPUT": str(source), "MODELWARD_OUTPUT": str(target), "PYTHONHASHSEED": "7"}
    train_again(folders)
    assert hashlib.sha256((target / "model.onnx").read_bytes()).hexdigest() == first


def test_missing_column_is_named_with_its_file(source: Path, target: Path) -> None:
    path = source / "test.parquet"
    pd.read_parquet(path).drop(columns="humid").to_parquet(path)
    done = train_again({"MODELWARD_INPUT": str(source), "MODELWARD_OUTPUT": str(target)})
    assert done.returncode == 1
    assert "test.parquet lacks the columns humid" in done.stderr


def train_again(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    package = Path(__file__).parents[1]
    return subprocess.run(
        [sys.executable, "-m", "flights.train"],
        cwd=package,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
