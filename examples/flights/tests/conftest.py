"""A season of made-up flights with what real ones have: gaps in numbers and text, a pattern to learn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flights.columns import ID, LABEL, NUMERIC, TEXT


def make_flights(rows: int, seed: int) -> pd.DataFrame:
    """Late flights become likelier towards evening; a tenth of all values is missing."""
    random = np.random.default_rng(seed)
    numbers = {name: random.uniform(0, 100, rows).astype(np.float32) for name in NUMERIC}
    texts = {name: random.choice(["A", "B", "C", "Ü 1"], rows).astype(object) for name in TEXT}
    frame = pd.DataFrame({ID: [f"{seed}-{row}" for row in range(rows)], **numbers, **texts})
    frame[LABEL] = (frame["sched_dep_time"] + random.normal(0, 20, rows) > 70).astype(np.int64)
    frame["flight"] = random.choice([str(number) for number in range(100, 120)], rows)
    for name in ("temp", "wind_gust", "tailnum", "manufacturer"):
        frame.loc[random.random(rows) < 0.1, name] = None
    return frame


@pytest.fixture
def some_flights() -> pd.DataFrame:
    """A few, with labels."""
    return make_flights(200, seed=0)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """$MODELWARD_INPUT: three splits, labels only in train."""
    folder = tmp_path / "input"
    folder.mkdir()
    for seed, (name, rows) in enumerate([("train", 600), ("validation", 100), ("test", 200)]):
        frame = make_flights(rows, seed)
        frame = frame if name == "train" else frame.drop(columns=LABEL)
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """$MODELWARD_OUTPUT, empty."""
    folder = tmp_path / "output"
    folder.mkdir()
    return folder
