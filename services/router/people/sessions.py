"""Owns logins while they last: opened, renewed while somebody works, ended early by whoever has the right."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import insert, select, update

from contracts.events.router import SessionEnded
from services.router.tables import sessions
from shared.cloudevents import Envelope
from shared.db import Tx
from shared.errors import Unauthenticated
from shared.ids import new_id

Cause = Literal["logged_out", "disabled", "password", "grants", "second_factor"]


class SessionOver(Unauthenticated):
    """The login has ended; please log in again."""

    zh = "登录已结束，请重新登录"


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """A token lasts as long as somebody may be idle, a session as long as a working day."""

    idle: timedelta
    session: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    session_id: UUID
    account_id: UUID
    expires_at: datetime
    """However busy somebody is."""
    token_until: datetime


async def begin(tx: Tx, account_id: UUID, lifetimes: Lifetimes, *, now: datetime) -> Session:
    expires = now + lifetimes.session
    made = Session(new_id(), account_id, expires, min(now + lifetimes.idle, expires))
    row = {
        "session_id": made.session_id,
        "account_id": account_id,
        "opened_at": now,
        "expires_at": expires,
        "token_until": made.token_until,
    }
    await tx.connection.execute(insert(sessions).values(row))
    return made


async def renew(tx: Tx, session_id: UUID, lifetimes: Lifetimes, *, now: datetime) -> Session:
    """More time for who is still at work. Raises `SessionOver`."""
    query = select(sessions).where(sessions.c.session_id == session_id).with_for_update()
    row = (await tx.connection.execute(query)).one_or_none()
    if row is None or row.ended_at is not None or row.token_until <= now or row.expires_at <= now:
        raise SessionOver
    until = min(now + lifetimes.idle, row.expires_at)
    change = update(sessions).where(sessions.c.session_id == session_id)
    await tx.connection.execute(change.values(token_until=max(until, row.token_until)))
    return Session(session_id, row.account_id, row.expires_at, until)


async def end(tx: Tx, account_id: UUID, because: Cause, *, now: datetime, only: UUID | None = None) -> int:
    """End all sessions of an account, or `only` one: every service hears of it and refuses their tokens."""
    here = (sessions.c.account_id == account_id) & sessions.c.ended_at.is_(None) & (sessions.c.token_until > now)
    change = update(sessions).where(here if only is None else here & (sessions.c.session_id == only))
    change = change.values(ended_at=now, ended_because=because)
    ended = (await tx.connection.execute(change.returning(sessions.c.session_id, sessions.c.token_until))).all()
    for row in ended:
        said = SessionEnded(session_id=row.session_id, token_until=row.token_until)
        tx.emit(Envelope.of(said, case_id=row.session_id, sequence=0, now=now))
    return len(ended)


async def ended(tx: Tx, *, since: datetime | None, now: datetime) -> Sequence[tuple[str, datetime]]:
    """Those whose tokens would still be good: what a process of the desk must know even when the bus is down."""
    query = select(sessions.c.session_id, sessions.c.token_until)
    query = query.where(sessions.c.ended_at.is_not(None), sessions.c.token_until > now)
    if since is not None:
        query = query.where(sessions.c.ended_at >= since)
    return [(str(row.session_id), row.token_until) for row in (await tx.connection.execute(query)).all()]
