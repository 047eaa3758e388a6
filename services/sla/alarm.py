"""The alarm for a year whose notice of holidays is missing: in the log, as a metric, and for whoever asks."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from prometheus_client import Gauge
from sqlalchemy import func, select

from services.sla import almanac
from services.sla.hours import SHENZHEN, Hours, shipped_working_time
from services.sla.store import SlaTx
from services.sla.tables import clocks
from shared.clock import Clock
from shared.db import Begin

log = logging.getLogger(__name__)

missing_days = Gauge(
    "huying_calendar_days_until_unknown", "Days until a year begins whose notice of holidays is not loaded", ["hours"]
)
raised = Gauge("huying_calendar_alarm", "1 while the notice of a year that is near is missing", ["hours"])


@dataclass(frozen=True, slots=True)
class Missing:
    """The first year a calendar in use does not know."""

    hours_code: str
    version: str
    year: int
    needed_on: date
    """The year's first day: due times on or after it are provisional."""
    alarm_on: date
    days_left: int
    raised: bool


def missing(hours: Hours, now: datetime, alarm_days: int) -> Sequence[Missing]:
    """Of every kind of hours that depends on notices; those of a 24-hour centre do not."""
    today = now.astimezone(SHENZHEN).date()
    found = []
    for code, calendar in sorted(hours.calendars.items()):
        data = calendar.data
        if data.hours.every_day:
            continue
        year = next(year for year in range(today.year, data.known_years[-1] + 2) if year not in data.known_years)
        needed_on = date(year, 1, 1)
        alarm_on = needed_on - timedelta(days=alarm_days)
        left = (needed_on - today).days
        found.append(Missing(code, data.version, year, needed_on, alarm_on, left, raised=today >= alarm_on))
    return found


async def look(tx: SlaTx, now: datetime) -> Sequence[Missing]:
    """What is missing now; the metrics are set on the way."""
    found = missing(await almanac.hours_in_use(tx.connection), now, shipped_working_time().alarm_days)
    for each in found:
        missing_days.labels(each.hours_code).set(each.days_left)
        raised.labels(each.hours_code).set(each.raised)
    return found


async def provisional_clocks(tx: SlaTx) -> int:
    """Open clocks whose due time rests on a year that is not known."""
    query = select(func.count()).select_from(clocks).where(clocks.c.stopped_at.is_(None), clocks.c.provisional)
    return int(await tx.connection.scalar(query) or 0)


class NoticeWatch:
    """A loop of the worker that looks every so often, and speaks of the same missing year once a day."""

    name = "notices:sla"
    idle = 30.0

    def __init__(self, begin: Begin[SlaTx], clock: Clock) -> None:
        self._begin, self._clock = begin, clock
        self._said: tuple[date, str] | None = None

    async def run_once(self) -> bool:
        now = self._clock.now()
        async with self._begin() as tx:
            found = [each for each in await look(tx, now) if each.raised]
            if not found or (now.date(), found[0].version) == self._said:
                return False
            waiting = await provisional_clocks(tx)
        self._said = now.date(), found[0].version
        for each in found:
            log.warning(
                "the notice of holidays for %d is not loaded (%s hours): needed in %d days, %d open clocks provisional",
                each.year, each.hours_code, each.days_left, waiting,
            )  # fmt: skip
        return False

    async def close(self) -> None:
        """Holds nothing between two rounds."""
