"""When cron schedules are due, where the clocks are turned above all."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from modelward.decide.cron import Cron
from modelward.errors import Refused


def moments(cron: Cron, start: str, count: int) -> list[str]:
    found = [datetime.fromisoformat(start)]
    while len(found) <= count:
        following = cron.after(found[-1])
        assert following
        found.append(following)
    return [f"{moment:%Y-%m-%dT%H:%MZ}" for moment in found[1:]]


@pytest.mark.parametrize(
    ("schedule", "zone", "start", "expected"),
    [
        ("30 3 * * *", "UTC", "2026-01-01T03:30:00Z", ["2026-01-02T03:30Z", "2026-01-03T03:30Z"]),
        ("@hourly", "UTC", "2026-01-01T03:30:00Z", ["2026-01-01T04:00Z", "2026-01-01T05:00Z"]),
        ("0 9 * * mon-fri", "Asia/Kolkata", "2026-01-02T12:00:00Z", ["2026-01-05T03:30Z", "2026-01-06T03:30Z"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00:00Z", ["2028-02-29T00:00Z"]),
        ("0 0 13 * FRI", "UTC", "2026-02-10T00:00:00Z", ["2026-02-13T00:00Z", "2026-02-20T00:00Z"]),
    ],
)
def test_schedule_is_due_at_its_times(schedule: str, zone: str, start: str, expected: list[str]) -> None:
    assert moments(Cron(schedule, zone), start, len(expected)) == expected


@pytest.mark.parametrize(
    ("schedule", "zone", "start", "expected"),
    [
        # 02:00 to 03:00 is skipped on 2026-03-08 in New York, on 2026-03-29 in Berlin.
        ("30 2 * * *", "America/New_York", "2026-03-07T12:00:00Z", ["2026-03-09T06:30Z"]),
        ("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:45:00Z", ["2026-03-29T01:00Z", "2026-03-29T01:30Z"]),
        ("0 3 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", ["2026-03-29T01:00Z"]),
        # Midnight is skipped in Beirut on Sunday, 2026-03-29: one o'clock is not.
        ("0 1 * * SUN", "Asia/Beirut", "2026-03-28T12:00:00Z", ["2026-03-28T22:00Z"]),
        ("0 0 * * SUN", "Asia/Beirut", "2026-03-28T12:00:00Z", ["2026-04-04T21:00Z"]),
        # A whole day is skipped in Samoa: 2011-12-30.
        ("0 12 30 12 *", "Pacific/Apia", "2011-12-01T00:00:00Z", ["2012-12-29T22:00Z"]),
    ],
)
def test_time_that_the_clocks_skip_is_not_due(schedule: str, zone: str, start: str, expected: list[str]) -> None:
    assert moments(Cron(schedule, zone), start, len(expected)) == expected


@pytest.mark.parametrize(
    ("schedule", "zone", "start", "expected"),
    [
        (
            "30 1 * * *",
            "America/New_York",
            "2026-10-31T12:00:00Z",
            ["2026-11-01T05:30Z", "2026-11-01T06:30Z", "2026-11-02T06:30Z"],
        ),
        (
            "*/30 2 * * *",
            "Europe/Berlin",
            "2026-10-24T12:00:00Z",
            ["2026-10-25T00:00Z", "2026-10-25T00:30Z", "2026-10-25T01:00Z", "2026-10-25T01:30Z"],
        ),
    ],
)
def test_time_that_the_clocks_show_twice_is_due_twice(
    schedule: str, zone: str, start: str, expected: list[str]
) -> None:
    assert moments(Cron(schedule, zone), start, len(expected)) == expected


@pytest.mark.parametrize("schedule", ["*/20 * * * *", "15 1,2 * * *", "@daily"])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("start", ["2026-03-28T12:00:00Z", "2026-10-24T12:00:00Z", "2026-04-04T12:00:00Z"])
def test_last_time_before_is_the_one_before(schedule: str, zone: str, start: str) -> None:
    cron = Cron(schedule, zone)
    found = [datetime.fromisoformat(moment) for moment in moments(cron, start, 12)]
    for before, after in pairwise(found):
        assert cron.until(after) == after
        assert cron.until(after.replace(minute=after.minute - 1) if after.minute else before) == before


@pytest.mark.parametrize("schedule", ["0 22-4 * * *", "0 0 31 2 *", "* * * *", "every day", ""])
def test_schedule_that_there_is_not_is_refused_by_its_field(schedule: str) -> None:
    with pytest.raises(Refused, match=r"spec\.schedule .* write five fields") as refused:
        Cron(schedule)
    assert refused.value.reason == "InvalidSchedule"


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "Europe", "../../etc/passwd", "europe/berlin"])
def test_zone_that_there_is_not_is_refused_by_its_field(zone: str) -> None:
    with pytest.raises(Refused, match=r"spec\.timeZone .* write its name as Europe/Berlin") as refused:
        Cron("@daily", zone)
    assert refused.value.reason == "UnknownTimeZone"


def test_schedule_that_is_never_due_again_has_no_next_time() -> None:
    assert Cron("0 0 * 2 MON#5").after(datetime(2160, 3, 1, tzinfo=UTC)) is not None
    assert Cron("* * */20 * 1L").after(datetime(2026, 1, 1, tzinfo=UTC)) is None
