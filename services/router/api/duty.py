"""The doors of the roster and of a unit's people: who is on duty, and who belongs to the unit as what."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router.api.doors import Here, here_rules
from services.router.domain.errors import UnitUnknown
from services.router.domain.rules import SHENZHEN, Rules
from services.router.people import accounts, duty
from services.router.people.duty import duty_rules
from shared.actors import Staff
from shared.errors import FieldError, InvalidInput, NotFound

routes = APIRouter(tags=["people"])

UnitPath = Annotated[str, Path(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]
UnitsAsked = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]], Query(alias="unit", max_length=60)
]
MOST_DAYS = 62
OF_A_UNIT = ("unit_manager", "handler", "grid_officer")


class NoSuchUnit(NotFound):
    """There is no such unit."""

    zh = "没有这个单位"


class Named(BaseModel):
    account_id: UUID
    name: str


class OnDuty(BaseModel):
    unit_code: str
    unit_name: str
    day: date
    shift: str
    people: list[Named]


class Roster(BaseModel):
    items: list[OnDuty]


class RosterNow(BaseModel):
    shift: str
    shift_name: str
    until: datetime
    items: list[OnDuty]
    nobody: list[str]
    """Of the units asked for those that have nobody on duty."""


class ShiftPeople(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shift: Annotated[str, Field(pattern=r"^[a-z_]{2,20}$")]
    account_ids: list[UUID] = Field(max_length=40)


class DayRoster(BaseModel):
    model_config = ConfigDict(extra="forbid")

    shifts: list[ShiftPeople] = Field(max_length=8)


class UnitPeople(BaseModel):
    """A unit's desk: its managers, handlers and grid officers, and who is on duty now."""

    unit_code: str
    unit_name: str
    managers: list[Named]
    handlers: list[Named]
    grid_officers: list[Named]
    on_duty: list[Named]


def grouped(found: Iterable[RowMapping], rules: Rules) -> list[OnDuty]:
    """Rows of `duty.between` as one line for each unit, day and shift."""
    lines: dict[tuple[str, date, str], OnDuty] = {}
    for row in found:
        key = (row["unit_code"], row["day"], row["shift"])
        if key not in lines:
            lines[key] = OnDuty(
                unit_code=key[0], unit_name=rules.unit_name(key[0]), day=key[1], shift=key[2], people=[]
            )
        lines[key].people.append(Named(account_id=row["account_id"], name=row["name"]))
    return list(lines.values())


@routes.get("/duties")
async def read_duties(
    *,
    here: Here,
    by: Staff,  # noqa: ARG001  any member of staff
    units: UnitsAsked = [],  # noqa: B006
    first: date | None = None,
    last: date | None = None,
) -> Roster:
    """From a first to a last day, today when none is named; of all units when none is."""
    start = first or here.clock.now().astimezone(SHENZHEN).date()
    end = last or start
    if not start <= end <= start + timedelta(days=MOST_DAYS):
        wrong = FieldError("query/last", f"must lie within {MOST_DAYS} days after first", f"最多查询{MOST_DAYS}天")
        raise InvalidInput(fields=(wrong,))
    async with here.begin() as tx:
        found = await duty.between(tx.connection, units or None, start, end)
    return Roster(items=grouped(found, here_rules(here)))


@routes.get("/duties/now")
async def read_on_duty(*, here: Here, by: Staff, units: UnitsAsked = []) -> RosterNow:  # noqa: ARG001, B006
    """Who is on duty at this moment."""
    rules, kinds = here_rules(here), duty_rules()
    turn = kinds.turn(here.clock.now())
    async with here.begin() as tx:
        found = await duty.between(tx.connection, units or None, turn.day, turn.day, shift=turn.shift)
    items = grouped(found, rules)
    name = next(shift.zh for shift in kinds.shifts if shift.code == turn.shift)
    nobody = sorted(set(units) - {line.unit_code for line in items})
    return RosterNow(shift=turn.shift, shift_name=name, until=turn.ends_at, items=items, nobody=nobody)


@routes.put("/duties/{unit_code}/{day}")
async def put_duties(here: Here, by: Staff, unit_code: UnitPath, day: date, body: DayRoster) -> Roster:
    """The roster of a unit's day as a whole."""
    rules, kinds = here_rules(here), duty_rules()
    if unit_code not in rules.catalogue.units:
        raise UnitUnknown(unit_code)
    kinds.must_put(by, unit_code, rules.catalogue.units)
    roster = {one.shift: one.account_ids for one in body.shifts}
    async with here.begin() as tx:
        await duty.put(tx.connection, kinds, unit_code, day, roster, by=by, now=here.clock.now())
        found = await duty.between(tx.connection, [unit_code], day, day)
    return Roster(items=grouped(found, rules))


@routes.get("/units/{unit_code}/people")
async def read_unit_people(here: Here, by: Staff, unit_code: UnitPath) -> UnitPeople:  # noqa: ARG001
    rules, turn = here_rules(here), duty_rules().turn(here.clock.now())
    if unit_code not in rules.catalogue.units:
        raise NoSuchUnit
    async with here.begin() as tx:
        found = await accounts.of_units(tx.connection, [unit_code], OF_A_UNIT)
        on_duty = await duty.between(tx.connection, [unit_code], turn.day, turn.day, shift=turn.shift)
    by_role: dict[str, list[Named]] = {}
    for row in found:
        by_role.setdefault(row["role"], []).append(Named(account_id=row["account_id"], name=row["name"]))
    managers, handlers, grid_officers = (by_role.get(role, []) for role in OF_A_UNIT)
    return UnitPeople(
        unit_code=unit_code,
        unit_name=rules.unit_name(unit_code),
        managers=managers,
        handlers=handlers,
        grid_officers=grid_officers,
        on_duty=[Named(account_id=row["account_id"], name=row["name"]) for row in on_duty],
    )
