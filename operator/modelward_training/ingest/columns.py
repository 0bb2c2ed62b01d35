"""The source's columns: their names as the files have them, and what is known about each before the user's SQL."""

import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

from modelward_contracts.manifests import Csv, SourceFile
from modelward_training.outcome import JobError

from .source import Found

SHOWN = 40
FEW = 5
"""Named of the columns that are missing, and of the files that lack them."""
SOURCE = "source"
"""What prepare.sql reads, unless there are several tables with names of their own."""


@dataclass
class Source:
    """What `raw` holds. Its columns are c0, c1, …: our names and the users' never meet."""

    names: list[str]
    expressions: list[str]
    """SQL over `raw` that gives each column with its type."""
    starts: list[int]
    """The rowid that each file's rows begin at."""
    unnamed: list[str] = field(default_factory=list)
    """Columns that have no name in the file."""
    index: list[str] = field(default_factory=list)
    """Columns that the file itself calls the index of a table."""
    guessed: set[str] = field(default_factory=set)
    csv: Csv | None = None
    answers: list[SourceFile] = field(default_factory=list)
    """What was read that is no file."""
    warnings: list[str] = field(default_factory=list)
    tables: dict[str, Literal["TABLE", "VIEW"]] = field(default_factory=lambda: {SOURCE: "TABLE"})
    """What SQL finds, until it is prepared."""


def together(files: list[Found], headers: list[list[str]], as_null: bool) -> tuple[list[str], list[str]]:
    """The columns of all files, and what is to be told of files that lack some: none may, unless `as_null`."""
    if not as_null:
        _same(files, headers)
        return headers[0], []
    names = list(dict.fromkeys(chain.from_iterable(headers)))
    for file, header in zip(files[1:], headers[1:], strict=True):
        if not set(header) & set(headers[0]):
            raise JobError(
                "InvalidFile",
                f"{file.name} has no column of {files[0].name}: it is other data, or its first line is no header",
            )
    unique("the files together", names)
    lacking: dict[tuple[str, ...], list[str]] = {}
    there = [(file.name, set(header)) for file, header in zip(files, headers, strict=True)]
    for name in names:
        lacking.setdefault(tuple(file for file, header in there if name not in header), []).append(name)
    lacking.pop((), None)
    return names, [_told(columns, where) for where, columns in lacking.items()]


def _told(columns: list[str], files: tuple[str, ...]) -> str:
    shown = ", ".join(map(repr, columns[:FEW])) + (f" and {len(columns) - FEW} more" if len(columns) > FEW else "")
    where = ", ".join(files[:FEW]) + (f" and {len(files) - FEW} more files" if len(files) > FEW else "")
    return f"{shown} {'is' if len(columns) == 1 else 'are'} missing, and so without a value, in {where}"


def _same(files: list[Found], headers: list[list[str]]) -> None:
    first = set(headers[0])
    for file, header in zip(files, headers, strict=True):
        for name in sorted(first.symmetric_difference(header)):
            has, lacks = (file.name, files[0].name) if name in header else (files[0].name, file.name)
            near = next((each for each in first.symmetric_difference(header) - {name} if _alike(each, name)), None)
            hint = f" ({near!r} is not the same: spaces, case or the composing of accents differ)" if near else ""
            raise JobError(
                "InvalidFile",
                f"{lacks} lacks the column {name!r} that {has} has{hint}: make the files alike, or write "
                "`columns: {missing: AsNull}` (`csv: {header: false}` if their first line is data)",
            )


def _alike(one: str, other: str) -> bool:
    """For a person."""
    first, second = (unicodedata.normalize("NFC", each).strip().casefold() for each in (one, other))
    return first == second


def absent(name: str, names: Iterable[str]) -> str:
    """What to say of a column that is not among `names`: which one it may be meant for, and which there are."""
    there = list(names)
    # A slip of case is nearer than any other.
    folded = {each.strip().casefold(): each for each in reversed(there)}
    close = difflib.get_close_matches(name.strip().casefold(), list(folded), n=1)
    if not close:
        several = "; if that is several, write `csv: {delimiter: …}`" if len(there) == 1 and name in there[0] else ""
        return f"there is no column {name!r}: {listed(there)}{several}"
    return f"there is no column {name!r}; did you mean {folded[close[0]]!r}? T{listed(there)[1:]}"


def listed(names: list[str]) -> str:
    """In quotes, for names may hold commas."""
    if not names:
        return "there are no columns"
    shown = ", ".join(map(repr, names[:SHOWN])) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return f"the only column is {shown}" if len(names) == 1 else f"the columns are {shown}"


def unique(file: str, names: list[str]) -> None:
    """SQL knows no case: two names that differ by nothing else are one to it."""
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            other = seen[name.lower()]
            twice = (
                f"the column {name!r} stands twice" if other == name else f"{other!r} and {name!r} differ by case only"
            )
            raise JobError(
                "InvalidFile",
                f"{file}: {twice}: rename one; for CSV, `csv: {{header: false, skipLines: 1}}` calls the columns "
                "column1, column2 … and prepare.sql can name them",
            )
        seen[name.lower()] = name
