"""What one value of a CSV file can be, as SQL over its text: the same patterns decide and convert."""

from dataclasses import dataclass
from enum import IntEnum

MARKERS = (
    "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "NAN", "-nan", "NaT", "null", "NULL", "Null",
    "None", "NONE", "none", "nil", "?", "-", "--", ".", "..", "\\N", "#VALUE!", "#DIV/0!", "#REF!", "#NULL!", "#NUM!",
)  # fmt: skip
BLANKS = "' \t\u00a0'"
TRUE, FALSE = ("true", "t", "yes", "y", "1"), ("false", "f", "no", "n", "0")
"""Where a column is stated to be boolean. Unstated, only true and false are."""
_ISO = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))?)?"
_DAY_FIRST = r"\d{1,2}[./-]\d{1,2}[./-]\d{4}( \d{1,2}:\d{2}(:\d{2})?)?"
_SEPARATED = r"[+-]?\d{1,3}([., ']\d{3})+([.,]\d+)?|[+-]?\d+,\d+"


class Kind(IntEnum):
    MISSING = 0
    MARKER = 1
    INTEGER = 2
    NUMBER = 3
    INFINITE = 4
    LONG = 5
    """A whole number beyond 64 bits: an identifier."""
    CODE = 6
    """007: digits that a number would not keep."""
    BOOLEAN = 7
    ISO = 8
    DAY = 9
    """1/2/2013 or 1.2.2013: which is the day, only other rows tell."""
    COMMA = 10
    """3,5: a comma that can only be the decimal one."""
    SEPARATED = 11
    """1,234 or 1.234,5 or 1 234: separators whose meaning must be stated."""
    TEXT = 12


@dataclass(frozen=True)
class Values:
    """How numbers are written, and which values are missing."""

    decimal: str = "."
    thousands: str = ""
    missing: tuple[str, ...] = ()

    def plain(self, value: str) -> str:
        """SQL: the number as DuckDB writes it."""
        if self.thousands:
            value = f"replace({value}, {text(self.thousands)}, '')"
        return value if self.decimal == "." else f"replace({value}, {text(self.decimal)}, '.')"

    def kind(self, column: str) -> str:
        """SQL: the Kind of a text column's value, `trimmed` before."""
        value, point = column, f"[{self.decimal}]"
        whole = r"\d+"
        if self.thousands:
            whole = rf"(\d+|\d{{1,3}}([{self.thousands}]\d{{3}})+)"
        number = rf"[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?"
        bare = f"replace({value}, {text(self.thousands)}, '')" if self.thousands else value
        cases: list[tuple[str, Kind | str]] = [
            (f"{column} IS NULL OR {value} = ''", Kind.MISSING),
            *([(f"{value} IN ({texts(self.missing)})", Kind.MISSING)] if self.missing else []),
            (
                f"{value} >= '+' AND {value} < ':'",
                _case(
                    [
                        (_match(value, r"[+-]?0\d+(\.\d*)?"), Kind.CODE),
                        (
                            _match(value, rf"[+-]?{whole}"),
                            f"CASE WHEN length({value}) < 18 OR TRY_CAST({bare} AS BIGINT) IS NOT NULL "
                            f"THEN {Kind.INTEGER:d} ELSE {Kind.LONG:d} END",
                        ),
                        (
                            _match(value, number),
                            f"CASE WHEN isinf(TRY_CAST({self.plain(value)} AS DOUBLE)) "
                            f"THEN {Kind.INFINITE:d} ELSE {Kind.NUMBER:d} END",
                        ),
                        (f"{_match(value, _ISO)} AND TRY_CAST({value} AS TIMESTAMPTZ) IS NOT NULL", Kind.ISO),
                        (_match(value, _DAY_FIRST), Kind.DAY),
                        (_match(value, r"[+-]?(0|\d{4,}|\d{1,3}),\d+") + f" AND NOT {_thousands(value)}", Kind.COMMA),
                        (_match(value, _SEPARATED), Kind.SEPARATED),
                        (_match(value, r"(?i)[+-]?inf(inity)?"), Kind.INFINITE),
                        (_marker(value), Kind.MARKER),
                    ],
                    Kind.TEXT,
                ),
            ),
            (f"length({value}) < 9 AND lower({value}) IN ('true', 'false')", Kind.BOOLEAN),
            (f"length({value}) < 9 AND lower({value}) IN ('inf', 'infinity')", Kind.INFINITE),
            (_marker(value), Kind.MARKER),
        ]
        return _case(cases, Kind.TEXT)

    def cast(self, column: str, kind: str) -> str:
        """SQL: the value in the column's type (a ColumnType or a date's form); else missing."""
        value = column
        double = f"TRY_CAST({self.plain(value)} AS DOUBLE)"
        if kind == "string":
            return self._unless_missing(f"nullif({column}, '')", value)
        return self._unless_missing(
            {
                "integer": f"CASE WHEN {double} = floor({double}) THEN TRY_CAST({self.plain(value)} AS BIGINT) END",
                "number": double,
                "boolean": f"CASE WHEN lower({value}) IN ({texts(TRUE)}) THEN true "
                f"WHEN lower({value}) IN ({texts(FALSE)}) THEN false END",
                "timestamp": f"TRY_CAST({value} AS TIMESTAMPTZ)::TIMESTAMP",
                "day": _dated(value, "%d/%m/%Y"),
                "month": _dated(value, "%m/%d/%Y"),
            }.get(kind, f"TRY_STRPTIME({value}, {text(kind)})::TIMESTAMP"),
            value,
        )

    def _unless_missing(self, sql: str, value: str) -> str:
        return f"CASE WHEN {value} NOT IN ({texts(self.missing)}) THEN {sql} END" if self.missing else sql


def trimmed(column: str) -> str:
    """SQL: without the blanks around it, the unbreakable among them."""
    return f"trim({column}, {BLANKS})"


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def texts(values: tuple[str, ...]) -> str:
    return ", ".join(map(text, values))


def _dated(value: str, form: str) -> str:
    forms = ", ".join(text(form + clock) for clock in ("", " %H:%M", " %H:%M:%S"))
    return f"TRY_STRPTIME(translate({value}, '.-', '//'), [{forms}])"


def _marker(value: str) -> str:
    return f"length({value}) < 9 AND {value} IN ({texts(MARKERS)})"


def _thousands(value: str) -> str:
    return _match(value, r"[+-]?[1-9]\d{0,2},\d{3}")


def _match(value: str, pattern: str) -> str:
    return f"regexp_full_match({value}, {text(pattern)})"


def _case(cases: list[tuple[str, Kind | str]], other: Kind) -> str:
    arms = " ".join(f"WHEN {when} THEN {then if isinstance(then, str) else int(then)}" for when, then in cases)
    return f"CASE {arms} ELSE {int(other)} END"
