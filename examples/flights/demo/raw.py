"""The raw months, made once and kept in the cache that all checkouts share."""

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
