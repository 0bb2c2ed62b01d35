"""Columns that tell who somebody is: dropped or hashed while their file is read, before anything is kept or told.

A hash is HMAC-SHA-256 (RFC 2104) of the value's text, in hexadecimal. Its text is without space around it, and whole
numbers are without a fraction: the same customer is `42` in one file and `42.0` in another. What is missing stays so,
and NaN is.
"""
# ruff: noqa: S608 - internal names only; values never are part of a statement

import hashlib
import hmac
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import msgspec

from modelward_contracts.tasks import PII_KEY, PII_SALT, PII_SECRET, IngestTask
from modelward_training.outcome import JobError

from .source import Found
from .text_values import stated_null, text, trim

SHORTEST = 16
"""Bytes of a salt: a shorter one can be guessed, and then the values, too."""
_BLOCK = 64


@contextmanager
def key(con: duckdb.DuckDBPyConnection, task: IngestTask) -> Iterator[None]:
    """While files are read, `kept` finds the key in a table of its own; the user's SQL never sees it."""
    if not _hashes(task):
        yield
        return
    con.execute("CREATE TABLE pii_key AS SELECT $1::BLOB AS inner_pad, $2::BLOB AS outer_pad", list(_pads()))
    try:
        yield
    finally:
        con.execute("DROP TABLE pii_key")


def kept(task: IngestTask, columns: dict[str, str]) -> dict[str, str]:
    """What of a file's columns, the SQL of each by its name, is read: without those to drop, and hashes for values.

    Every reader selects this and nothing else, and so must whatever keeps a copy of a file.
    """
    return {
        name: _hash(task, columns[name]) if task.pii.get(name) == "Hash" else columns[name]
        for name in names(task, columns)
    }


def names(task: IngestTask, columns: Iterable[str]) -> list[str]:
    return [name for name in columns if task.pii.get(name) != "Drop"]


def as_text(task: IngestTask) -> IngestTask:
    """Hashes are text, whatever they look like."""
    hashed: dict[str, str] = {name: "string" for name, how in task.pii.items() if how == "Hash"}
    return msgspec.structs.replace(task, types={**task.types, **hashed}) if hashed else task


def mark(task: IngestTask) -> str:
    """Tells one key from another, and nothing of either: with another, the same files are other data."""
    return hmac.new(_salt(), b"modelward", hashlib.sha256).hexdigest() if _hashes(task) else ""


def check(task: IngestTask, files: list[Found], headers: list[list[str]]) -> None:
    """Every file has the columns, or surely just lacks them: under another name they would be read as they are.

    The names that a file has are not told, for its first line may be data.
    """
    for name in task.pii:
        having = [header for header in headers if name in header]
        known = set().union(*having)
        for file, header in zip(files, headers, strict=True):
            if name not in header and not (task.missing_as_null and having and known.issuperset(header)):
                raise JobError(
                    "ColumnMissing",
                    f"columns.pii: {file.name} has no column {name!r}, and may hold its values under another name: "
                    "name the column as in the other files, or correct columns.pii",
                )


def _hash(task: IngestTask, value: str) -> str:
    plain = f"regexp_replace({trim(f'({value})::VARCHAR')}, {text(_WHOLE)}, {text(chr(92) + '1')})"
    inner = f"sha256((SELECT inner_pad FROM pii_key) || encode({plain}))"
    outer = f"sha256((SELECT outer_pad FROM pii_key) || unhex({inner}))"
    return f"CASE WHEN lower({plain}) NOT IN ('', 'nan') AND NOT {stated_null(plain, task)} THEN {outer} END"


_WHOLE = r"^([+-]?(?:0|[1-9][0-9]*))\.0+$"


def _hashes(task: IngestTask) -> bool:
    return "Hash" in task.pii.values()


def _salt() -> bytes:
    salt = os.environb.get(PII_SALT.encode(), b"")
    if len(salt) < SHORTEST:
        raise JobError(
            "InvalidSalt",
            f"the key {PII_KEY} of the Secret {PII_SECRET} holds {len(salt)} bytes, and columns.pii needs {SHORTEST} "
            "or more that nobody can guess: `openssl rand -hex 32` makes some",
        )
    return salt


def _pads() -> tuple[bytes, bytes]:
    """Of the key, as RFC 2104 has them: DuckDB hashes without."""
    salt = _salt()
    filled = (hashlib.sha256(salt).digest() if len(salt) > _BLOCK else salt).ljust(_BLOCK, b"\0")
    return bytes(byte ^ 0x36 for byte in filled), bytes(byte ^ 0x5C for byte in filled)
