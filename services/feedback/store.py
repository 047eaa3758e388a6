"""The reply's transaction: cases loaded and written in bulk, their views rendered and their events emitted on the way."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import TypeAdapter
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.feedback import catalogue
from services.feedback.contacts import ContactBox
from services.feedback.domain.callback import CallbackRules
from services.feedback.domain.case import Case
from services.feedback.domain.facts import Facts
from services.feedback.domain.notice import NoticeRules, Occurrence, due_notices, values
from services.feedback.domain.rating import ContentRule
from services.feedback.domain.view import view_of
from services.feedback.domain.wording import Wording
from services.feedback.tables import callbacks, notices, orders, praises
from shared import db
from shared.cloudevents import Envelope
from shared.errors import NotFound
from shared.ids import new_id

SIGNAL = "progress"
"""Subject of the core messages that tell every API process of new views."""
type Signal = Callable[[str, bytes], Awaitable[None]]

_LONGEST_SIGNAL = 512 * 1024
"""NATS takes a megabyte at most; a longer view is found by whoever compares versions a little later."""

_facts: TypeAdapter[Facts] = TypeAdapter(Facts)
_COLUMNS = "case_id, facts, version, sequence, view"
_LOAD = text(
    f"SELECT {_COLUMNS} FROM progress WHERE case_id = ANY(CAST(:ids AS uuid[])) ORDER BY case_id FOR UPDATE"  # noqa: S608
)
_LOAD_NUMBER = text(f"SELECT {_COLUMNS} FROM progress WHERE case_no = :case_no FOR UPDATE")  # noqa: S608
_SAVE = text("""
INSERT INTO progress (case_id, case_no, look_up_hash, citizen_id, version, sequence, closed, facts, view, updated_at)
SELECT * FROM unnest(
  CAST(:case_ids AS uuid[]), CAST(:case_nos AS text[]), CAST(:hashes AS text[]), CAST(:citizens AS uuid[]),
  CAST(:versions AS bigint[]), CAST(:sequences AS bigint[]), CAST(:closed AS boolean[]), CAST(:facts AS bytea[]),
  CAST(:views AS bytea[]), CAST(:times AS timestamptz[]))
ON CONFLICT (case_id) DO UPDATE SET case_no = excluded.case_no, look_up_hash = excluded.look_up_hash,
  citizen_id = excluded.citizen_id, version = excluded.version, sequence = excluded.sequence,
  closed = excluded.closed, facts = excluded.facts, view = excluded.view, updated_at = excluded.updated_at
""")
# An empty row is somebody who was erased: a late event revives nobody.
_KEEP_CONTACTS = text("""
INSERT INTO contacts AS c (citizen_id, data, updated_at)
SELECT * FROM unnest(CAST(:citizens AS uuid[]), CAST(:data AS bytea[]), CAST(:times AS timestamptz[])) ORDER BY 1
ON CONFLICT (citizen_id) DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at
WHERE c.data IS NOT NULL
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a transaction of this service works with, made once by the composition root."""

    wording: Wording
    content_rule: ContentRule
    notice_rules: NoticeRules
    callback_rules: CallbackRules
    contacts: ContactBox | None = None
    signal: Signal | None = None

    @classmethod
    def shipped(cls, *, contacts: ContactBox | None = None, signal: Signal | None = None) -> "Tools":
        return cls(
            wording=catalogue.wording(),
            content_rule=catalogue.content_rule(),
            notice_rules=catalogue.notice_rules(),
            callback_rules=catalogue.callback_rules(),
            contacts=contacts,
            signal=signal,
        )


class Tx(db.Tx):
    """Cases are kept by id once loaded; `flush` writes every touched one with one statement per table."""

    def __init__(self, connection: AsyncConnection, tools: Tools) -> None:
        super().__init__(connection)
        self.tools = tools
        self.new_orders: list[dict[str, Any]] = []
        self.new_callbacks: list[dict[str, Any]] = []
        self.new_praises: list[dict[str, Any]] = []
        self.new_contacts: dict[UUID, tuple[bytes, datetime]] = {}
        """Encrypted contact points by citizen, and when they were heard of."""
        self._cases: dict[UUID, Case] = {}
        self._touched: dict[UUID, datetime] = {}
        self._signals: list[bytes] = []

    async def load(self, case_ids: Iterable[UUID]) -> None:
        """Load for change; a case nobody has spoken of before begins empty and stays invisible until it has a number."""
        missing = sorted({case_id for case_id in case_ids if case_id not in self._cases})
        if missing:
            for row in await self.connection.execute(_LOAD, {"ids": missing}):
                self._cases[row.case_id] = _case(row)
            for case_id in missing:
                self._cases.setdefault(case_id, Case(case_id))

    async def case(self, case_id: UUID) -> Case:
        if case_id not in self._cases:
            await self.load([case_id])
        return self._cases[case_id]

    async def case_of_number(self, case_no: str) -> Case:
        """Raises `NotFound`."""
        row = (await self.connection.execute(_LOAD_NUMBER, {"case_no": case_no})).one_or_none()
        if row is None:
            raise NotFound
        return self._cases.setdefault(row.case_id, _case(row))

    def touch(self, case: Case, now: datetime) -> None:
        """The case has changed at `now` and is to be written."""
        self._touched[case.case_id] = now

    async def flush(self) -> None:
        touched = [(self._cases[case_id], now) for case_id, now in self._touched.items()]
        if touched:
            told = [row for case, now in touched for row in self._notices(case, now)]
            for case, now in touched:
                self._render(case)
                for sequence, event in case.said:
                    cause = self.cause.id if self.cause else None
                    self.emit(Envelope.of(event, case_id=case.case_id, sequence=sequence, now=now, causation_id=cause))
                case.said.clear()
            await self.connection.execute(_SAVE, _columns(touched))
            if told:
                await self.connection.execute(upsert(notices).on_conflict_do_nothing(), told)
        if self.new_orders:
            await self.connection.execute(upsert(orders).on_conflict_do_nothing(), self.new_orders)
        if self.new_callbacks:
            await self.connection.execute(upsert(callbacks).on_conflict_do_nothing(), self.new_callbacks)
        if self.new_praises:
            await self.connection.execute(upsert(praises).on_conflict_do_nothing(), self.new_praises)
        if self.new_contacts:
            citizens, kept = zip(*self.new_contacts.items(), strict=True)
            data, times = zip(*kept, strict=True)
            given = {"citizens": list(citizens), "data": list(data), "times": list(times)}
            await self.connection.execute(_KEEP_CONTACTS, given)
        if self._signals and self.tools.signal is not None:
            self.after_commit.append(self._announce)
        self._touched.clear()
        await super().flush()

    def differs(self, case: Case) -> bool:
        """Whether its view is not what its facts say, in the words in use now."""
        return case.facts.case_no is not None and not (case.view or b"").endswith(self._body(case))

    def _body(self, case: Case) -> bytes:
        return orjson.dumps(view_of(case.facts, self.tools.wording))[1:]

    def _render(self, case: Case) -> None:
        if case.facts.case_no is None:
            return
        body = self._body(case)
        if case.view is not None and case.view.endswith(body):
            return
        case.version += 1
        case.view = b'{"version":%d,%s' % (case.version, body)
        self._signals.append(signal_of(case))

    def _notices(self, case: Case, now: datetime) -> list[dict[str, Any]]:
        rows = []
        for occurrence in list(due_notices(case.facts, self.tools.notice_rules)):
            case.facts.noticed.append(f"{occurrence.key}/{occurrence.rule.audience}")
            rows.append(self._notice(case, occurrence, now))
        return rows

    def _notice(self, case: Case, occurrence: Occurrence, now: datetime) -> dict[str, Any]:
        facts, rule = case.facts, occurrence.rule
        lead = facts.lead() if rule.audience == "unit" else None
        reachable = facts.citizen_id is not None or lead is not None
        return {
            "notice_id": new_id(),
            "case_id": case.case_id,
            "occurrence": occurrence.key,
            "audience": rule.audience,
            "citizen_id": None if lead else facts.citizen_id,
            "unit_code": lead.unit_code if lead else None,
            "channels": list(rule.channels),
            "template": rule.template,
            "rules_version": self.tools.notice_rules.version,
            "named": values(facts, self.tools.wording),
            "state": "pending" if reachable else "no_contact",
            "reason": "" if reachable else "anonymous",
            "next_at": now,
            "created_at": now,
            "done_at": None if reachable else now,
        }

    async def _announce(self) -> None:
        """One message for the whole transaction, a line a case: receiving a message costs more than reading a line."""
        if self.tools.signal is not None:
            lines: list[bytes] = []
            room = _LONGEST_SIGNAL
            for line in self._signals:
                if len(line) > room and lines:
                    await self.tools.signal(SIGNAL, b"\n".join(lines))
                    lines, room = [], _LONGEST_SIGNAL
                if len(line) <= _LONGEST_SIGNAL:
                    lines.append(line)
                    room -= len(line) + 1
            if lines:
                await self.tools.signal(SIGNAL, b"\n".join(lines))
        self._signals.clear()


def signal_of(case: Case) -> bytes:
    """`<version> <closed 0|1> <case_no> <look-up hash> <view>` on one line, as all compact JSON: enough for a watcher's
    process to tell who watches, and to let in who waits with the right code, without asking the database."""
    return b"%d %d %s %s %s" % (
        case.version,
        case.facts.closing is not None,
        (case.facts.case_no or "").encode(),
        (case.facts.look_up_hash or "").encode(),
        case.view or b"",
    )


def facts_from(stored: bytes) -> Facts:
    return _facts.validate_json(stored)


def _case(row: Any) -> Case:
    # The driver's UUIDs are a subclass of Python's that not every serialiser takes.
    return Case(UUID(bytes=row.case_id.bytes), facts_from(row.facts), row.version, row.sequence, row.view)


def _columns(touched: list[tuple[Case, datetime]]) -> dict[str, list[Any]]:
    cases = [case for case, _ in touched]
    return {
        "case_ids": [case.case_id for case in cases],
        "case_nos": [case.facts.case_no for case in cases],
        "hashes": [case.facts.look_up_hash for case in cases],
        "citizens": [case.facts.citizen_id for case in cases],
        "versions": [case.version for case in cases],
        "sequences": [case.sequence for case in cases],
        "closed": [case.facts.closing is not None for case in cases],
        "facts": [_facts.dump_json(case.facts) for case in cases],
        "views": [case.view for case in cases],
        "times": [now for _, now in touched],
    }
