"""One function per verb of the HTTP and the clock door; what events do is in `consumers`."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from services.sla import almanac, firing, listing
from services.sla.calendar import CalendarData
from services.sla.calendars import shipped_calendar, shipped_hours
from services.sla.domain import CaseClocks, CaseNotTimed
from services.sla.firing import Fired
from services.sla.hours import shipped_working_time
from services.sla.listing import Listed, Wanted
from services.sla.oversight import usecases as overseeing
from services.sla.publications import Publication, publish
from services.sla.store import SlaTx
from services.sla.workdays import Calendar
from shared.errors import Forbidden
from shared.tokens import Actor

EVERYWHERE = frozenset(
    {
        "operator",
        "filing_clerk",
        "dispatcher",
        "reviewer",
        "callback_clerk",
        "supervisor",
        "ruling_panel",
        "discipline",
        "analyst",
        "leader",
        "admin",
    }
)
"""Roles that look at the whole district; everybody else at the clocks of their own units."""


class OtherUnit(Forbidden):
    """You may only look at the clocks of your own units."""

    zh: ClassVar[str] = "只能查看本单位的计时"


async def fire_due(tx: SlaTx, *, now: datetime, most: int) -> Fired:
    """Say what has come due, earliest first: of clocks, and then of what is asked for and ordered about them."""
    fired = await firing.fire(tx, now, most)
    if fired.claimed < most:
        for alarm in await firing.alarms(tx, now, most):
            await overseeing.hear_alarm(tx, alarm, now=now)
    return fired


async def seed_calendars(tx: SlaTx, *, now: datetime) -> None:
    """Adopt the shipped calendars, one for each kind of hours, and whose hours the units keep.

    What has been published here stays in use: a shipped calendar only takes the place of one that knows fewer years,
    and then the open clocks are counted again.
    """
    known = {kept.data.hours.code: kept.data for kept in await almanac.kept(tx.connection) if kept.in_use}
    shipped = [shipped_calendar(code) for code in dict.fromkeys(hours.code for hours in shipped_hours())]
    for data in shipped:
        if data.hours.code not in known:
            await almanac.adopt(tx.connection, data, now)
    for kept in shipped_working_time().units if not known else ():
        await almanac.keep_hours(tx.connection, kept.unit_code, kept.hours_code, kept.valid_from)
    newer = [data for data in shipped if data.hours.code in known and _knows_more(data, known[data.hours.code])]
    if newer:
        reason = f"随系统升级载入{newer[0].known_years[-1]}年放假安排"
        await publish(tx, Publication(newer, reason=reason, by="upgrade"), now=now)


def _knows_more(shipped: CalendarData, used: CalendarData) -> bool:
    return not used.later_hours and set(shipped.known_years) > set(used.known_years)


async def calendars(tx: SlaTx) -> Sequence[almanac.Kept]:
    return await almanac.kept(tx.connection)


async def calendar(tx: SlaTx, *, hours_code: str, version: str | None) -> Calendar:
    """The named version, or the one in use for these hours."""
    if version is not None:
        return await almanac.of_version(tx.connection, version)
    return await almanac.in_use(tx.connection, hours_code)


async def clocks_of(tx: SlaTx, case_id: UUID | None, *, by: Actor) -> CaseClocks:
    """The clocks of a case; for a unit's people, only of cases their unit has or had an order of."""
    case = None if case_id is None else await tx.find(case_id)
    if case is None or not case.clocks:
        raise CaseNotTimed
    if not by.has(*EVERYWHERE) and not any(clock.unit_code in by.units for clock in case.clocks):
        raise CaseNotTimed
    return case


async def clocks_of_number(tx: SlaTx, case_no: str, *, by: Actor) -> CaseClocks:
    return await clocks_of(tx, await listing.case_id_of(tx.connection, case_no), by=by)


async def list_clocks(tx: SlaTx, wanted: Wanted, *, by: Actor) -> Sequence[Listed]:
    """Running clocks, the earliest due first; a unit's people see their units' only."""
    units: Sequence[str] | None = [wanted.unit_code] if wanted.unit_code else None
    if not by.has(*EVERYWHERE):
        if wanted.unit_code is not None and wanted.unit_code not in by.units:
            raise OtherUnit
        units = units or sorted(by.units)
    return await listing.page(tx.connection, wanted, units)
