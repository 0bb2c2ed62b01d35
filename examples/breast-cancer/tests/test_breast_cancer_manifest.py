"""The committed manifest holds scikit-learn's values, all of them, unchanged."""

import csv
import io
import runpy
from pathlib import Path

import numpy as np
import yaml
from sklearn.datasets import load_breast_cancer

FOLDER = Path(__file__).parents[1]


def test_dataset_is_what_the_generator_writes() -> None:
    manifest = runpy.run_path(str(FOLDER / "generate.py"))["manifest"]()
    assert (FOLDER / "dataset.yaml").read_text() == manifest


def test_values_are_scikit_learns_to_the_last_digit() -> None:
    dataset = yaml.safe_load((FOLDER / "dataset.yaml").read_text())
    rows = list(csv.DictReader(io.StringIO(dataset["spec"]["source"]["inline"]["data"])))
    labels = [row.pop("diagnosis") for row in rows]
    expected = load_breast_cancer()
    np.testing.assert_array_equal([[float(value) for value in row.values()] for row in rows], expected.data)
    assert labels == list(expected.target_names[expected.target])
