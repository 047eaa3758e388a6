"""Looking a case up: one statement that finds it only for whoever may read it, and reads the view as it was rendered.

An unknown number, a malformed one and a wrong code are one case here: the same statement finds nothing, the same
failure is counted, the same 404 is given. Nothing but the database's index knows the difference.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from starlette.requests import Request
from starlette.types import Scope

from contracts.numbers import NotACaseNumber, code_hash, parse_case_number
from services.feedback.attempts import FAIL, Limits, failed
from services.feedback.store import Tx
from shared import db
from shared.actors import authenticate
from shared.context import Context
from shared.errors import NotFound, Unauthenticated
from shared.tokens import Actor

_FIND = """
SELECT p.version, p.closed, p.view, a.blocked_until
FROM (SELECT max(blocked_until) AS blocked_until FROM attempts WHERE key = ANY($5::bytea[])) a
LEFT JOIN progress p ON p.case_no = $1 AND (p.look_up_hash = $2 OR p.citizen_id = $3 OR $4)
"""
_MINE = """
SELECT case_id, view FROM progress
WHERE citizen_id = $1 AND view IS NOT NULL AND case_id < $2 ORDER BY case_id DESC LIMIT $3
"""
_NEWER = """
SELECT p.case_no, p.version, p.closed, p.view
FROM unnest($1::text[], $2::bigint[]) AS watched(case_no, version)
JOIN progress p ON p.case_no = watched.case_no AND p.version > watched.version
"""
_LONGEST_NUMBER = 64


class CaseNotFound(NotFound):
    """There is no case with this number and code."""

    zh = "未找到该诉求，请核对受理编号和查询码"


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for which case."""

    case_no: str
    """In canonical form where it has one."""
    well_formed: bool
    code: str | None
    actor: Actor | None
    address: str

    @property
    def citizen_id(self) -> UUID | None:
        if self.actor is None or self.actor.kind != "citizen":
            return None
        try:
            return UUID(self.actor.id)
        except ValueError:
            return None

    @property
    def staff(self) -> bool:
        return self.actor is not None and self.actor.kind != "citizen"

    def as_citizen(self) -> "Asking":
        """The same without what staff may do: only a code or the citizen's own token opens."""
        return replace(self, actor=None) if self.staff else self


@dataclass(frozen=True, slots=True)
class Found:
    version: int
    closed: bool
    view: bytes


class LookUps:
    """The hot statements, on plain connections that are not reset between look-ups: they leave nothing behind."""

    def __init__(self, pool: "asyncpg.Pool[Any]", *, key: bytes, prefix: str, limits: Limits) -> None:
        self._pool, self._key, self._prefix, self._limits = pool, key, prefix, limits

    async def asking(self, scope: Scope, case_no: str) -> Asking:
        """Raises `Unauthenticated` when there is neither a code nor a token, or the token is none of ours."""
        code: str | None = None
        bearer = False
        for name, value in scope["headers"]:
            if name == b"x-lookup-code":
                code = value.decode("latin-1")[:_LONGEST_NUMBER]
            elif name == b"authorization":
                bearer = True
        actor = await authenticate(Request(scope)) if bearer else None
        if actor is None and code is None:
            raise Unauthenticated("send X-Lookup-Code, or log in")
        client = scope.get("client")
        number, well_formed = self._canonical(case_no)
        return Asking(number, well_formed, code, actor, client[0] if client else "")

    def _canonical(self, given: str) -> tuple[str, bool]:
        try:
            return parse_case_number(given, prefix=self._prefix), True
        except NotACaseNumber:
            return given[:_LONGEST_NUMBER], False

    async def find(self, asking: Asking, *, now: datetime) -> Found | None:
        """None for a stranger as for a number nobody has. Raises `TooManyLookUps`."""
        hashed = code_hash(asking.code, asking.case_no, self._key).hex() if asking.code is not None else None
        keys = [] if asking.staff else self._limits.keys(asking.case_no, asking.address)
        with _said_plainly():
            row = await self._pool.fetchrow(_FIND, asking.case_no, hashed, asking.citizen_id, asking.staff, keys)
        assert row is not None
        self._limits.refuse(row["blocked_until"], now=now)
        if row["view"] is None:
            return None
        return Found(row["version"], row["closed"], row["view"])

    async def get(self, asking: Asking, *, now: datetime) -> Found:
        """Raises `CaseNotFound`, which counts as a failure, or `TooManyLookUps`."""
        found = await self.find(asking, now=now)
        if found is None:
            raise await self.refused(asking, now=now)
        return found

    async def refused(self, asking: Asking, *, now: datetime) -> CaseNotFound:
        """Count the failure; the answer to give."""
        if not asking.staff:
            with _said_plainly():
                await self._pool.execute(FAIL, *failed(self._limits, asking.case_no, asking.address, now))
        return CaseNotFound()

    async def mine(self, citizen_id: UUID, *, after: UUID, limit: int) -> list[tuple[UUID, bytes]]:
        """A citizen's cases, newest first, older than `after`."""
        with _said_plainly():
            rows = await self._pool.fetch(_MINE, citizen_id, after, limit)
        return [(row["case_id"], row["view"]) for row in rows]

    async def newer(self, watched: dict[str, int]) -> list[tuple[str, Found]]:
        """Of these cases and versions: those that are further now."""
        with _said_plainly():
            rows = await self._pool.fetch(_NEWER, list(watched), list(watched.values()))
        return [(row["case_no"], Found(row["version"], row["closed"], row["view"])) for row in rows]


@asynccontextmanager
async def open_look_ups(
    context: Context[Any, Tx], *, key: bytes, prefix: str, limits: Limits
) -> AsyncIterator[LookUps]:
    pool = await asyncpg.create_pool(
        context.db.url,
        min_size=0,
        max_size=context.settings.database_pool,
        server_settings=db.server_settings(context.db.schema),
        timeout=5,
        command_timeout=30,
        reset=_leave,
    )
    try:
        yield LookUps(pool, key=key, prefix=prefix, limits=limits)
    finally:
        pool.terminate()


async def _leave(_: object) -> None:
    """No statement here changes its session, and a reset would be a second round trip for every look-up."""


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        refused = db.domain_error(error)
        if refused is None:
            raise
        raise refused from error
