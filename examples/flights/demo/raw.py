"""The raw months, made once and kept in the cache that all checkouts share; and one as a careless export writes it."""

import csv
from pathlib import Path

from flights import data
from localcluster import locks, paths


def months() -> Path:
    """The folder of 2013-01.csv … 2013-12.csv."""
    folder = paths.cache() / f"flights-{data.SHA256[:12]}"
    with locks.held("flights"):
        if len(list(folder.glob("2013-*.csv"))) < 12:
            data.write_months(folder)
    return folder


def in_kilometres(month: Path, target: Path) -> None:
    """The same flights, whose distance somebody turned from miles into kilometres."""
    with month.open(newline="") as source, target.open("w", newline="") as written:
        rows = csv.DictReader(source)
        writer = csv.DictWriter(written, rows.fieldnames or [])
        writer.writeheader()
        writer.writerows(row | {"distance": f"{float(row['distance']) * 1.609344:.0f}"} for row in rows)
