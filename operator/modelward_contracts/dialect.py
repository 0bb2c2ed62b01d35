"""How CSV files are written: what a Dataset states of it, and what an ingest found."""

from .wire import Wire


class CsvDialect(Wire, frozen=True, kw_only=True):
    """Each field None: not stated, so that ingest finds out (task), or without meaning for this file (report)."""

    header: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    """"" for files without quoting."""
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    null_values: list[str] | None = None
    """Missing wherever they stand, like empty values. The usual markers are where the rest are numbers or dates."""
    skip_lines: int | None = None
    comment: str | None = None
    """Lines that start with it are no records."""
