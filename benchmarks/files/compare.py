"""One file read by us and by pandas: the same rows, types and values, or what differs and whether it was told.

pandas reads it twice: as plain text, which our values are checked against one by one, and as it guesses, which our
types are compared with. The delimiter and the decimal mark are those that we chose; wrong ones show in the values.
"""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from modelward_contracts.tasks import CsvOptions, IngestTask
from modelward_training.ingest import load
from modelward_training.ingest.columns import Source
from modelward_training.ingest.source import Found
from modelward_training.ingest.text_values import MARKERS
from modelward_training.outcome import JobError

FAMILIES = {"BIGINT": "number", "DOUBLE": "number", "BOOLEAN": "boolean", "VARCHAR": "text", "TIMESTAMP": "text"}
"""pandas leaves timestamps text."""


@dataclass
class Compared:
    rows: int = 0
    columns: int = 0
    refused: str | None = None
    wrong: list[str] = field(default_factory=list)
    """Not as pandas has it, and not told."""
    told: list[str] = field(default_factory=list)


def compare(path: Path, **options: Any) -> Compared:
    task = IngestTask(
        dataset="file", namespace="bench", store="", format="csv", source="pvc", label="", csv=CsvOptions(**options),
        validation_fraction=0.1, test_fraction=0.2, salt="",
    )  # fmt: skip
    stat = path.stat()
    found = Found(path.name, path, stat.st_size, stat.st_mtime_ns)
    with tempfile.TemporaryDirectory() as folder, load.connect(Path(folder)) as con:
        try:
            source = load.load(con, [found], task, Path(folder))
        except JobError as error:
            return Compared(refused=error.message)
        ours = con.sql("SELECT * FROM source").to_arrow_table().to_pandas(date_as_object=True)
        kinds = {name: kind for name, kind, *_ in con.execute("DESCRIBE source").fetchall()}
    return _compared(path, source, ours, kinds)


def _compared(path: Path, source: Source, ours: pd.DataFrame, kinds: dict[str, str]) -> Compared:
    assert source.csv
    how: dict[str, Any] = {"sep": source.csv.delimiter, "encoding": source.csv.encoding, "index_col": False}
    plain = pd.read_csv(path, dtype=str, keep_default_na=False, **how)
    guessed = pd.read_csv(path, decimal=source.csv.decimal, float_precision="round_trip", low_memory=False, **how)
    plain.columns = guessed.columns = pd.Index(source.names)
    result = Compared(rows=len(ours), columns=len(source.names), told=source.warnings)
    if len(ours) != len(plain):
        result.wrong.append(f"{len(ours)} rows, pandas has {len(plain)}")
        return result
    told = "\n".join(source.warnings)
    for name in source.names:
        if name not in ours:
            if repr(name) not in told:
                result.wrong.append(f"{name!r} is gone")
            continue
        theirs = _family(guessed[name])
        if FAMILIES[kinds[name]] != theirs and repr(name) not in told:
            result.wrong.append(f"{name!r} is {kinds[name]}, pandas has {guessed[name].dtype}")
        if not _same(ours[name], plain[name], kinds[name], source.csv.decimal):
            result.wrong.append(f"values of {name!r} differ")
    return result


def _family(values: "pd.Series[Any]") -> str:
    if values.dtype.kind == "b":
        return "boolean"
    return "number" if values.dtype.kind in "iuf" else "text"


def _same(ours: "pd.Series[Any]", plain: "pd.Series[Any]", kind: str, decimal: str) -> bool:
    stripped = plain.str.strip()
    missing = (stripped == "") | (stripped.str.lower().isin(MARKERS) & (kind != "VARCHAR"))
    if not (ours.isna() == missing).all():
        return False
    here, text = ours[~missing], plain[~missing]
    match kind:
        case "BIGINT":
            return [int(value) for value in here] == [int(value) for value in text]
        case "DOUBLE":
            return bool(np.array_equal(here.astype(float), text.str.replace(decimal, ".").astype(float)))
        case "TIMESTAMP":
            return bool((here == pd.to_datetime(text, utc=True, format="ISO8601").dt.tz_localize(None)).all())
        case "BOOLEAN":
            return bool((here.astype(bool) == (text.str.strip().str.lower() == "true")).all())
    return bool((here == text).all())
