"""Looking a case up: one statement that finds it only for whoever may read it, and reads the view as it was rendered.

An unknown number, a malformed one and a wrong code are one case here: the same statement finds nothing, the same
failure is counted, the same 404 is given. Nothing but the database's index knows the difference.
"""

import hmac
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
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
from services.feedback.domain.countdown import counted_down
from services.feedback.hub import Told
from services.feedback.lines import Lines
from services.feedback.store import Tx
from shared import db
from shared.actors import authenticate
from shared.context import Context
from shared.errors import NotFound, Unauthenticated
from shared.groupcommit import GroupCommit
from shared.tokens import Actor

_FIND = """
SELECT p.version, p.closed, p.view,
  (SELECT max(blocked_until) FROM attempts WHERE key IN (a.number_key, a.address_key)) AS blocked_until
FROM unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[], $5::bytea[], $6::bytea[])
  WITH ORDINALITY AS a(case_no, hashed, citizen_id, staff, number_key, address_key, place)
LEFT JOIN LATERAL (
  SELECT version, closed, view FROM progress
  WHERE case_no = a.case_no AND (look_up_hash = a.hashed OR citizen_id = a.citizen_id OR a.staff) LIMIT 1
) p ON true
ORDER BY a.place
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
    hashed: str | None
    """Of the look-up code, keyed and bound to the number."""
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
    """The hot statements, on connections of their own."""

    def __init__(self, lines: Lines, *, key: bytes, prefix: str, limits: Limits, words: Mapping[str, str]) -> None:
        """`words`: those of the countdown."""
        self._words = words
        self._lines, self._key, self._prefix, self._limits = lines, key, prefix, limits
        self._together: GroupCommit[Asking, asyncpg.Record] = GroupCommit(self._find)

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
        number = self.canonical(case_no)
        hashed = code_hash(code, number, self._key).hex() if code is not None else None
        return Asking(number, hashed, actor, client[0] if client else "")

    def by_code(self, case_no: str, code: str, *, address: str) -> Asking:
        """Somebody who wrote number and code elsewhere than in a request; `address` is what their failures count for."""
        number = self.canonical(case_no)
        return Asking(number, code_hash(code, number, self._key).hex(), None, address)

    def canonical(self, given: str) -> str:
        # Programs send numbers as they got them, and a wrong check digit finds nothing anyway.
        if len(given) <= _LONGEST_NUMBER and given.isalnum() and given.isascii() and given.startswith(self._prefix):
            return given
        try:
            return parse_case_number(given, prefix=self._prefix)
        except NotACaseNumber:
            # What cannot be encoded matches nothing, but must be asked for like everything else.
            return given[:_LONGEST_NUMBER].encode("utf-8", "replace").decode()

    def plausible(self, asking: Asking) -> bool:
        """Whether the number's check digits are right, so that it may be somebody's a moment later."""
        try:
            return parse_case_number(asking.case_no, prefix=self._prefix) == asking.case_no
        except NotACaseNumber:
            return False

    async def find(self, asking: Asking, *, now: datetime) -> Found | None:
        """None for a stranger as for a number nobody has. Raises `TooManyLookUps`."""
        row = await self._together.submit(asking)
        if row["view"] is None or asking.hashed is not None:
            # Whose own token opens it is not guessing, whatever others have tried on the number.
            self._limits.refuse(row["blocked_until"], now=now)
        if row["view"] is None:
            return None
        return Found(row["version"], row["closed"], counted_down(row["view"], now, self._words))

    @staticmethod
    def opened(asking: Asking, told: Told | None) -> Found | None:
        """What a signal has just told, for whoever waits for it with the right code; None says nothing, then `find`."""
        if told is None or asking.hashed is None or not hmac.compare_digest(told.look_up_hash, asking.hashed):
            return None
        return Found(told.version, told.closed, told.view)

    async def _find(self, group: Sequence[Asking]) -> Sequence[asyncpg.Record]:
        """Those that came while the last statement ran share the next one."""
        columns = [self._column_values(asking) for asking in group]
        with _said_plainly():
            return await self._lines.fetch(_FIND, *map(list, zip(*columns, strict=True)))

    def _column_values(self, asking: Asking) -> tuple[object, ...]:
        keys = (None, None) if asking.staff else self._limits.keys(asking.case_no, asking.address)
        return asking.case_no, asking.hashed, asking.citizen_id, asking.staff, *keys

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
                await self._lines.execute(FAIL, *failed(self._limits, asking.case_no, asking.address, now))
        return CaseNotFound()

    async def mine(self, citizen_id: UUID, *, after: UUID, limit: int, now: datetime) -> list[tuple[UUID, bytes]]:
        """A citizen's cases, newest first, older than `after`."""
        with _said_plainly():
            rows = await self._lines.fetch(_MINE, citizen_id, after, limit)
        return [(row["case_id"], counted_down(row["view"], now, self._words)) for row in rows]

    async def newer(self, watched: dict[str, int], *, now: datetime) -> list[tuple[str, Found]]:
        """Of these cases and versions: those that are further now."""
        with _said_plainly():
            rows = await self._lines.fetch(_NEWER, list(watched), list(watched.values()))
        return [
            (row["case_no"], Found(row["version"], row["closed"], counted_down(row["view"], now, self._words)))
            for row in rows
        ]


@asynccontextmanager
async def open_look_ups(
    context: Context[Any, Tx], *, key: bytes, prefix: str, limits: Limits, words: Mapping[str, str]
) -> AsyncIterator[LookUps]:
    lines = Lines(context.db.url, schema=context.db.schema, most=context.settings.database_pool)
    try:
        yield LookUps(lines, key=key, prefix=prefix, limits=limits, words=words)
    finally:
        lines.close()


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        refused = db.domain_error(error)
        if refused is None:
            raise
        raise refused from error
