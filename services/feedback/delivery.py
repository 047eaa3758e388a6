"""Delivers notices: claims a batch, sends it outside any transaction, and writes down what became of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, text, update

from contracts.events.feedback import NoticeFailed, NoticeSent
from services.feedback.contacts import Contact, UnreadableContact
from services.feedback.domain.notice import Channel, NoticeRules, compose
from services.feedback.messengers import Message, Messenger, Outcome
from services.feedback.settings import Settings
from services.feedback.store import Tx
from services.feedback.tables import contacts, notices
from shared.context import Context

BATCH = 200
_LEASE = timedelta(seconds=60)
"""A batch whose process died is taken up again after this long; messengers ignore what they have sent already."""

_CLAIM = text("""
UPDATE notices SET next_at = :until, attempts = attempts + 1
WHERE notice_id IN (SELECT notice_id FROM notices WHERE state = 'pending' AND next_at <= :now
                    ORDER BY next_at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING notice_id, case_id, occurrence, citizen_id, channels, channel, template, named, attempts, created_at
""")
# Whoever was erased meanwhile, or whose notice another process took up after a long stall, is left alone.
_STILL_PENDING = text(
    "SELECT notice_id FROM notices WHERE notice_id = ANY(CAST(:ids AS uuid[])) AND state = 'pending'"
    " ORDER BY notice_id FOR UPDATE"
)
_SPOKEN_OF = ("sent", "failed")
_WRITE = (
    update(notices)
    .where(notices.c.notice_id == bindparam("id"), notices.c.state == "pending")
    .values(
        state=bindparam("s"),
        channel=bindparam("c"),
        channels=bindparam("cs"),
        reason=bindparam("r"),
        next_at=bindparam("n"),
        done_at=bindparam("d"),
        attempts=bindparam("a"),
    )
)


@dataclass(slots=True)
class Pending:
    """A claimed notice and what has become of it."""

    row: Any
    channels: list[Channel]
    attempts: int
    state: str = "pending"
    reason: str = ""
    channel: Channel | None = None
    next_at: datetime | None = None


class Delivery:
    """`run_once` delivers one batch. Several processes may run it; each notice is claimed by one."""

    name = "feedback:notices"
    idle = 0.5

    def __init__(self, context: Context[Settings, Tx], ports: Mapping[Channel, Messenger], rules: NoticeRules) -> None:
        self._context, self._ports, self._rules = context, ports, rules
        self._most = context.settings.notice_attempts
        self._grace = timedelta(seconds=context.settings.notice_grace_seconds)

    async def run_once(self) -> bool:
        now = self._context.clock.now()
        async with self._context.begin() as tx:
            rows = (await tx.connection.execute(_CLAIM, {"now": now, "until": now + _LEASE, "most": BATCH})).all()
            reachable = await self._contacts(tx, {row.citizen_id for row in rows})
        if not rows:
            return False
        batch = [Pending(row, list(row.channels), row.attempts) for row in rows]
        waiting: defaultdict[Channel, list[tuple[Pending, Message]]] = defaultdict(list)
        for notice in batch:
            self._address(notice, reachable.get(notice.row.citizen_id), waiting, now)
        for channel, group in waiting.items():
            outcomes = await self._ports[channel].send([message for _, message in group])
            for (notice, _), outcome in zip(group, outcomes, strict=True):
                self._note(notice, outcome, now)
        await self._write(batch, now)
        return len(rows) == BATCH

    async def close(self) -> None:
        """Nothing is held."""

    async def _contacts(self, tx: Tx, citizens: set[UUID]) -> dict[UUID, Contact]:
        box, found = tx.tools.contacts, {}
        if not citizens or box is None:
            return {}
        wanted = select(contacts.c.citizen_id, contacts.c.data).where(contacts.c.citizen_id.in_(citizens))
        for row in await tx.connection.execute(wanted.where(contacts.c.data.is_not(None))):
            try:
                found[row.citizen_id] = box.open(row.data, row.citizen_id)
            except UnreadableContact:
                continue  # under a key that is no longer in the ring: nobody to reach
        return found

    def _address(
        self,
        notice: Pending,
        contact: Contact | None,
        waiting: defaultdict[Channel, list[tuple[Pending, Message]]],
        now: datetime,
    ) -> None:
        """The first channel the person can be reached by; the contact point may still be on its way."""
        for channel in notice.channels:
            point = contact.point(channel) if contact else None
            if point and channel in self._ports:
                content = compose(self._rules, notice.row.template, channel, notice.row.named)
                notice.channel = channel
                waiting[channel].append((notice, Message(notice.row.notice_id, channel, point, content, now)))
                return
        if contact is None and now - notice.row.created_at < self._grace:
            notice.next_at, notice.attempts = now + min(timedelta(seconds=1), self._grace / 4), notice.attempts - 1
        else:
            notice.state, notice.reason = "no_contact", "no channel reaches this person"

    def _note(self, notice: Pending, outcome: Outcome, now: datetime) -> None:
        notice.reason = outcome.reason
        if outcome.state == "sent":
            notice.state = "sent"
        elif outcome.state == "refused":
            # The next channel's turn, with tries of its own; none left means failed.
            notice.channels = notice.channels[notice.channels.index(notice.channel or notice.channels[0]) + 1 :]
            notice.attempts, notice.next_at = 0, now
            notice.state = "pending" if notice.channels else "failed"
        elif notice.attempts >= self._most:
            notice.state = "failed"
        else:
            notice.next_at = now + timedelta(seconds=min(2.0**notice.attempts, 600))

    async def _write(self, batch: Sequence[Pending], now: datetime) -> None:
        async with self._context.begin() as tx:
            await tx.load({notice.row.case_id for notice in batch if notice.state in _SPOKEN_OF})
            ids = [notice.row.notice_id for notice in batch]
            mine = set((await tx.connection.execute(_STILL_PENDING, {"ids": ids})).scalars())
            batch = [notice for notice in batch if notice.row.notice_id in mine]
            if batch:
                await tx.connection.execute(_WRITE, [_values(notice, now) for notice in batch])
            for notice in (notice for notice in batch if notice.state in _SPOKEN_OF):
                case = await tx.case(notice.row.case_id)
                case.say(_said(notice))
                tx.touch(case, now)


def _values(notice: Pending, now: datetime) -> dict[str, Any]:
    pending = notice.state == "pending"
    return {
        "id": notice.row.notice_id,
        "s": notice.state,
        "c": notice.channel,
        "cs": notice.channels,
        "r": notice.reason,
        "n": notice.next_at or now,
        "d": None if pending else now,
        "a": notice.attempts,
    }


def _said(notice: Pending) -> NoticeSent | NoticeFailed:
    node, channel = notice.row.occurrence, notice.channel or "sms"
    if notice.state == "sent":
        return NoticeSent(notice_id=notice.row.notice_id, node=node, channel=channel, template=notice.row.template)
    return NoticeFailed(notice_id=notice.row.notice_id, node=node, channel=channel, reason=notice.reason)
