"""Logging in, and who one is."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.router import staff
from services.router.api.doors import Here, here_rules
from shared.actors import Staff
from shared.tokens import Actor, TokenIssuer

routes = APIRouter(prefix="/staff", tags=["staff"])


class Login(BaseModel):
    model_config = ConfigDict(extra="forbid")

    login: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    password: Annotated[str, Field(min_length=1, max_length=200)]


class Session(BaseModel):
    token: str
    expires_at: datetime
    roles: list[str]
    units: list[str]


class UnitName(BaseModel):
    code: str
    name: str


class Me(BaseModel):
    id: str
    name: str
    roles: list[str]
    units: list[UnitName]


@routes.post("/sessions", status_code=201)
async def open_session(here: Here, body: Login, response: Response) -> Session:
    now, settings = here.clock.now(), here.settings
    lockout = staff.Lockout(settings.lockout_failures, timedelta(minutes=settings.lockout_minutes))
    async with here.begin() as tx:
        outcome = await staff.log_in(
            tx.connection, body.login, body.password, passwords=here.parts["passwords"], lockout=lockout, now=now
        )
    # Only now: raised inside, the transaction would forget that somebody had tried.
    if not isinstance(outcome, Actor):
        raise outcome
    issuer: TokenIssuer = here.parts["tokens"]
    lifetime = timedelta(hours=settings.session_hours)
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=issuer.issue(outcome, now=now, lifetime=lifetime),
        expires_at=now + lifetime,
        roles=sorted(outcome.roles),
        units=sorted(outcome.units),
    )


@routes.get("/me")
async def read_me(here: Here, by: Staff) -> Me:
    rules = here_rules(here)
    async with here.begin() as tx:
        name = await staff.name_of(tx.connection, by.id)
    units = [UnitName(code=code, name=rules.unit_name(code)) for code in sorted(by.units)]
    return Me(id=by.id, name=name, roles=sorted(by.roles), units=units)
