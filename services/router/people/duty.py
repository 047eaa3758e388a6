"""Owns the duty roster: the shifts of a day (`catalog/duty.yaml`), who was put on them, and who is on duty now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Self
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import RowMapping, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.errors import NotYourUnit, RoleMissing
from services.router.domain.rules import SHENZHEN
from services.router.tables import accounts, duties
from services.router.units import OrgTree
from shared.errors import FieldError, InvalidInput
from shared.tokens import Actor

SHIPPED = Path(__file__).parents[1] / "catalog" / "duty.yaml"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Shift(_Data):
    code: Annotated[str, Field(pattern=r"^[a-z_]{2,20}$")]
    zh: str
    begins: time


@dataclass(frozen=True, slots=True)
class Turn:
    """One shift of one day."""

    day: date
    shift: str
    ends_at: datetime


class DutyRules(_Data):
    shifts: tuple[Shift, ...] = Field(min_length=1)
    put_by_all: tuple[str, ...]
    put_by_own: tuple[str, ...]

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if any(one.begins >= other.begins for one, other in pairwise(self.shifts)):
            raise ValueError("each shift begins after the one before")
        if len({shift.code for shift in self.shifts}) != len(self.shifts):
            raise ValueError("two shifts have the same code")
        return self

    def turn(self, now: datetime) -> Turn:
        """The shift that is on: before the first of a day it is still the last of the day before."""
        local = now.astimezone(SHENZHEN)
        begun = [shift for shift in self.shifts if shift.begins <= local.time()]
        day = local.date() if begun else local.date() - timedelta(days=1)
        present = begun[-1] if begun else self.shifts[-1]
        later = [shift for shift in self.shifts if shift.begins > present.begins]
        until = (day, later[0].begins) if later else (day + timedelta(days=1), self.shifts[0].begins)
        return Turn(day, present.code, datetime.combine(*until, tzinfo=SHENZHEN))

    def must_put(self, by: Actor, unit_code: str, units: OrgTree) -> None:
        """Raises the rule that keeps the actor from putting up this unit's roster."""
        if by.has(*self.put_by_all):
            return
        if not by.has(*self.put_by_own):
            raise RoleMissing(f"this needs one of the roles {', '.join((*self.put_by_all, *self.put_by_own))}")
        own = by.units_as(*self.put_by_own)
        if unit_code not in own and own.isdisjoint(units.ancestors(unit_code)):
            raise NotYourUnit


@lru_cache(maxsize=1)
def duty_rules() -> DutyRules:
    """What ships, read once; a wrong file stops the start."""
    return DutyRules.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


async def put(
    connection: AsyncConnection,
    rules: DutyRules,
    unit_code: str,
    day: date,
    roster: Mapping[str, Sequence[UUID]],
    *,
    by: Actor,
    now: datetime,
) -> None:
    """The whole day anew; shifts nobody is named for are empty. Raises `InvalidInput` for what is not there."""
    known = {shift.code for shift in rules.shifts}
    if unknown := sorted(set(roster) - known):
        raise InvalidInput(fields=(FieldError("/shifts", f"{', '.join(unknown)} are no shifts", "没有这个班次"),))
    named = {account for people in roster.values() for account in people}
    in_use = select(accounts.c.account_id).where(accounts.c.account_id.in_(named), accounts.c.disabled_at.is_(None))
    if named - set((await connection.execute(in_use)).scalars()):
        wrong = FieldError("/shifts", "names an account that is not in use", "值班人员账号不存在或已停用")
        raise InvalidInput(fields=(wrong,))
    await connection.execute(delete(duties).where(duties.c.unit_code == unit_code, duties.c.day == day))
    rows = [
        {"unit_code": unit_code, "day": day, "shift": shift, "account_id": account, "put_by": by.id, "put_at": now}
        for shift, people in roster.items()
        for account in dict.fromkeys(people)
    ]
    if rows:
        await connection.execute(insert(duties), rows)


async def between(
    connection: AsyncConnection, units: Sequence[str] | None, first: date, last: date, *, shift: str | None = None
) -> Sequence[RowMapping]:
    """Both days included, of these units (None: of all); names of who has left stay readable."""
    query = select(duties.c.unit_code, duties.c.day, duties.c.shift, duties.c.account_id, accounts.c.name)
    query = query.join(accounts, accounts.c.account_id == duties.c.account_id)
    query = query.where(duties.c.day.between(first, last))
    if units is not None:
        query = query.where(duties.c.unit_code.in_(units))
    if shift is not None:
        query = query.where(duties.c.shift == shift)
    query = query.order_by(duties.c.day, duties.c.unit_code, duties.c.shift, accounts.c.name)
    return (await connection.execute(query)).mappings().all()
