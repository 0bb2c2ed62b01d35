"""What the user's container made of the source: Parquet files in a folder where anything may lie."""

import os
import stat
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from modelward_training.outcome import JobError
from modelward_training.regular_file import open_folder, open_regular, too_large

from .source import Found, found

SUFFIX = ".parquet"
MAX_FILES = 1000
MAX_BYTES = 64 << 30
"""Of all files together; the working volume is the nearer limit."""
_CHUNK = 1 << 20


def take(folder: Path, into: Path) -> list[Found]:
    """Copy the Parquet files to `into`, under names of ours; nothing else is opened.

    They lie in the folder or, as some libraries write them, in one folder within.
    """
    into.mkdir()
    opened = open_folder(folder)
    try:
        return _taken(opened, into)
    finally:
        os.close(opened)


def _taken(folder: int, into: Path) -> list[Found]:
    names = _names(folder)
    if len(names) == 1 and _is_folder(folder, names[0]):
        within = os.open(names[0], os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            return list(_copied(within, _names(within), into))
        finally:
            os.close(within)
    return list(_copied(folder, names, into))


def _names(folder: int) -> list[str]:
    with os.scandir(folder) as entries:
        there = sorted(entry.name for entry in islice(entries, 10 * MAX_FILES))
    names = [name for name in there if name.endswith(SUFFIX)]
    if not names:
        shown = ", ".join(name[:80] for name in there[:10]) or "nothing"
        raise JobError(
            "NoOutput",
            f"prepare.container wrote no Parquet file, the output folder holds {shown}: write one, or several of the "
            "same columns, to $MODELWARD_OUTPUT",
        )
    if len(names) > MAX_FILES:
        raise JobError("InvalidOutput", f"prepare.container wrote more than the {MAX_FILES} files that are taken")
    return names


def _is_folder(folder: int, name: str) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)


def _copied(folder: int, names: list[str], into: Path) -> Iterator[Found]:
    left = MAX_BYTES
    for number, name in enumerate(names):
        target = into / f"{number}{SUFFIX}"
        with os.fdopen(open_regular(folder, name, left), "rb") as file, target.open("xb") as copy:
            while chunk := file.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise too_large(name, MAX_BYTES)
                copy.write(chunk)
        yield found(name[:80], target)
