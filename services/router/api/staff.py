"""Logging in, tokens for departments' systems, and who one is."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.router import staff
from services.router.api.doors import Department, Here, here_rules
from shared.actors import Staff
from shared.apikeys import PREFIX
from shared.errors import Forbidden
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


class ApiKeyNeeded(Forbidden):
    """A token is given for an API key only, never for another token: it ends when the key does."""

    zh = "请使用接口密钥换取令牌"


async def _by_key(request: Request, by: Department) -> Actor:
    _, _, given = request.headers.get("authorization", "").partition(" ")
    if not given.startswith(PREFIX):
        raise ApiKeyNeeded
    return by


@routes.post("/sessions", status_code=201)
async def open_session(here: Here, body: Login, request: Request, response: Response) -> Session:
    now, settings = here.clock.now(), here.settings
    lockout = staff.Lockout(
        settings.lockout_failures,
        timedelta(minutes=settings.lockout_minutes),
        settings.login_failures_per_address,
        settings.signing_key.get_secret_value().encode(),
    )
    async with here.begin() as tx:
        outcome = await staff.log_in(
            tx.connection,
            body.login,
            body.password,
            # The peer's; uvicorn puts the real one here when a trusted proxy names it.
            address=request.client.host if request.client is not None else "",
            passwords=here.parts["passwords"],
            lockout=lockout,
            now=now,
        )
    # Only now: raised inside, the transaction would forget that somebody had tried.
    if not isinstance(outcome, Actor):
        raise outcome
    return _session(here, outcome, response, now=now, lifetime=timedelta(hours=settings.session_hours))


@routes.post("/tokens", status_code=201)
async def open_machine_session(here: Here, by: Annotated[Actor, Depends(_by_key)], response: Response) -> Session:
    """For a department's API key: a short-lived token with its roles and units, which feedback and sla accept too."""
    lifetime = timedelta(hours=here.settings.machine_token_hours)
    return _session(here, by, response, now=here.clock.now(), lifetime=lifetime)


def _session(here: Here, actor: Actor, response: Response, *, now: datetime, lifetime: timedelta) -> Session:
    issuer: TokenIssuer = here.parts["tokens"]
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=issuer.issue(actor, now=now, lifetime=lifetime),
        expires_at=now + lifetime,
        roles=sorted(actor.roles),
        units=sorted(actor.units),
    )


@routes.get("/me")
async def read_me(here: Here, by: Staff) -> Me:
    rules = here_rules(here)
    async with here.begin() as tx:
        name = await staff.name_of(tx.connection, by.id)
    units = [UnitName(code=code, name=rules.unit_name(code)) for code in sorted(by.units)]
    return Me(id=by.id, name=name, roles=sorted(by.roles), units=units)
