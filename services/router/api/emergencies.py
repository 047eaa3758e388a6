"""The doors of the emergency mode (平战一体): declare, lift, and see what is on with who is on duty for it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router import emergencies
from services.router.api.doors import Here, Limit, here_rules
from services.router.api.duty import OnDuty, grouped
from services.router.domain.rules import Rules
from services.router.emergencies import emergency_rules
from services.router.people import duty
from services.router.people.duty import duty_rules
from services.router.settings import Settings
from services.router.store import Tx
from services.router.usecases import emergencies as usecases
from services.router.usecases.emergencies import EmergencyUnknown
from shared.actors import Staff
from shared.context import Context

routes = APIRouter(prefix="/emergencies", tags=["emergencies"])


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Declaration(Body):
    theme_code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    area_codes: list[Annotated[str, Field(pattern=r"^[0-9]{9}(?:[0-9]{3})?$")]] = Field(default=[], max_length=40)
    """Empty for the whole district."""
    reason: Annotated[str, Field(min_length=4, max_length=500, pattern=r"^[^\x00]*$")]
    until: AwareDatetime


class Lifting(Body):
    reason: Annotated[str, Field(min_length=2, max_length=500, pattern=r"^[^\x00]*$")]


class ThemeView(BaseModel):
    code: str
    name: str
    most_hours: int
    category_codes: list[str]
    duty_units: list[str]


class ThemeList(BaseModel):
    items: list[ThemeView]
    declared_by: list[str]


class EmergencyLine(BaseModel):
    emergency_id: UUID
    theme_code: str
    theme_name: str
    area_codes: list[str]
    category_codes: list[str]
    reason: str
    declared_by: str
    declared_at: datetime
    until: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    lift_reason: str | None
    on: bool

    @classmethod
    def of(cls, row: RowMapping, now: datetime) -> "EmergencyLine":
        return cls(
            **row,
            theme_name=emergency_rules().title(row["theme_code"]),
            on=row["lifted_at"] is None and now < row["until"],
        )


class EmergencyView(EmergencyLine):
    on_duty: list[OnDuty]
    """Of the units called to the desk for it, those on duty now."""
    nobody: list[str]
    """Units called that have nobody on duty: call them."""


class EmergencyPage(BaseModel):
    items: list[EmergencyLine]
    next: UUID | None
    """Give it as `before` for what came earlier; null on the last page."""


async def _shown(here: Context[Settings, Tx], emergency_id: UUID, rules: Rules) -> EmergencyView:
    now = here.clock.now()
    turn = duty_rules().turn(now)
    async with here.begin() as tx:
        row = await emergencies.load(tx.connection, emergency_id)
        if row is None:
            raise EmergencyUnknown
        theme = emergency_rules().theme(row["theme_code"])
        called = theme.duty if theme is not None else ()
        found = await duty.between(tx.connection, called, turn.day, turn.day, shift=turn.shift)
    on_duty = grouped(found, rules)
    nobody = [code for code in called if code not in {line.unit_code for line in on_duty}]
    return EmergencyView(**EmergencyLine.of(row, now).model_dump(), on_duty=on_duty, nobody=nobody)


@routes.get("")
async def read_emergencies(
    *,
    here: Here,
    by: Staff,  # noqa: ARG001  any member of staff
    only_on: bool = False,
    before: UUID | None = None,
    limit: Limit = 50,
) -> EmergencyPage:
    """Newest first; what was ever declared stays."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await emergencies.listed(tx.connection, only_on=only_on, before=before, limit=limit)
    items = [EmergencyLine.of(row, now) for row in found]
    return EmergencyPage(items=items, next=items[-1].emergency_id if len(items) == limit else None)


@routes.get("/themes")
async def read_themes(here: Here, by: Staff) -> ThemeList:  # noqa: ARG001
    known, kinds = here_rules(here).catalogue.categories, emergency_rules()
    items = [
        ThemeView(
            code=theme.code,
            name=theme.zh,
            most_hours=theme.most_hours,
            category_codes=list(theme.categories(known)),
            duty_units=list(theme.duty),
        )
        for theme in kinds.themes
    ]
    return ThemeList(items=items, declared_by=list(kinds.declared_by))


@routes.post("", status_code=201)
async def declare_emergency(here: Here, by: Staff, body: Declaration) -> EmergencyView:
    rules = here_rules(here)
    async with here.begin() as tx:
        emergency_id = await usecases.declare(
            tx,
            rules,
            emergency_rules(),
            theme_code=body.theme_code,
            area_codes=body.area_codes,
            reason=body.reason,
            until=body.until,
            by=by,
            now=here.clock.now(),
        )
    return await _shown(here, emergency_id, rules)


@routes.get("/{emergency_id}")
async def read_emergency(here: Here, by: Staff, emergency_id: UUID) -> EmergencyView:  # noqa: ARG001
    return await _shown(here, emergency_id, here_rules(here))


@routes.post("/{emergency_id}/lift")
async def lift_emergency(here: Here, by: Staff, emergency_id: UUID, body: Lifting) -> EmergencyView:
    async with here.begin() as tx:
        await usecases.lift(tx, emergency_rules(), emergency_id, reason=body.reason, by=by, now=here.clock.now())
    return await _shown(here, emergency_id, here_rules(here))
