"""Logging in and out, tokens for departments' systems, who one is, one's own password and second factor."""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router import staff
from services.router.api.doors import Department, Here, here_rules, people_of
from services.router.people import accounts, audit, sessions
from services.router.people.accounts import actor_of
from services.router.people.sessions import Lifetimes, SessionOver
from services.router.settings import Settings
from services.router.store import Tx
from services.router.usecases import people as usecases
from shared.actors import Staff
from shared.apikeys import PREFIX
from shared.context import Context
from shared.errors import Forbidden
from shared.tokens import Actor, TokenIssuer

routes = APIRouter(prefix="/staff", tags=["staff"])

Password = Annotated[str, Field(min_length=1, max_length=200)]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z-]{6,40}$")]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Login(Body):
    login: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00]*$")]
    password: Password
    code: Code | None = None
    """Of the authenticator, or a recovery code; asked for where the account has a second factor."""


class Session(BaseModel):
    token: str
    expires_at: datetime
    """Of the token; renew it before, while there is work."""
    renewable_until: datetime
    roles: list[str]
    units: list[str]
    todo: list[Literal["change_password", "enrol_second_factor"]] = []
    """What must be done before anything else: until then the token holds no role."""


class UnitName(BaseModel):
    code: str
    name: str


class GrantName(BaseModel):
    role: str
    role_name: str
    unit_code: str | None
    unit_name: str


class Me(BaseModel):
    id: str
    name: str
    roles: list[str]
    units: list[UnitName]
    grants: list[GrantName]
    second_factor: bool


class NewPassword(Body):
    old_password: Password
    new_password: Password


class Secret(BaseModel):
    """Shown once; `address` is what the QR code for the authenticator holds."""

    secret: str
    address: str


class Confirmation(Body):
    code: Annotated[str, Field(pattern=r"^[0-9]{6}$")]


class RecoveryCodes(BaseModel):
    """Each opens the account once in place of the authenticator; shown this once."""

    recovery_codes: list[str]


class ApiKeyNeeded(Forbidden):
    """A token is given for an API key only, never for another token: it ends when the key does."""

    zh = "请使用接口密钥换取令牌"


async def _by_key(request: Request, by: Department) -> Actor:
    _, _, given = request.headers.get("authorization", "").partition(" ")
    if not given.startswith(PREFIX):
        raise ApiKeyNeeded
    return by


def _lifetimes(settings: Settings) -> Lifetimes:
    return Lifetimes(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))


@routes.post("/sessions", status_code=201)
async def open_session(here: Here, body: Login, request: Request, response: Response) -> Session:
    now, settings, people = here.clock.now(), here.settings, people_of(here)
    lockout = staff.Lockout(
        settings.lockout_failures,
        timedelta(minutes=settings.lockout_minutes),
        settings.login_failures_per_address,
        settings.signing_key.get_secret_value().encode(),
    )
    session: Session | None = None
    async with here.begin() as tx:
        outcome = await staff.log_in(
            tx.connection,
            staff.Tried(body.login, body.password, body.code or ""),
            # The peer's; uvicorn puts the real one here when a trusted proxy names it.
            address=request.client.host if request.client is not None else "",
            passwords=people.passwords,
            keyring=people.keyring,
            lockout=lockout,
            now=now,
        )
        if not isinstance(outcome, Exception):
            opened = await sessions.begin(tx, outcome["account_id"], _lifetimes(settings), now=now)
            session = await _session(here, tx, outcome, opened, response, now=now)
            by = str(outcome["account_id"])
            await audit.note(tx.connection, "session.opened", by=by, subject=outcome["account_id"], now=now)
    # Only now: raised inside, the transaction would forget that somebody had tried.
    if isinstance(outcome, Exception) or session is None:
        raise outcome if isinstance(outcome, Exception) else SessionOver
    return session


async def _session(
    here: Context[Settings, Tx],
    tx: Tx,
    account: RowMapping,
    session: sessions.Session,
    response: Response,
    *,
    now: datetime,
) -> Session:
    """A token under what the account holds now; none of it while there is something to do first."""
    required = here.settings.second_factor == "required"
    due = usecases.todo(account, people_of(here).rules, second_factor_required=required, now=now)
    held = [] if due else await accounts.held(tx.connection, account["account_id"])
    actor = actor_of(account["account_id"], held, str(session.session_id))
    given = _given(here, actor, response, now=now, until=session.token_until)
    return given.model_copy(update={"renewable_until": session.expires_at, "todo": due})


@routes.post("/sessions/renewals", status_code=201)
async def renew_session(here: Here, by: Staff, response: Response) -> Session:
    """A fresh token for who is still at work; what was granted or taken since then is in it."""
    now = here.clock.now()
    async with here.begin() as tx:
        renewed = await sessions.renew(tx, _session_of(by), _lifetimes(here.settings), now=now)
        account = await accounts.load(tx.connection, renewed.account_id)
        if account["disabled_at"] is not None:
            raise SessionOver
        return await _session(here, tx, account, renewed, response, now=now)


@routes.delete("/sessions/current", status_code=204)
async def close_session(here: Here, by: Staff) -> None:
    now, session_id = here.clock.now(), _session_of(by)
    async with here.begin() as tx:
        account_id = usecases.own_id(by)
        if await sessions.end(tx, account_id, "logged_out", now=now, only=session_id):
            await audit.note(tx.connection, "session.closed", by=by.id, subject=account_id, now=now)


def _session_of(by: Actor) -> UUID:
    try:
        return UUID(by.session)
    except ValueError:
        raise SessionOver from None


@routes.post("/tokens", status_code=201)
async def open_machine_session(here: Here, by: Annotated[Actor, Depends(_by_key)], response: Response) -> Session:
    """For a department's API key: a short-lived token with its roles and units, which feedback and sla accept too."""
    now = here.clock.now()
    return _given(here, by, response, now=now, until=now + timedelta(hours=here.settings.machine_token_hours))


def _given(here: Context[Settings, Tx], actor: Actor, response: Response, *, now: datetime, until: datetime) -> Session:
    issuer: TokenIssuer = here.parts["tokens"]
    response.headers["Cache-Control"] = "no-store"
    return Session(
        token=issuer.issue(actor, now=now, lifetime=until - now),
        expires_at=until,
        renewable_until=until,
        roles=sorted(actor.roles),
        units=sorted(actor.units),
    )


@routes.get("/me")
async def read_me(here: Here, by: Staff) -> Me:
    rules, people = here_rules(here), people_of(here)
    async with here.begin() as tx:
        found = await staff.account_of(tx.connection, by.id)
        held = await accounts.held(tx.connection, found["account_id"]) if found is not None else []
    units = [UnitName(code=code, name=rules.unit_name(code)) for code in sorted(by.units)]
    grants = [
        GrantName(
            role=grant.role,
            role_name=people.rules.name(grant.role),
            unit_code=grant.unit_code or None,
            unit_name=rules.unit_name(grant.unit_code) if grant.unit_code else "",
        )
        for grant in held
    ]
    return Me(
        id=by.id,
        name=found["name"] if found is not None else "",
        roles=sorted(by.roles),
        units=units,
        grants=grants,
        second_factor=found is not None and found["totp_confirmed_at"] is not None,
    )


@routes.put("/me/password", status_code=204)
async def change_password(here: Here, by: Staff, body: NewPassword) -> None:
    """Ends every login of the account, this one too."""
    async with here.begin() as tx:
        await usecases.change_password(
            tx, people_of(here), old=body.old_password, new=body.new_password, by=by, now=here.clock.now()
        )


@routes.post("/me/second-factor", status_code=201)
async def begin_second_factor(here: Here, by: Staff, response: Response) -> Secret:
    """A secret for the authenticator, which counts once a code of it has come back."""
    response.headers["Cache-Control"] = "no-store"
    async with here.begin() as tx:
        secret, address = await usecases.begin_second_factor(tx, people_of(here), by=by)
    return Secret(secret=secret, address=address)


@routes.put("/me/second-factor")
async def confirm_second_factor(here: Here, by: Staff, body: Confirmation, response: Response) -> RecoveryCodes:
    response.headers["Cache-Control"] = "no-store"
    async with here.begin() as tx:
        codes = await usecases.confirm_second_factor(tx, people_of(here), body.code, by=by, now=here.clock.now())
    return RecoveryCodes(recovery_codes=codes)
