"""Which type a column of text has: one rule over all rows of all files (docs/data.md states it for users).

Every value falls into one class (`text_values`); what the counts mean is decided by `column_type`. Text that is text
stays text; a column of numbers, dates or booleans with a few other values is refused with the values and where they
stand (`misfits`), for nobody can know whether they mean missing, a typing error or text.
"""

from dataclasses import dataclass, replace

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .column_type import Decision, decide
from .columns import absent
from .decimal_comma import decimal_commas
from .misfits import Place, misfits, told
from .text_cast import cast
from .text_values import Counts, Format, Raw, counted


@dataclass(frozen=True)
class Typed:
    expressions: list[str]
    """SQL over `raw` that gives each column with its type."""
    guessed: set[str]
    format: Format
    format_guessed: bool
    warnings: list[str]


def choose(con: duckdb.DuckDBPyConnection, names: list[str], task: IngestTask, place: Place) -> Typed:
    for name in task.types:
        if name not in names:
            raise JobError("ColumnMissing", f"columns.types: {absent(name, names)}")
    raw = Raw(con, names, task, Format(task.csv.decimal or ".", task.csv.thousands or ""))
    counts = counted(raw)
    commas = task.csv.decimal is None and task.csv.thousands is None and decimal_commas(raw, counts)
    if commas:
        raw = replace(raw, format=Format(","))
        counts = counted(raw)
    decided = [decide(each, task.types.get(name), name == task.label) for name, each in zip(names, counts, strict=True)]
    _refuse_misfits(raw, decided, counts, place)
    said = warnings(names, decided, counts)
    return Typed(
        [cast(raw, number, each.type) for number, each in enumerate(decided)],
        {name for name in names if name not in task.types},
        raw.format,
        commas,
        [*(["numbers are read with a decimal comma; `csv: {decimal: …}` says otherwise"] if commas else []), *said],
    )


def _refuse_misfits(raw: Raw, decided: list[Decision], counts: list[Counts], place: Place) -> None:
    faults = []
    for number, each in enumerate(decided):
        # Whether a number is whole and a word is a boolean shows when it is cast.
        if each.fault or raw.task.types.get(raw.names[number]) in ("integer", "boolean"):
            found = misfits(raw, number, each)
            if found:
                faults.append((number, each, found))
    if faults:
        said = [told(raw, number, each, counts[number], found, place) for number, each, found in faults[:3]]
        more = f"; {len(faults) - 3} more columns are alike" if len(faults) > 3 else ""
        raise JobError("InvalidColumn", "; ".join(said) + more)


def warnings(names: list[str], decided: list[Decision], counted: list[Counts]) -> list[str]:
    found = [
        f"column {name!r}: {each.note}; {each.otherwise}"
        for name, each in zip(names, decided, strict=True)
        if each.note
    ]
    marked = [
        f"{name!r} ({counts['marker']})"
        for name, counts, each in zip(names, counted, decided, strict=True)
        if counts["marker"] and each.type != "string" and not each.note
    ]
    if marked:
        found.insert(0, f"NA, ? and the like are read as missing in {some(marked)}")
    return found


def some(names: list[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
