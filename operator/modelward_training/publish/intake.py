"""Take two files out of a folder that somebody else wrote: no links, no pipes, no surprises in size."""

import errno
import os
import stat
from itertools import islice
from pathlib import Path

from modelward_training.outcome import JobError

MODEL, PREDICTIONS = "model.onnx", "predictions.parquet"
MAX_BYTES = {MODEL: 1 << 30, PREDICTIONS: 1 << 30}
_MISSING = {
    MODEL: ("NoModel", "export the trained model to $MODELWARD_OUTPUT/model.onnx"),
    PREDICTIONS: ("NoPredictions", "write id, prediction and probabilities of the held-out rows there"),
}
_CHUNK = 1 << 20


def take(folder: Path, into: Path) -> None:
    """Copy model and predictions to `into`; nothing else in the folder is opened."""
    try:
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise JobError("InvalidOutput", f"the output folder is not a folder: {error.strerror}") from error
    try:
        for name in (MODEL, PREDICTIONS):
            _copy(opened, name, into / name)
    finally:
        os.close(opened)


def _copy(folder: int, name: str, target: Path) -> None:
    source = _open(folder, name)
    left = MAX_BYTES[name]
    with os.fdopen(source, "rb") as file, target.open("xb") as copy:
        while chunk := file.read(min(_CHUNK, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise _too_large(name)
            copy.write(chunk)


def _open(folder: int, name: str) -> int:
    try:
        # Non-blocking, because opening a pipe would wait for a writer for ever.
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        raise _missing(folder, name) from None
    except OSError as error:
        what = "a symbolic link" if error.errno == errno.ELOOP else f"not readable: {error.strerror}"
        raise JobError("InvalidOutput", f"{name} is {what}: write a regular file") from error
    found = os.fstat(source)
    if not stat.S_ISREG(found.st_mode):
        os.close(source)
        raise JobError("InvalidOutput", f"{name} is no regular file: write one")
    if found.st_size > MAX_BYTES[name]:
        os.close(source)
        raise _too_large(name)
    return source


def _too_large(name: str) -> JobError:
    return JobError("InvalidOutput", f"{name} is larger than the {MAX_BYTES[name] >> 20} MiB that are taken")


def _missing(folder: int, name: str) -> JobError:
    reason, advice = _MISSING[name]
    with os.scandir(folder) as entries:
        names = sorted(entry.name[:80] for entry in islice(entries, 10))
    return JobError(reason, f"train wrote no {name}, the output folder holds {', '.join(names) or 'nothing'}: {advice}")
