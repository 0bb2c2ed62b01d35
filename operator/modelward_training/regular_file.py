"""Opens a file in a folder that somebody else wrote: no links, no pipes, no surprises in size."""

import errno
import os
import stat
from pathlib import Path

from .outcome import JobError


def open_folder(folder: Path) -> int:
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError as error:
        raise JobError("InvalidOutput", f"the output folder is not a folder: {error.strerror}") from error


def open_regular(folder: int, name: str, limit: int) -> int:
    """Its descriptor. Raises FileNotFoundError; JobError for all else that is not a regular file of `limit` bytes."""
    try:
        # Non-blocking, because opening a pipe would wait for a writer for ever.
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except FileNotFoundError:
        raise
    except OSError as error:
        what = "a symbolic link" if error.errno == errno.ELOOP else f"not readable: {error.strerror}"
        raise JobError("InvalidOutput", f"{name[:80]} is {what}: write a regular file") from error
    found = os.fstat(source)
    if not stat.S_ISREG(found.st_mode):
        os.close(source)
        raise JobError("InvalidOutput", f"{name[:80]} is no regular file: write one")
    if found.st_size > limit:
        os.close(source)
        raise too_large(name, limit)
    return source


def too_large(name: str, limit: int) -> JobError:
    return JobError("InvalidOutput", f"{name[:80]} is larger than the {limit >> 20} MiB that are taken")
