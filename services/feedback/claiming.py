"""Claims notices that are due, in one transaction: what is known of their readers is read, and the channel is taken."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, bindparam, select, text, update

from services.feedback.contacts import Contact, UnreadableContact
from services.feedback.domain.channel import Reader, Stop, Take, Wait, Wishes, next_step
from services.feedback.domain.composing import Composed, UnfitField, compose
from services.feedback.domain.notice import Channel, NoticeRule, NoticeRules
from services.feedback.messengers import Message, Messengers
from services.feedback.preferences import wishes_of
from services.feedback.store import Tx
from services.feedback.tables import notice_templates, notices, wechat_quota

LEASE = timedelta(seconds=120)
"""A batch whose process died is taken up again after this long."""

_CLAIM = text("""
UPDATE notices SET next_at = :until
WHERE notice_id IN (SELECT notice_id FROM notices WHERE state IN ('pending', 'sending') AND next_at <= :now
                    ORDER BY next_at LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING notice_id, case_id, occurrence, audience, citizen_id, unit_code, channels, channel, template, named, state,
  attempts, reason, created_at
""")
# One statement for a whole batch; its rows are this transaction's already.
_TAKE = text("""
UPDATE notices n SET state = 'sending', channel = t.channel, channels = CAST(t.chain AS json), attempts = t.attempts
FROM unnest(CAST(:ids AS uuid[]), CAST(:channels AS text[]), CAST(:chains AS text[]), CAST(:attempts AS int[]))
  AS t(id, channel, chain, attempts)
WHERE n.notice_id = t.id
""")
_PUT_OFF = text("""
UPDATE notices n SET next_at = t.next_at, reason = t.reason, channels = CAST(t.chain AS json)
FROM unnest(CAST(:ids AS uuid[]), CAST(:times AS timestamptz[]), CAST(:reasons AS text[]), CAST(:chains AS text[]))
  AS t(id, next_at, reason, chain)
WHERE n.notice_id = t.id
""")
_CONTACTS = text(
    "SELECT citizen_id, data FROM contacts WHERE citizen_id = ANY(CAST(:ids AS uuid[])) AND data IS NOT NULL"
)
_WISHES = text("""
SELECT citizen_id, channels, quiet_begins, quiet_ends FROM notice_preferences
WHERE citizen_id = ANY(CAST(:ids AS uuid[]))
""").columns(channels=JSON)
_SPEND = (
    update(wechat_quota)
    .where(wechat_quota.c.citizen_id == bindparam("who"), wechat_quota.c.template == bindparam("t"))
    .where(wechat_quota.c.standing.is_(False))
    .values(remaining=wechat_quota.c.remaining - 1)
)


@dataclass(slots=True)
class Claimed:
    """A notice this process has taken, and what has become of it."""

    row: Any
    chain: list[Channel]
    attempts: int
    state: str = "pending"
    reason: str = ""
    channel: Channel | None = None
    message: Message | None = None
    marked: bool = False
    """The row says `sending`. What never leaves the house needs no such mark: sending it again changes nothing."""
    fence: int = 0
    """Tries the row was left with when it was taken: whoever takes it up after us leaves another number."""
    interrupted: bool = False
    """Somebody else was sending it and never said what became of it."""
    next_at: datetime | None = None
    provider_id: str | None = None
    spent: bool = False


@dataclass(slots=True)
class Known:
    """What a batch's readers and templates are like, read with one statement a table."""

    contacts: dict[UUID, Contact] = field(default_factory=dict)
    wishes: dict[UUID, Wishes] = field(default_factory=dict)
    consents: dict[UUID, dict[str, int]] = field(default_factory=dict)
    """Messages each reader has agreed to, by template."""
    had: dict[UUID, dict[Channel, list[datetime]]] = field(default_factory=dict)
    templates: dict[tuple[Channel, str], str] = field(default_factory=dict)


class Claims:
    """Takes a batch: every notice comes back taken by a channel, put off, or at the end of its chain."""

    def __init__(self, ports: Messengers, rules: NoticeRules, *, grace: timedelta) -> None:
        self._ports, self._rules, self._grace = ports, rules, grace
        self._ways = {channel: port.way for channel, port in ports.items()}

    async def take(self, tx: Tx, *, now: datetime, most: int) -> list[Claimed]:
        rows = (await tx.connection.execute(_CLAIM, {"now": now, "until": now + LEASE, "most": most})).all()
        if not rows:
            return []
        known = await self._known(tx, {row.citizen_id for row in rows if row.citizen_id}, now)
        batch = [Claimed(row, list(row.channels), row.attempts, reason=row.reason) for row in rows]
        for notice in batch:
            if notice.row.state == "sending":
                self._resume(notice, known, now)
            else:
                self._decide(notice, known, now)
        for notice in batch:
            notice.marked = notice.message is not None and (notice.interrupted or self._real(notice.channel))
            notice.fence = notice.attempts if notice.marked else notice.row.attempts
        await self._write(tx, batch)
        return batch

    async def _write(self, tx: Tx, batch: Sequence[Claimed]) -> None:
        taken = [notice for notice in batch if notice.marked]
        if taken:
            given = {
                "ids": [n.row.notice_id for n in taken],
                "channels": [n.channel for n in taken],
                "chains": [json.dumps(n.chain) for n in taken],
                "attempts": [n.attempts for n in taken],
            }
            await tx.connection.execute(_TAKE, given)
        spending = [
            {"who": n.row.citizen_id, "t": n.row.template}
            for n in taken
            if n.channel and self._ways[n.channel].needs_consent and not n.interrupted
        ]
        if spending:
            await tx.connection.execute(_SPEND, spending)
        waiting = [n for n in batch if n.next_at is not None]
        if waiting:
            given = {
                "ids": [n.row.notice_id for n in waiting],
                "times": [n.next_at for n in waiting],
                "reasons": [n.reason for n in waiting],
                "chains": [json.dumps(n.chain) for n in waiting],
            }
            await tx.connection.execute(_PUT_OFF, given)

    def _real(self, channel: Channel | None) -> bool:
        return channel is not None and self._ways[channel].real

    def _resume(self, notice: Claimed, known: Known, now: datetime) -> None:
        """The channel is taken already; whether to send again, to ask or to leave it is the channel's nature."""
        notice.interrupted, notice.channel = True, notice.row.channel
        port = self._ports.get(notice.row.channel)
        try:
            content = compose(self._rules, notice.row.template, notice.row.channel, notice.row.named)
        except (UnfitField, KeyError):
            port = None
        if port is None:
            notice.state, notice.reason = "unknown", "the channel it was going through is gone"
            return
        notice.attempts += port.repeatable
        notice.message = self._message(notice, notice.row.channel, content, known, now)

    def _decide(self, notice: Claimed, known: Known, now: datetime) -> None:
        row = notice.row
        rule = self._rules.rule(row.occurrence, row.audience) or NoticeRule(
            row.occurrence, row.audience, tuple(row.channels), row.template
        )
        if row.template not in self._rules.templates:
            notice.state, notice.reason = "no_template", "not in the catalogue"
            return
        reader = self._reader(notice, known, now)
        while True:
            step = next_step(
                rule,
                notice.chain,
                reader,
                ways=self._ways,
                approved=known.templates.keys(),
                rules=self._rules,
                now=now,
            )
            if not isinstance(step, Take):
                break
            try:
                content = compose(self._rules, row.template, step.channel, row.named)
            except UnfitField as unfit:
                notice.chain.remove(step.channel)
                notice.reason = f"{step.channel} would refuse {unfit}"
            else:
                notice.channel, notice.attempts = step.channel, notice.attempts + 1
                notice.message = self._message(notice, step.channel, content, known, now)
                self._count(notice, step.channel, known, now)
                return
        if isinstance(step, Wait):
            notice.next_at, notice.reason = step.until, step.reason
        else:
            self._stop(notice, step)

    @staticmethod
    def _stop(notice: Claimed, step: Stop) -> None:
        """Who was tried and refused is a failure, whatever else would not have reached them either."""
        tried = notice.row.channel is not None and step.state != "declined"
        notice.state, notice.reason = ("failed", notice.reason) if tried else (step.state, step.reason)
        notice.channel = notice.row.channel

    def _reader(self, notice: Claimed, known: Known, now: datetime) -> Reader:
        row = notice.row
        if row.audience == "unit":
            return Reader(points={"desk"})
        contact = known.contacts.get(row.citizen_id)
        consents = known.consents.get(row.citizen_id, {})
        return Reader(
            points=contact.channels() if contact else frozenset(),
            wishes=known.wishes.get(row.citizen_id, Wishes()),
            consents={template: left > 0 for template, left in consents.items()},
            had=known.had.get(row.citizen_id, {}),
            expected=contact is None and now - row.created_at < self._grace,
        )

    def _count(self, notice: Claimed, channel: Channel, known: Known, now: datetime) -> None:
        """What this one uses up is not there for the next one of the batch."""
        who = notice.row.citizen_id
        if self._ways[channel].needs_consent:
            known.consents[who][notice.row.template] -= 1
        if self._ways[channel].real:
            known.had.setdefault(who, {}).setdefault(channel, []).append(now)

    @staticmethod
    def _message(notice: Claimed, channel: Channel, content: Composed, known: Known, now: datetime) -> Message:
        row = notice.row
        contact = known.contacts.get(row.citizen_id)
        return Message(
            row.notice_id,
            channel,
            (contact.point(channel) if contact else None) or "",
            content,
            now,
            provider_template=known.templates.get((channel, row.template), ""),
            case_id=row.case_id,
            case_no=row.named.get("case_no", ""),
            citizen_id=row.citizen_id,
        )

    async def _known(self, tx: Tx, citizens: set[UUID], now: datetime) -> Known:
        known = Known()
        ways = self._ways.values()
        if any(way.needs_template for way in ways):
            found = select(notice_templates).where(notice_templates.c.approved)
            for row in await tx.connection.execute(found):
                known.templates[row.channel, row.template] = row.provider_template
        if not citizens:
            return known
        known.contacts = await _contacts(tx, citizens)
        wanted = await tx.connection.execute(_WISHES, {"ids": list(citizens)})
        known.wishes = {row.citizen_id: wishes_of(row) for row in wanted}
        if any(way.needs_consent for way in ways):
            consents = select(wechat_quota).where(wechat_quota.c.citizen_id.in_(citizens))
            for row in await tx.connection.execute(consents.order_by(wechat_quota.c.citizen_id).with_for_update()):
                left = 1_000_000 if row.standing else row.remaining
                known.consents.setdefault(row.citizen_id, {})[row.template] = left
        limited = [channel for channel in self._rules.frequency if channel in self._ways and self._ways[channel].real]
        if limited:
            known.had = await _had(tx, citizens, limited, now)
        return known


async def _contacts(tx: Tx, citizens: set[UUID]) -> dict[UUID, Contact]:
    box, found = tx.tools.contacts, {}
    if box is None:
        return {}
    for row in await tx.connection.execute(_CONTACTS, {"ids": list(citizens)}):
        try:
            found[row.citizen_id] = box.open(row.data, row.citizen_id)
        except UnreadableContact:
            continue  # under a key that is no longer in the ring: nobody to reach
    return found


async def _had(
    tx: Tx, citizens: set[UUID], limited: Iterable[Channel], now: datetime
) -> dict[UUID, dict[Channel, list[datetime]]]:
    """When each of them was sent something by a channel with a limit, within the last day."""
    found: dict[UUID, dict[Channel, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    sent = select(notices.c.citizen_id, notices.c.channel, notices.c.done_at).where(
        notices.c.citizen_id.in_(citizens),
        notices.c.channel.in_(list(limited)),
        notices.c.state.in_(("sent", "unknown")),
        notices.c.done_at > now - timedelta(days=1),
    )
    for row in await tx.connection.execute(sent):
        found[row.citizen_id][row.channel].append(row.done_at)
    return found
