"""A field's text as a value of a type, in SQL. What is no such value (a marker, for numbers) is NULL."""

from modelward_contracts.manifests import ColumnType

from .text_values import Raw, stated_null, text, trimmed

_TRUE, _FALSE = "('true', 'yes', 'y', 't', 'on', '1')", "('false', 'no', 'n', 'f', 'off', '0')"


def cast(raw: Raw, number: int, kind: ColumnType) -> str:
    """Over `raw`, of the column with this number."""
    value = trimmed(number)
    plain = value
    if raw.format.thousands:
        plain = f"replace({plain}, {text(raw.format.thousands)}, '')"
    if raw.format.decimal != ".":
        plain = f"replace({plain}, {text(raw.format.decimal)}, '.')"
    typed = {
        "integer": f"CASE WHEN TRY_CAST({plain} AS DOUBLE) % 1 = 0 THEN TRY_CAST({plain} AS BIGINT) END",
        "number": f"nullif(TRY_CAST({plain} AS DOUBLE), 'nan'::DOUBLE)",
        "boolean": f"CASE WHEN lower({value}) IN {_TRUE} THEN true WHEN lower({value}) IN {_FALSE} THEN false END",
        "timestamp": f"TRY_CAST({value} AS TIMESTAMPTZ)::TIMESTAMP",
        "string": f"CASE WHEN {value} <> '' THEN c{number} END",
    }[kind]
    return f"CASE WHEN NOT {stated_null(value, raw.task)} THEN {typed} END" if raw.task.csv.null_values else typed
