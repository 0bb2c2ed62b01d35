"""Take two files out of a folder that somebody else wrote: no links, no pipes, no surprises in size."""

import os
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from modelward_training.outcome import JobError
from modelward_training.regular_file import open_folder, open_regular, too_large

MODEL, PREDICTIONS = "model.onnx", "predictions.parquet"
MAX_BYTES = {MODEL: 1 << 30, PREDICTIONS: 1 << 30}
_MISSING = {
    MODEL: ("NoModel", "export the trained model to $MODELWARD_OUTPUT/model.onnx"),
    PREDICTIONS: ("NoPredictions", "write id, prediction and probabilities of the held-out rows there"),
}
_CHUNK = 1 << 20


def take(folder: Path, into: Path, files: Sequence[str] = (MODEL, PREDICTIONS)) -> None:
    """Copy model and predictions to `into`; nothing else in the folder is opened."""
    opened = open_folder(folder)
    try:
        for name in files:
            _copy(opened, name, into / name)
    finally:
        os.close(opened)


def _copy(folder: int, name: str, target: Path) -> None:
    try:
        source = open_regular(folder, name, MAX_BYTES[name])
    except FileNotFoundError:
        raise _missing(folder, name) from None
    left = MAX_BYTES[name]
    with os.fdopen(source, "rb") as file, target.open("xb") as copy:
        while chunk := file.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise too_large(name, MAX_BYTES[name])
            copy.write(chunk)


def _missing(folder: int, name: str) -> JobError:
    reason, advice = _MISSING[name]
    with os.scandir(folder) as entries:
        names = sorted(entry.name[:80] for entry in islice(entries, 10))
    return JobError(reason, f"train wrote no {name}, the output folder holds {', '.join(names) or 'nothing'}: {advice}")
