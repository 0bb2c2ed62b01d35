"""When a cron schedule is due in a time zone, as Kubernetes' CronJob has it.

A time that the clocks skip is not due on that day; one that they show twice is due twice. Schedules are evaluated on
the wall clock, which knows neither, and each wall time is then looked up in the zone.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from modelward.errors import Refused

_SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_TURNED_BACK = timedelta(hours=3)
"""No zone turns its clocks back by more."""


class Cron:
    """Raises Refused for a schedule or a zone that there is not."""

    def __init__(self, schedule: str, zone: str = "UTC") -> None:
        self._fields = _SHORT.get(schedule, schedule)
        try:
            CronSim(self._fields, datetime(2000, 1, 1))  # noqa: DTZ001  wall time on purpose
        except CronSimError as error:
            problem = str(error).lower()
            raise Refused(
                "InvalidSchedule",
                f'spec.schedule {schedule!r} is no cron schedule ({problem}): write five fields, "30 3 * * MON-FRI"',
            ) from error
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise Refused(
                "UnknownTimeZone",
                f"spec.timeZone {zone!r} is not in the time zone database: write its name as Europe/Berlin or Etc/UTC",
            ) from error

    def after(self, moment: datetime) -> datetime | None:
        """The first time after it; None: never again."""
        first = partial(self._first, moment, reverse=False)
        return min(filter(None, map(first, (0, 1))), default=None)

    def until(self, moment: datetime) -> datetime | None:
        """The last time that is not after it; None: never before."""
        last = partial(self._first, moment + timedelta(seconds=1), reverse=True)
        return max(filter(None, map(last, (0, 1))), default=None)

    def _first(self, moment: datetime, fold: int, *, reverse: bool) -> datetime | None:
        """Of wall times that are shown twice only the first counts (fold 0) or only the second (1): then moments follow
        each other as wall times do."""
        for wall in self._walls(moment, reverse):
            found = wall.replace(tzinfo=self._zone, fold=fold).astimezone(UTC)
            skipped = found.astimezone(self._zone).replace(tzinfo=None) != wall
            if not skipped and (found < moment if reverse else found > moment):
                return found
        return None

    def _walls(self, moment: datetime, reverse: bool) -> Iterator[datetime]:
        wall = moment.astimezone(self._zone).replace(tzinfo=None)
        start = wall + _TURNED_BACK if reverse else wall - _TURNED_BACK
        return CronSim(self._fields, start, reverse)
