"""A scikit-learn pipeline with numeric and text columns and missing values, as users train them."""

from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from .models import bare
from .processes import Running, load, serving

ROWS = 300


@pytest.fixture(scope="module")
def trained() -> tuple[Pipeline, pd.DataFrame]:
    source = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "distance": source.normal(size=ROWS).astype(np.float32),
            "hour": source.integers(0, 24, ROWS).astype(np.float32),
            "carrier": source.choice(["UA", "AA", "DL", ""], ROWS),
        }
    )
    frame.loc[::7, "distance"] = np.nan
    steps = ColumnTransformer(
        [("n", SimpleImputer(), ["distance", "hour"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["carrier"])]
    )
    model = make_pipeline(steps, RandomForestClassifier(20, random_state=1))
    return model.fit(frame, np.where(frame["hour"] > 12, "late", "early")), frame


@pytest.fixture(scope="module")
def server(trained: tuple[Pipeline, pd.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    types = [
        ("distance", FloatTensorType([None, 1])),
        ("hour", FloatTensorType([None, 1])),
        ("carrier", StringTensorType([None, 1])),
    ]
    model = to_onnx(trained[0], initial_types=types, options={"zipmap": False})
    with serving(bare(tmp_path_factory.mktemp("late") / "late", model.SerializeToString())) as running:
        yield running


def tensors(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "datatype": "BYTES" if name == "carrier" else "FP32",
            "shape": [len(frame), 1],
            "data": [None if value != value else value for value in frame[name].tolist()],
        }
        for name in frame
    ]


def test_answers_are_the_pipelines_own(server: Running, trained: tuple[Pipeline, pd.DataFrame]) -> None:
    model, frame = trained
    outputs = {output["name"]: output for output in server.infer({"inputs": tensors(frame)}).json()["outputs"]}
    assert outputs["label"]["data"] == model.predict(frame).tolist()
    probabilities = np.array(outputs["probabilities"]["data"]).reshape(outputs["probabilities"]["shape"])
    np.testing.assert_allclose(probabilities, model.predict_proba(frame), atol=1e-5)


def test_plain_route_gives_labels_and_probabilities(server: Running, trained: tuple[Pipeline, pd.DataFrame]) -> None:
    row = {"distance": None, "hour": 20.0, "carrier": "never seen"}
    prediction = httpx.post(f"{server.data}/predict", json=row).json()["predictions"][0]
    frame = pd.DataFrame([row]).astype({"distance": np.float32, "hour": np.float32})
    assert prediction["label"] == trained[0].predict(frame)[0]
    np.testing.assert_allclose(
        list(prediction["probabilities"].values()), trained[0].predict_proba(frame)[0], atol=1e-5
    )


async def test_concurrent_requests_each_get_their_own_answer(
    server: Running, trained: tuple[Pipeline, pd.DataFrame]
) -> None:
    answers = await load(server, 200, connections=16, body={"inputs": tensors(trained[1].iloc[:3])})
    assert answers.statuses == {200: 200}
