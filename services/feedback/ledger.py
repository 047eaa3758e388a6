"""The ledger of notices looked at and mended: counts, replays, and what providers report later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from prometheus_client import Gauge
from sqlalchemy import ColumnElement, func, or_, select, text, update

from services.feedback.delivery import said
from services.feedback.domain.notice import DEAD, State
from services.feedback.settings import Settings
from services.feedback.store import Tx
from services.feedback.tables import notices
from shared.context import Context
from shared.errors import Conflict, NotFound

not_done = Gauge("huying_notices", "Notices that are not simply sent, by state and channel", ["state", "channel"])
_NOT_DONE = text(
    "SELECT state, coalesce(channel, '') AS channel, count(*) AS n FROM notices WHERE state <> 'sent' GROUP BY 1, 2"
)
_MOST_AT_ONCE = 500


class NoticeNotFound(NotFound):
    """There is no such notice."""

    zh = "没有这条通知"


class NothingToReplay(Conflict):
    """This notice is not at an end, or it was sent."""

    zh = "该通知尚未结束，或已发送，无需重发"


class MayHaveArrived(Conflict):
    """Nobody knows whether this was sent; say that it may arrive a second time."""

    zh = "无法确认该通知是否已送达，重发可能造成重复，请确认后再操作"


class Counts:
    """Keeps the gauge of what is not simply sent: a missing template or recipient is a number, not a line in a log."""

    name = "feedback:notice-counts"
    idle = 15.0

    def __init__(self, context: Context[Settings, Tx]) -> None:
        self._context = context

    async def run_once(self) -> bool:
        async with self._context.begin() as tx:
            rows = (await tx.connection.execute(_NOT_DONE)).all()
        not_done.clear()
        for row in rows:
            not_done.labels(row.state, row.channel).set(row.n)
        return False

    async def close(self) -> None:
        """Nothing is held."""


async def counted(tx: Tx, *, since: datetime) -> Sequence[Any]:
    """How many notices of which node, audience and channel are in which state, of those made since then."""
    n = notices.c
    node = func.split_part(n.occurrence, ":", 1)
    columns = (node.label("node"), n.audience, n.channel, n.state, n.reported)
    query = select(*columns, func.count().label("count"), func.sum(n.segments).label("segments"))
    grouped = query.where(n.notice_id >= _first_of(since)).group_by(*columns).order_by(*columns)
    return (await tx.connection.execute(grouped)).all()


def _first_of(at: datetime) -> UUID:
    """The smallest UUIDv7 of that millisecond (RFC 9562 §5.7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


async def replay(tx: Tx, notice_id: UUID, *, maybe_twice: bool, now: datetime) -> None:
    """A notice at its end begins its chain anew. Raises `NoticeNotFound`, `NothingToReplay` or `MayHaveArrived`."""
    row = (
        await tx.connection.execute(select(notices).where(notices.c.notice_id == notice_id).with_for_update())
    ).first()
    if row is None:
        raise NoticeNotFound
    if row.state not in DEAD:
        raise NothingToReplay
    if row.state == "unknown" and not maybe_twice:
        raise MayHaveArrived
    await _begin_anew(tx, [row], now)


async def replay_all(tx: Tx, state: State, *, maybe_twice: bool, now: datetime) -> int:
    """The oldest five hundred in this state; how many they were."""
    if state not in DEAD:
        raise NothingToReplay
    if state == "unknown" and not maybe_twice:
        raise MayHaveArrived
    found = select(notices).where(notices.c.state == state).order_by(notices.c.notice_id).limit(_MOST_AT_ONCE)
    rows = (await tx.connection.execute(found.with_for_update(skip_locked=True))).all()
    rows = [row for row in rows if row.reason not in ("anonymous", "erased")]
    await _begin_anew(tx, rows, now)
    return len(rows)


async def _begin_anew(tx: Tx, rows: Sequence[Any], now: datetime) -> None:
    for row in rows:
        rule = tx.tools.notice_rules.rule(row.occurrence, row.audience)
        again = {
            "state": "pending",
            "channels": list(rule.channels) if rule else row.channels,
            "channel": None,
            "attempts": 0,
            "reason": "",
            "next_at": now,
            "done_at": None,
            "provider_id": None,
            "reported": None,
        }
        await tx.connection.execute(update(notices).where(notices.c.notice_id == row.notice_id).values(again))


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a message, as its provider says some time after taking it."""

    delivered: bool
    code: str
    provider_id: str | None = None
    notice_id: UUID | None = None
    """Where the provider hands our id back."""


async def reported(tx: Tx, reports: Sequence[Report], *, now: datetime) -> int:
    """Write them down; what did not arrive goes on to the next channel. How many were about notices of ours."""
    found = [(report, await _meant(tx, report)) for report in reports]
    await tx.load({UUID(bytes=row.case_id.bytes) for _, row in found if row is not None})
    count = 0
    for report, row in found:
        if row is not None:
            count += await _apply(tx, report, row.notice_id, now)
    return count


async def _meant(tx: Tx, report: Report) -> Any | None:
    n = notices.c
    ways: list[ColumnElement[bool]] = []
    if report.notice_id is not None:
        ways.append(n.notice_id == report.notice_id)
    if report.provider_id is not None:
        ways.append(n.provider_id == report.provider_id)
    if not ways:
        return None
    return (await tx.connection.execute(select(n.notice_id, n.case_id).where(or_(*ways)).limit(1))).first()


async def _apply(tx: Tx, report: Report, notice_id: UUID, now: datetime) -> bool:
    row = (await tx.connection.execute(select(notices).where(notices.c.notice_id == notice_id).with_for_update())).one()
    told = "delivered" if report.delivered else "undelivered"
    # Reports are repeated, and one of an earlier channel says nothing of the present one.
    if row.reported == told or row.state not in ("sent", "sending", "unknown") or row.channel not in ("sms", "wechat"):
        return False
    change: dict[str, Any] = {"reported": told}
    if report.delivered:
        became = "sent"
        change |= {"state": became, "reason": "", "done_at": row.done_at or now}
    else:
        rest = [channel for channel in row.channels if channel != row.channel]
        became = "pending" if rest else "failed"
        change |= {"state": became, "channels": rest, "attempts": 0, "reason": report.code, "next_at": now}
        change["done_at"] = None if rest else now
    await tx.connection.execute(update(notices).where(notices.c.notice_id == notice_id).values(change))
    if became == "failed" or (became == "sent" and row.state != "sent"):
        case = await tx.case(UUID(bytes=row.case_id.bytes))
        case.say(said(tx.tools.notice_rules, row, state=became, channel=row.channel, reason=report.code))
        tx.touch(case, now)
    return True
