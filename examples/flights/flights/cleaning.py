"""From a split as Modelward hands it over to a frame that fits the model's inputs.

What is missing is told in one way, the one the exported model knows too: NaN for
numbers, the empty string for text. Nothing is imputed: the model learns from gaps.
"""

from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from flights.columns import FEATURES, ID, LABEL, NUMERIC, TEXT

SPLITS: Final = ("train", "validation", "test")


class InputError(Exception):
    """The input does not fit this code; the message names file and column."""


def read_split(directory: Path, name: str) -> pd.DataFrame:
    """One split, cleaned. Only train must have labels."""
    path = directory / f"{name}.parquet"
    if not path.is_file():
        raise InputError(f"{path} is missing: it should hold the {name} split")
    frame = pd.read_parquet(path)
    wanted = (ID, *FEATURES) + ((LABEL,) if name == "train" else ())
    if absent := [column for column in wanted if column not in frame.columns]:
        raise InputError(f"{path} lacks the columns {', '.join(absent)}: select them in the Dataset's prepare.sql")
    return clean(frame)


def clean(frame: pd.DataFrame) -> pd.DataFrame:
    """Features as float32 and str, in the model's own order, beside whatever else is there."""
    others = frame.drop(columns=list(FEATURES))
    numbers = {name: frame[name].astype(np.float32) for name in NUMERIC}
    texts = {name: frame[name].astype(object).where(frame[name].notna(), "").astype(str) for name in TEXT}
    return others.assign(**numbers, **texts)
