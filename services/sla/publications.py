"""Publishing what open clocks are counted by: a dry run first, then the rows, then a loop that counts again."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import insert, select, text, update

from contracts.events.sla import CalendarChanged
from services.sla import almanac
from services.sla.calendar import CalendarData
from services.sla.hours import Hours, UnitHours
from services.sla.recount import Preview, changes, open_clocks, preview, recount
from services.sla.store import SlaTx
from services.sla.tables import calendars, publications
from services.sla.workdays import Calendar
from shared.clock import Clock
from shared.cloudevents import Envelope
from shared.db import Begin
from shared.errors import Conflict
from shared.ids import new_id

CASES_AT_ONCE, AT_ONCE = 2_000, 3
# A transaction that began before the new rows were there may still start clocks by the old ones.
_OLDER = text(
    """
    SELECT count(*) FROM pg_stat_activity
    WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()
    AND state <> 'idle' AND xact_start < :seen
    """
)
_NEXT = (
    select(publications)
    .where(publications.c.finished_at.is_(None))
    .order_by(publications.c.published_at, publications.c.publication_id)
    .limit(1)
    .with_for_update(skip_locked=True)
)


class NothingNew(Conflict):
    """What is to be published is in use already."""

    zh: ClassVar[str] = "内容与现行版本相同，无须发布"


@dataclass(frozen=True, slots=True)
class Publication:
    """New calendar versions, or other hours for a unit, with the reason that goes into the record."""

    calendars: Sequence[CalendarData] = ()
    units: Sequence[UnitHours] = ()
    reason: str = ""
    by: str = ""

    def over(self, hours: Hours) -> Hours:
        """What would be counted by."""
        counted: dict[str, Calendar] = dict(hours.calendars)
        counted |= {data.hours.code: Calendar(data) for data in self.calendars}
        units = {code: list(kept) for code, kept in hours.units.items()}
        for each in self.units:
            units.setdefault(each.unit_code, []).append((each.valid_from, each.hours_code))
        return Hours(counted, {code: sorted(kept) for code, kept in units.items()})


async def dry_run(tx: SlaTx, publication: Publication) -> Preview:
    """How many open clocks it would move and by how much; nothing is changed."""
    return await preview(tx, publication.over(await almanac.hours_in_use(tx.connection)))


async def publish(tx: SlaTx, publication: Publication, *, now: datetime) -> UUID:
    """Put it into use at once for new clocks; the loop counts the open ones again. NothingNew changes nothing."""
    done = [await almanac.adopt(tx.connection, data, now) for data in publication.calendars]
    done += [
        await almanac.keep_hours(tx.connection, each.unit_code, each.hours_code, each.valid_from)
        for each in publication.units
    ]
    if not any(done):
        raise NothingNew
    publication_id = new_id()
    row = {
        "publication_id": publication_id,
        "versions": [data.version for data in publication.calendars],
        "reason": publication.reason,
        "published_by": publication.by,
        "published_at": now,
        "moved": {},
    }
    await tx.connection.execute(insert(publications).values(row))
    return publication_id


async def published(tx: SlaTx, most: int = 50) -> Sequence[Any]:
    """The newest publications: by whom, when, why, and how many clocks they moved."""
    newest = select(publications).order_by(publications.c.published_at.desc()).limit(most)
    return (await tx.connection.execute(newest)).all()


@dataclass
class Recounts:
    """A loop of the worker: counts open clocks again after each publication, in short transactions, until none differs.

    A worker that dies in the middle loses nothing: what has been moved does not differ any more, and the next pass
    finds the rest. It is done when a pass that began after all older transactions had ended finds nothing.
    """

    begin: Begin[SlaTx]
    clock: Clock
    name: str = "recounts:sla"
    idle: float = 1.0
    seen: dict[UUID, Any] = field(default_factory=dict)

    async def run_once(self) -> bool:
        """One pass over the oldest unfinished publication. True when another pass must follow at once."""
        async with self.begin() as holder:
            row = (await holder.connection.execute(_NEXT)).one_or_none()
            if row is None:
                return False
            settled = await self._settled(holder, row.publication_id)
            moved = await self._pass(holder, row.reason)
            total = Counter(row.moved) + moved
            done = settled and not moved.total()
            await self._note(holder, row, total, done=done)
        self.idle = 1.0 if done else 0.2
        return bool(moved.total())

    async def _settled(self, tx: SlaTx, publication_id: UUID) -> bool:
        """Whether every transaction has ended that began before this loop first saw the publication."""
        if publication_id not in self.seen:
            self.seen = {publication_id: await tx.connection.scalar(text("SELECT clock_timestamp()"))}
        return not await tx.connection.scalar(_OLDER, {"seen": self.seen[publication_id]})

    async def _pass(self, holder: SlaTx, reason: str) -> Counter[str]:
        stopwatch = await holder.stopwatch()
        assert stopwatch.hours is not None
        different: dict[UUID, None] = {}
        async for rows in open_clocks(holder):
            different |= dict.fromkeys(change.row["case_id"] for change in changes(rows, stopwatch.hours))
        case_ids, moved = sorted(different), Counter[str]()
        pieces = iter([case_ids[at : at + CASES_AT_ONCE] for at in range(0, len(case_ids), CASES_AT_ONCE)])

        async def carry() -> None:
            for piece in pieces:
                async with self.begin() as tx:
                    moved.update(await recount(tx, piece, reason=reason, now=self.clock.now()))

        # No two pieces share a case, so they never wait for one another; one counts while the others write.
        async with asyncio.TaskGroup() as carriers:
            for _ in range(AT_ONCE):
                carriers.create_task(carry())
        return moved

    async def _note(self, tx: SlaTx, row: Any, total: Mapping[str, int], *, done: bool) -> None:
        now = self.clock.now()
        change = update(publications).where(publications.c.publication_id == row.publication_id)
        await tx.connection.execute(change.values(moved=dict(total), finished_at=now if done else None))
        if not done:
            return
        kinds = select(calendars.c.version, calendars.c.hours_code).where(calendars.c.version.in_(row.versions))
        for version, hours_code in await tx.connection.execute(kinds):
            said = CalendarChanged(version=version, hours_code=hours_code, moved=total.get(hours_code, 0))
            about = UUID(int=row.publication_id.int)
            tx.emit(Envelope.of(said, case_id=about, sequence=0, now=now))

    async def close(self) -> None:
        """Holds nothing between two passes."""
