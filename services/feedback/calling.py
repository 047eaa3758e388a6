"""The call-backs' verbs: who is to be called, a clerk's queue, what was said, and praise for the unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, insert, or_, select, update

from contracts.events.feedback import PraiseGiven
from services.feedback.domain.callback import Answer, Callback, Owed
from services.feedback.domain.case import Case
from services.feedback.store import Tx
from services.feedback.tables import callback_reads, callbacks, contacts
from shared.errors import NotFound
from shared.ids import new_id

Source = Literal["rating", "callback", "request"]


class NoSuchCallback(NotFound):
    """There is no such call-back."""

    zh = "未找到该回访任务"


class NobodyToCall(NotFound):
    """There is no telephone number for this citizen."""

    zh = "没有可用的联系电话"


def after_low_mark(tx: Tx, case: Case, *, now: datetime) -> None:
    """回访整改: a clerk learns why."""
    _open(tx, case, tx.tools.callback_rules.after_low_mark(case.facts, case.case_id), now)


def after_closing(tx: Tx, case: Case, *, now: datetime) -> None:
    _open(tx, case, tx.tools.callback_rules.after_closing(case.facts, case.case_id), now)
    closing, lead = case.facts.closing, case.facts.lead()
    if closing is not None and closing.outcome == "praised" and lead is not None:
        praise(tx, case, lead.unit_code, "request", now=now)


def _open(tx: Tx, case: Case, owed: Owed | None, now: datetime) -> None:
    if owed is None:
        return
    reply, lead = case.facts.reply(), case.facts.lead()
    tx.new_callbacks.append(
        {
            "callback_id": new_id(),
            "case_id": case.case_id,
            "case_no": case.facts.case_no,
            "round": case.facts.round,
            "unit_code": lead.unit_code if lead else None,
            "unit_name": reply.unit_name if reply else lead.unit_name if lead else "",
            "reason": owed.reason,
            "method": owed.method,
            "state": "open",
            "attempts": 0,
            "next_at": now + owed.wait,
            "note": "",
            "rules_version": tx.tools.callback_rules.version,
            "created_at": now,
        }
    )


def praise(tx: Tx, case: Case, unit_code: str, source: Source, *, now: datetime) -> None:
    """表扬: once a round, told to the unit and counted for it."""
    case.say(PraiseGiven(unit_code=unit_code))
    tx.new_praises.append(
        {
            "praise_id": new_id(),
            "case_id": case.case_id,
            "round": case.facts.round,
            "unit_code": unit_code,
            "source": source,
            "given_at": now,
        }
    )


async def claim(tx: Tx, callback_id: UUID, *, by: str, now: datetime) -> Callback:
    """Raises `NoSuchCallback` or `NotInTheQueue`."""
    callback = await _callback(tx, callbacks.c.callback_id == callback_id)
    callback.claim(by, tx.tools.callback_rules, now=now)
    await _save(tx, callback)
    return callback


async def claim_next(tx: Tx, *, by: str, now: datetime) -> Callback | None:
    """The one that has waited longest, low marks first; None when nobody waits."""
    query = select(callbacks).where(_due(tx, now)).order_by(callbacks.c.reason != "low_mark", callbacks.c.next_at)
    row = (await tx.connection.execute(query.limit(1).with_for_update(skip_locked=True))).one_or_none()
    if row is None:
        return None
    callback = callback_of(row)
    callback.claim(by, tx.tools.callback_rules, now=now)
    await _save(tx, callback)
    return callback


@dataclass(frozen=True, slots=True)
class Call:
    """What came of a call; without an answer nobody was reached."""

    answer: Answer | None
    note: str


async def record(tx: Tx, callback_id: UUID, call: Call, *, by: str, now: datetime) -> Callback:
    """Raises `NoSuchCallback` or `NotYourCallback`."""
    callback, rules = await _callback(tx, callbacks.c.callback_id == callback_id), tx.tools.callback_rules
    if call.answer is None:
        callback.missed(by, rules, note=call.note, now=now)
    else:
        callback.reached(by, call.answer, note=call.note, now=now)
    await _tell(tx, callback, now)
    return callback


async def answer_link(tx: Tx, case_no: str, answer: Answer, *, now: datetime) -> Callback:
    """The citizen's own answer. Raises `NoSuchCallback` or `AnsweredAlready`."""
    newest = select(func.max(callbacks.c.round)).where(callbacks.c.case_no == case_no).scalar_subquery()
    callback = await _callback(tx, and_(callbacks.c.case_no == case_no, callbacks.c.round == newest))
    callback.answered(answer, now=now)
    await _tell(tx, callback, now)
    return callback


async def read_phone(tx: Tx, callback_id: UUID, *, by: str, now: datetime) -> str:
    """For who has taken it, and written down in the same commit. Raises `NotYourCallback` or `NobodyToCall`."""
    callback = await _callback(tx, callbacks.c.callback_id == callback_id)
    callback.must_be_claimed_by(by)
    case, box = await tx.case(callback.case_id), tx.tools.contacts
    citizen_id = case.facts.citizen_id
    kept: Any = None
    if citizen_id is not None:
        kept = await tx.connection.scalar(select(contacts.c.data).where(contacts.c.citizen_id == citizen_id))
    phone = box.open(bytes(kept), citizen_id).phone if kept and box and citizen_id else None
    if not phone:
        raise NobodyToCall
    row = {"callback_id": callback_id, "case_id": callback.case_id, "actor": by, "read_at": now}
    await tx.connection.execute(insert(callback_reads), row)
    return phone


async def drop(tx: Tx, case_ids: Sequence[UUID], *, now: datetime) -> None:
    """Who is forgotten is not called."""
    waiting = callbacks.c.case_id.in_(case_ids) & callbacks.c.state.in_(("open", "claimed"))
    await tx.connection.execute(update(callbacks).where(waiting).values(state="dropped", done_at=now))


async def queue(tx: Tx, *, now: datetime, limit: int) -> tuple[list[Callback], int]:
    """Who waits, low marks first, and how many there are."""
    query = select(callbacks).where(_due(tx, now)).order_by(callbacks.c.reason != "low_mark", callbacks.c.next_at)
    rows = await tx.connection.execute(query.limit(limit))
    waiting = await tx.connection.scalar(select(func.count()).select_from(callbacks).where(_due(tx, now)))
    return [callback_of(row) for row in rows], int(waiting or 0)


async def mine(tx: Tx, *, by: str) -> list[Callback]:
    query: Select[Any] = select(callbacks).where(callbacks.c.state == "claimed", callbacks.c.claimed_by == by)
    return [callback_of(row) for row in await tx.connection.execute(query.order_by(callbacks.c.claimed_at))]


def _due(tx: Tx, now: datetime) -> ColumnElement[bool]:
    stale = now - timedelta(minutes=tx.tools.callback_rules.claim_minutes)
    return or_(
        and_(callbacks.c.state == "open", callbacks.c.next_at <= now),
        and_(callbacks.c.state == "claimed", callbacks.c.claimed_at <= stale),
    )


async def _callback(tx: Tx, which: ColumnElement[bool]) -> Callback:
    """Its case is locked first, as everybody locks."""
    found = await tx.connection.scalar(select(callbacks.c.case_id).where(which))
    if found is None:
        raise NoSuchCallback
    await tx.load([UUID(int=found.int)])
    row = (await tx.connection.execute(select(callbacks).where(which).with_for_update())).one()
    return callback_of(row)


async def _tell(tx: Tx, callback: Callback, now: datetime) -> None:
    await _save(tx, callback)
    case = await tx.case(callback.case_id)
    case.called_back(callback, tx.tools.callback_rules, attempt=callback.attempts)
    if callback.answer is not None and callback.answer.praise and callback.unit_code is not None:
        praise(tx, case, callback.unit_code, "callback", now=now)
    tx.touch(case, now)


async def _save(tx: Tx, callback: Callback) -> None:
    answer = callback.answer
    values: dict[str, object] = {
        name: getattr(callback, name)
        for name in ("method", "state", "attempts", "claimed_by", "claimed_at", "next_at", "note", "done_at")
    }
    if answer is not None:
        values |= {
            "contacted_in_time": answer.contacted_in_time,
            "solved": answer.solved,
            "satisfied": answer.satisfied,
            "process_satisfied": answer.process_satisfied,
        }
    await tx.connection.execute(update(callbacks).where(callbacks.c.callback_id == callback.callback_id).values(values))


def callback_of(row: Any) -> Callback:
    names = ("case_no", "round", "unit_code", "unit_name", "reason", "method", "state", "attempts", "note")
    times = ("claimed_by", "claimed_at", "next_at", "created_at", "done_at")
    answer = None
    if row.solved is not None:
        answer = Answer(row.solved, row.satisfied, row.process_satisfied, row.contacted_in_time)
    return Callback(
        callback_id=UUID(int=row.callback_id.int),
        case_id=UUID(int=row.case_id.int),
        **{name: getattr(row, name) for name in (*names, *times)},
        answer=answer,
    )
