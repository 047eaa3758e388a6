"""The working calendars kept in the database: adopted once, never changed, the last adopted of its kind in use."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.sla.calendar import CalendarData
from services.sla.hours import OFFICE, Hours
from services.sla.tables import calendars, unit_hours
from services.sla.workdays import Calendar
from shared.errors import NotFound, Unavailable

_REMEMBERED = 16


class NoCalendar(Unavailable):
    """No working calendar has been loaded yet; run the service's `migrate`."""

    zh: ClassVar[str] = "尚未载入工作日历"


class UnknownCalendar(NotFound):
    """There is no such working calendar."""

    zh: ClassVar[str] = "没有该版本的工作日历"


@dataclass(frozen=True, slots=True)
class Kept:
    """A calendar with when it was adopted, and whether clocks of its kind of hours are counted by it now."""

    data: CalendarData
    adopted_at: datetime
    in_use: bool


_NEWEST = calendars.c.adopted_at.desc(), calendars.c.version.desc()
_VERSION = select(calendars.c.version).order_by(*_NEWEST).limit(1)
_ready: OrderedDict[str, Calendar] = OrderedDict()
"""Calendars ready to be counted, by version. A version never changes, so this can never be stale."""


async def in_use(connection: AsyncConnection, hours_code: str = OFFICE) -> Calendar:
    """The calendar adopted last for these hours; asked once per transaction, so a new one needs no restart."""
    version = await connection.scalar(_VERSION.where(calendars.c.hours_code == hours_code))
    if version is None:
        raise NoCalendar(retry_after=5)
    return await of_version(connection, version)


_HOURS = text(
    """
    SELECT version AS name, hours_code, NULL::date AS valid_from FROM (
      SELECT DISTINCT ON (hours_code) hours_code, version FROM calendars ORDER BY hours_code, adopted_at DESC, version DESC
    ) AS newest
    UNION ALL SELECT unit_code, hours_code, valid_from FROM unit_hours
    UNION ALL SELECT edition, :limits, valid_from FROM limit_editions
    ORDER BY valid_from NULLS FIRST, name
    """
)
_LIMITS = "limits!"
"""In the place of a kind of hours: the row names an edition of the limits."""
_hours: OrderedDict[tuple[Any, ...], Hours] = OrderedDict()
"""By the rows they were made from, so that these, too, can never be stale."""


async def hours_in_use(connection: AsyncConnection) -> Hours:
    """The calendars in use for all kinds of hours, and whose hours the units keep, in one statement."""
    rows = tuple((await connection.execute(_HOURS, {"limits": _LIMITS})).all())
    found = _hours.get(rows)
    if found is None:
        found = await _hours_of(connection, rows)
        _hours[rows] = found
        while len(_hours) > _REMEMBERED:
            _hours.popitem(last=False)
    return found


async def _hours_of(connection: AsyncConnection, rows: Sequence[Any]) -> Hours:
    versions = {row.hours_code: row.name for row in rows if row.valid_from is None}
    if OFFICE not in versions:
        raise NoCalendar(retry_after=5)
    editions = tuple(row.name for row in rows if row.hours_code == _LIMITS)
    units: dict[str, list[tuple[date, str]]] = {}
    for row in rows:
        if row.valid_from is not None and row.hours_code != _LIMITS:
            units.setdefault(row.name, []).append((row.valid_from, row.hours_code))
    return Hours({code: await of_version(connection, version) for code, version in versions.items()}, units, editions)


async def keep_hours(connection: AsyncConnection, unit_code: str, hours_code: str, valid_from: date) -> bool:
    """A unit keeps these hours from this day on; False when that is known, or said otherwise, already."""
    row = {"unit_code": unit_code, "hours_code": hours_code, "valid_from": valid_from}
    done = await connection.execute(insert(unit_hours).values(row).on_conflict_do_nothing())
    return done.rowcount == 1


async def of_version(connection: AsyncConnection, version: str) -> Calendar:
    ready = _ready.get(version)
    if ready is None:
        data = await connection.scalar(select(calendars.c.data).where(calendars.c.version == version))
        if data is None:
            raise UnknownCalendar
        ready = _ready[version] = Calendar(CalendarData.from_dict(data))
        while len(_ready) > _REMEMBERED:
            _ready.popitem(last=False)
    return ready


async def kept(connection: AsyncConnection) -> Sequence[Kept]:
    """All versions, newest first."""
    found: list[Kept] = []
    seen: set[str] = set()
    for row in await connection.execute(select(calendars).order_by(*_NEWEST)):
        found.append(Kept(CalendarData.from_dict(row.data), row.adopted_at, row.hours_code not in seen))
        seen.add(row.hours_code)
    return found


async def adopt(connection: AsyncConnection, data: CalendarData, now: datetime) -> bool:
    """Put a version into use from `now` on, again if it was used before; False when it is in use, which changes nothing."""
    code = data.hours.code
    # The clock of a demonstration may be behind the one the newest was adopted by.
    newest = select(func.max(calendars.c.adopted_at) + timedelta(microseconds=1)).where(calendars.c.hours_code == code)
    at = func.greatest(now, newest.scalar_subquery())
    row = {"version": data.version, "hours_code": code, "data": data.to_dict(), "adopted_at": at}
    used = _VERSION.where(calendars.c.hours_code == code).scalar_subquery()
    again = insert(calendars).values(row)
    again = again.on_conflict_do_update(
        index_elements=[calendars.c.version],
        set_={"adopted_at": again.excluded.adopted_at},
        where=calendars.c.version != used,
    )
    done = await connection.execute(again)
    return done.rowcount == 1
