"""A file's rows for training: few enough, the same ones each time, and numbered, so that each can be found again."""

from pathlib import Path

import pandas as pd

ROWS = 1000
NUMBER = "number of the row"
MISSING = ("", *("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "nil", "?", "-", "--", ".", "\\N", "#N/A"))
"""As docs/data.md has it."""


def sample(path: Path, label: str, separator: str) -> pd.DataFrame:
    """At most ROWS rows that have a label, as text, in the file's order, with their number in the column NUMBER."""
    plain = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    labelled = plain[~plain[label].str.strip().isin(MISSING)]
    few = labelled.sample(min(ROWS, len(labelled)), random_state=0).sort_index()
    few.insert(0, NUMBER, few.index.astype(str))
    return few
