"""Delivers notices: claims a batch, sends it outside any transaction, and writes down what became of each.

Claim, send and record are three steps, and a process may die between any two. What is claimed says so in its row
(`sending`), so whoever finds it after the lease knows that a provider may have been asked: where the receiver knows the
notice's id it is sent again, where the provider can be asked it is asked, and everywhere else it becomes `unknown`,
visible and never sent twice by itself (ADR 0020).
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, text, update

from contracts.events.feedback import NoticeFailed, NoticeSent
from services.feedback.claiming import Claimed, Claims
from services.feedback.domain.notice import DEAD, Channel, NoticeRules
from services.feedback.messengers import Messengers, Outcome
from services.feedback.settings import Settings
from services.feedback.store import Tx
from services.feedback.tables import wechat_quota
from shared.context import Context

BATCH = 200
LONGEST_BACKOFF = 600.0

# Whoever was erased meanwhile, or whose notice another process took up after a long stall, is left alone; but what was
# given up as unknown while its sender merely stalled is known now.
_STILL_OURS = text("""
SELECT n.notice_id FROM notices n
JOIN unnest(CAST(:ids AS uuid[]), CAST(:fences AS int[]), CAST(:channels AS text[])) AS mine(id, fence, channel)
  ON n.notice_id = mine.id AND n.attempts = mine.fence
WHERE CASE WHEN mine.channel = '' THEN n.state IN ('pending', 'sending')
  ELSE n.state IN ('sending', 'unknown') AND n.channel = mine.channel END
ORDER BY n.notice_id FOR UPDATE OF n
""")
_WRITE = text("""
UPDATE notices n SET state = w.state, channel = w.channel, channels = CAST(w.chain AS json), reason = w.reason,
  next_at = w.next_at, done_at = w.done_at, attempts = w.attempts, provider_id = w.provider_id, segments = w.segments
FROM unnest(CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:channels AS text[]), CAST(:chains AS text[]),
  CAST(:reasons AS text[]), CAST(:next AS timestamptz[]), CAST(:done AS timestamptz[]), CAST(:attempts AS int[]),
  CAST(:provider_ids AS text[]), CAST(:segments AS int[]))
  AS w(id, state, channel, chain, reason, next_at, done_at, attempts, provider_id, segments)
WHERE n.notice_id = w.id
""")
_OF_THEM = (wechat_quota.c.citizen_id == bindparam("who"), wechat_quota.c.template == bindparam("t"))
_GIVE_BACK = (
    update(wechat_quota)
    .where(*_OF_THEM, wechat_quota.c.standing.is_(False))
    .values(remaining=wechat_quota.c.remaining + 1)
)
_GONE = update(wechat_quota).where(*_OF_THEM).values(remaining=0, standing=False, answer="reject")


class Delivery:
    """`run_once` delivers one batch. Several processes may run it; each notice is claimed by one."""

    name = "feedback:notices"
    idle = 0.5

    def __init__(self, context: Context[Settings, Tx], ports: Messengers, rules: NoticeRules) -> None:
        self._context, self._ports, self._rules = context, ports, rules
        self._most = context.settings.notice_attempts
        self._claims = Claims(ports, rules, grace=timedelta(seconds=context.settings.notice_grace_seconds))

    async def run_once(self) -> bool:
        now = self._context.clock.now()
        async with self._context.begin() as tx:
            batch = await self._claims.take(tx, now=now, most=BATCH)
        if not batch:
            return False
        by_channel: defaultdict[Channel, list[Claimed]] = defaultdict(list)
        for notice in batch:
            if notice.message is not None and notice.channel is not None:
                by_channel[notice.channel].append(notice)
        for channel, group in by_channel.items():
            # Every message of a batch is under way before the lease ends: adapters give up after ten seconds.
            for notice, outcome in zip(group, await self._through(channel, group), strict=True):
                self._note(notice, outcome, now)
        ended = [n for n in batch if n.state != "sending" and (n.message or n.state != "pending")]
        await self._write(ended, now)
        return len(batch) == BATCH

    async def close(self) -> None:
        """Nothing is held."""

    async def _through(self, channel: Channel, group: Sequence[Claimed]) -> list[Outcome]:
        port = self._ports[channel]
        fresh = [notice for notice in group if port.repeatable or not notice.interrupted]
        said = await port.send([notice.message for notice in fresh if notice.message]) if fresh else []
        outcomes = {notice.row.notice_id: outcome for notice, outcome in zip(fresh, said, strict=True)}
        for notice in group:
            if notice.row.notice_id not in outcomes and notice.message:
                known = await port.ask(notice.message)
                outcomes[notice.row.notice_id] = known or Outcome("unknown", "its sender did not come back")
        return [outcomes[notice.row.notice_id] for notice in group]

    def _note(self, notice: Claimed, outcome: Outcome, now: datetime) -> None:
        notice.reason, notice.provider_id, notice.spent = outcome.reason, outcome.provider_id, outcome.spent
        state = outcome.state
        if state == "unknown" and notice.channel and self._ports[notice.channel].repeatable:
            state = "later"
        if state == "unknown" and notice.channel and self._ports[notice.channel].askable and not notice.interrupted:
            # Left as it is: after the lease the provider is asked.
            notice.state, notice.message = "sending", None
        elif state in ("sent", "calling", "unknown"):
            notice.state = state
        elif state == "refused" or notice.attempts >= self._most:
            # The next channel's turn, with tries of its own; none left means failed.
            notice.chain = [channel for channel in notice.chain if channel != notice.channel]
            notice.attempts, notice.next_at = 0, now
            notice.state = "pending" if notice.chain else "failed"
        else:
            notice.state = "pending"
            notice.next_at = now + timedelta(seconds=min(2.0**notice.attempts, LONGEST_BACKOFF))

    async def _write(self, batch: Sequence[Claimed], now: datetime) -> None:
        async with self._context.begin() as tx:
            # Cases first, as everybody locks them, so that nobody waits for somebody who waits.
            await tx.load({notice.row.case_id for notice in batch if _spoken_of(notice)})
            given = {
                "ids": [notice.row.notice_id for notice in batch],
                "fences": [notice.fence for notice in batch],
                "channels": [notice.channel or "" if notice.marked else "" for notice in batch],
            }
            mine = set((await tx.connection.execute(_STILL_OURS, given)).scalars())
            batch = [notice for notice in batch if notice.row.notice_id in mine]
            if batch:
                await tx.connection.execute(_WRITE, _columns(batch, now))
                await self._settle(tx, batch)
            for notice in filter(_spoken_of, batch):
                case = await tx.case(notice.row.case_id)
                case.say(self._said(notice))
                tx.touch(case, now)

    async def _settle(self, tx: Tx, batch: Sequence[Claimed]) -> None:
        """Consents of what was not sent come back; those the provider says are gone are gone."""
        used = [n for n in batch if n.message and n.channel and self._ports[n.channel].way.needs_consent]
        for statement, those in (
            (_GONE, [n for n in used if n.spent]),
            (_GIVE_BACK, [n for n in used if n.state in ("pending", "failed") and not n.spent]),
        ):
            if those:
                await tx.connection.execute(statement, [{"who": n.row.citizen_id, "t": n.row.template} for n in those])

    def _said(self, notice: Claimed) -> NoticeSent | NoticeFailed:
        row = notice.row
        return said(
            self._rules,
            row,
            state=notice.state,
            channel=notice.channel or row.channels[0],
            reason=notice.reason,
        )


def said(rules: NoticeRules, row: Any, *, state: str, channel: str, reason: str) -> NoticeSent | NoticeFailed:
    """What the others hear of a notice that has come to an end."""
    rule = rules.rule(row.occurrence, row.audience)
    told = {
        "notice_id": row.notice_id,
        "node": row.occurrence,
        "channel": channel,
        "audience": row.audience,
        "informs": rule.informs if rule else None,
    }
    if state == "sent":
        return NoticeSent.model_validate({**told, "template": row.template})
    return NoticeFailed.model_validate({**told, "reason": reason, "state": state})


def _spoken_of(notice: Claimed) -> bool:
    return notice.state == "sent" or notice.state in DEAD


def _columns(batch: Sequence[Claimed], now: datetime) -> dict[str, list[Any]]:
    return {
        "ids": [n.row.notice_id for n in batch],
        "states": [n.state for n in batch],
        "channels": [n.channel for n in batch],
        "chains": [json.dumps(n.chain) for n in batch],
        "reasons": [n.reason for n in batch],
        "next": [n.next_at or now for n in batch],
        "done": [None if n.state in ("pending", "calling") else now for n in batch],
        "attempts": [n.attempts for n in batch],
        "provider_ids": [n.provider_id for n in batch],
        "segments": [n.message.content.segments if n.message else None for n in batch],
    }
