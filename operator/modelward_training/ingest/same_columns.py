"""Files that are read together have the same columns, in whatever order."""

from collections.abc import Sequence

from modelward_training.outcome import JobError

from .source import Found


def same_columns(files: list[Found], headers: Sequence[Sequence[str]]) -> None:
    first = set(headers[0])
    for file, header in zip(files, headers, strict=True):
        for name in sorted(first.symmetric_difference(header)):
            has, lacks = (file.name, files[0].name) if name in header else (files[0].name, file.name)
            raise JobError("InvalidFile", f"{lacks} lacks the column {name!r} that {has} has: make the files alike")
