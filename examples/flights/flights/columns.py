"""The columns that training, export and clients agree on.

Everything here is known before departure. What only the flight itself tells
(dep_time, dep_delay, arr_time, air_time, arr_delay) never gets this far: the
Dataset forbids it. Month and day are left out because a new month would be
nothing but unseen values.
"""

from typing import Final

ID: Final = "flight_id"
TIME: Final = "time_hour"
LABEL: Final = "late"

NUMERIC: Final = (
    "weekday",
    "sched_dep_time",
    "sched_arr_time",
    "distance",
    "temp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
)
TEXT: Final = ("carrier", "flight", "tailnum", "origin", "dest", "manufacturer", "model")
FEATURES: Final = NUMERIC + TEXT
