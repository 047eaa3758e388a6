"""Notices a clerk says on the phone: the last channel of the chain, with a queue, a claim, and who saw which number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback.delivery import said
from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome
from services.feedback.store import Tx
from services.feedback.tables import contacts, notices, phone_tasks
from shared.db import Begin
from shared.errors import Conflict, NotFound

CLAIM = timedelta(minutes=30)
"""How long a clerk keeps a task to themselves."""


class TaskNotFound(NotFound):
    """There is no such call to make."""

    zh = "没有这个电话告知任务"


class TaskTaken(Conflict):
    """Another clerk has taken this call, or it is done."""

    zh = "该任务已由其他人员领取，或已办结"


class NotClaimed(Conflict):
    """Take the call before you record what came of it."""

    zh = "请先领取任务，再登记通话结果"


class PhoneDesk:
    """Puts a notice on the clerks' list; a repetition changes nothing."""

    way = Way(real=True)
    repeatable = True
    askable = False

    def __init__(self, begin: Begin[Tx]) -> None:
        self._begin = begin

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        rows: list[dict[str, Any]] = [
            {
                "task_id": message.notice_id,
                "case_id": message.case_id,
                "citizen_id": message.citizen_id,
                "title": message.content.title,
                "body": message.content.body,
                "state": "open",
                "due_at": message.at,
                "calls": [],
                "created_at": message.at,
            }
            for message in messages
        ]
        async with self._begin() as tx:
            statement = upsert(phone_tasks)
            # A replay opens what was given up.
            again = {"state": "open", "due_at": statement.excluded.due_at, "done_at": None}
            await tx.connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["task_id"], set_=again, where=phone_tasks.c.state == "given_up"
                ),
                rows,
            )
        return [Outcome("calling")] * len(messages)

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  a repetition says it
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """A task in a clerk's hands: whom to call and what to say."""

    row: Any
    phone: str


async def waiting(tx: Tx, *, now: datetime, limit: int) -> Sequence[Any]:
    """Calls to be made now, the one that has waited longest first; without numbers."""
    free = or_(phone_tasks.c.claimed_until.is_(None), phone_tasks.c.claimed_until <= now)
    found = select(phone_tasks).where(phone_tasks.c.state == "open", phone_tasks.c.due_at <= now, free)
    ordered = found.order_by(phone_tasks.c.due_at, phone_tasks.c.task_id).limit(limit)
    return (await tx.connection.execute(ordered)).all()


async def claim(tx: Tx, task_id: UUID, *, by: str, now: datetime) -> Call:
    """The number is shown to whoever takes the call, and that they saw it is written down.

    Raises `TaskNotFound` or `TaskTaken`.
    """
    row = await _locked(tx, task_id)
    held = row.claimed_until is not None and row.claimed_until > now and row.claimed_by != by
    if row.state != "open" or held:
        raise TaskTaken
    found = select(contacts.c.data).where(contacts.c.citizen_id == row.citizen_id)
    data = (await tx.connection.execute(found)).scalar_one_or_none()
    phone = tx.tools.contacts.open(data, row.citizen_id).phone if data and tx.tools.contacts else None
    if phone is None:
        raise TaskNotFound
    seen = [*row.calls, {"by": by, "at": now.isoformat(), "what": "number seen"}]
    taken = update(phone_tasks).where(phone_tasks.c.task_id == task_id)
    await tx.connection.execute(taken.values(claimed_by=by, claimed_until=now + CLAIM, calls=seen))
    return Call(row, phone)


async def record(tx: Tx, task_id: UUID, *, reached: bool, by: str, now: datetime) -> str:
    """What came of the call: `done`, `open` (to be tried again) or `given_up`. Raises `TaskNotFound` or `NotClaimed`."""
    case_id = await _case_of(tx, task_id)
    case = await tx.case(case_id)  # cases first, as everybody locks them
    row = await _locked(tx, task_id)
    if row.state != "open" or row.claimed_by != by:
        raise NotClaimed
    rules = tx.tools.notice_rules
    calls = [*row.calls, {"by": by, "at": now.isoformat(), "what": "reached" if reached else "not reached"}]
    tried = sum(call["what"] == "not reached" for call in calls)
    state = "done" if reached else "given_up" if tried >= rules.calls.attempts else "open"
    later = now + timedelta(hours=rules.calls.hours_between)
    change = {
        "state": state,
        "calls": calls,
        "claimed_by": None,
        "claimed_until": None,
        "due_at": rules.quiet_hours.until(later) or later if state == "open" else row.due_at,
        "done_at": None if state == "open" else now,
    }
    await tx.connection.execute(update(phone_tasks).where(phone_tasks.c.task_id == task_id).values(change))
    if state != "open":
        found = select(notices).where(notices.c.notice_id == task_id, notices.c.state == "calling").with_for_update()
        notice = (await tx.connection.execute(found)).one_or_none()
        if notice is not None:
            became, reason = ("sent", "") if reached else ("failed", "not reached by phone")
            done = update(notices).where(notices.c.notice_id == task_id)
            await tx.connection.execute(done.values(state=became, reason=reason, done_at=now))
            case.say(said(rules, notice, state=became, channel="phone", reason=reason))
            tx.touch(case, now)
    return state


async def _locked(tx: Tx, task_id: UUID) -> Any:
    found = select(phone_tasks).where(phone_tasks.c.task_id == task_id).with_for_update()
    row = (await tx.connection.execute(found)).one_or_none()
    if row is None:
        raise TaskNotFound
    return row


async def _case_of(tx: Tx, task_id: UUID) -> UUID:
    case_id = (
        await tx.connection.execute(select(phone_tasks.c.case_id).where(phone_tasks.c.task_id == task_id))
    ).scalar()
    if case_id is None:
        raise TaskNotFound
    return UUID(bytes=case_id.bytes)
