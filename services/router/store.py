"""The router's transaction: the cases it has touched, written with their orders, log and events just before commit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router import beside_rows, feed, judgements, rows, supplements, tables
from services.router.domain import following, tagging
from services.router.domain.cases import Case, Tagging
from services.router.domain.chain import Entry
from services.router.domain.errors import CaseUnknown, OrderUnknown
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules
from services.router.duetimes import DueTimes
from services.router.repeats import Repeats
from services.router.rulebook import Rulebook
from shared import db
from shared.bulk import copy_in
from shared.cloudevents import AnyEnvelope, Envelope

_KEEP = {
    *("case_id", "case_no", "received_at", "channel_code", "order_id"),
    *("citizen_id", "text", "title", "place", "erased_at"),
    *("due_at", "paused_until", "due_clock", "due_seq", "pause_seq"),
}
"""Written once, or elsewhere. A citizen's words too: only an erasure changes them, and no change that loaded before undoes it."""


def _saving(table: Any, keys: list[str]) -> Any:
    statement = upsert(table)
    changing = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in _KEEP}
    return statement.on_conflict_do_update(index_elements=keys, set_=changing)


_SAVE_CASE = _saving(tables.cases, ["case_id"])
_SAVE_ORDER = _saving(tables.orders, ["case_id", "order_id"])
_SAVE_TAG = _saving(tables.case_tags, ["case_id", "tag"])
_LOCK = text("SELECT 1 FROM cases WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id FOR UPDATE")
SUPPLEMENT_COLUMNS = supplements.COLUMNS
_REMEMBER_ERASED = text("""
INSERT INTO erased_citizens (citizen_id, at)
SELECT * FROM unnest(CAST(:citizens AS uuid[]), CAST(:instants AS timestamptz[]))
ON CONFLICT (citizen_id) DO UPDATE SET at = excluded.at
""")
# Nobody's any more at once. The words of a closed case go with the name; those of a running one when it is closed.
_ERASE = text("""
UPDATE cases SET citizen_id = NULL, erased_at = erased.at
FROM erased_citizens erased
WHERE cases.citizen_id = erased.citizen_id AND erased.at >= :since RETURNING cases.case_id
""")
_WIPE = text("""
UPDATE cases SET title = '', text = '', place = place - '{address,latitude,longitude,coordinates}'::text[]
WHERE case_id = ANY(CAST(:cases AS uuid[])) AND state = 'closed' AND erased_at IS NOT NULL
""")
_WIPE_SUPPLEMENTS = text("""
UPDATE supplements SET text = '', attachments = '[]'
FROM cases WHERE supplements.case_id = ANY(CAST(:cases AS uuid[])) AND cases.case_id = supplements.case_id
AND cases.state = 'closed' AND cases.erased_at IS NOT NULL
""")
_WIPE_SIGNATURES = text("DELETE FROM signatures WHERE case_id = ANY(CAST(:cases AS uuid[]))")


class Tx(db.Tx):
    """An identity map: each case is loaded once, changed in memory and written once."""

    def __init__(self, connection: AsyncConnection, rulebook: Rulebook) -> None:
        super().__init__(connection)
        self.rulebook = rulebook
        self._cases: dict[UUID, Case] = {}
        self._new: set[UUID] = set()
        self._erased: dict[UUID, datetime] = {}
        self.repeats = Repeats()
        self.due = DueTimes()
        self.judged: list[tuple[object, ...]] = []
        """What was thought of new cases, as `judgements.COLUMNS`."""
        self.signed: list[tuple[UUID, list[int]]] = []
        """By which keys new cases are found by those like them."""
        self.supplements: list[tuple[object, ...]] = []
        """What was added to cases, as `SUPPLEMENT_COLUMNS`."""
        self._heard: list[feed.Told] = []

    def rules_of(self, case: Case) -> Rules:
        return self.rulebook.of(case)

    def add(self, case: Case) -> None:
        """A case that is not in the database yet."""
        case.cause = self.cause.id if self.cause else None
        self._cases[case.case_id] = case
        self._new.add(case.case_id)

    def known(self, case_id: UUID) -> Case:
        """A case that was loaded before; the event of an unknown one came too early."""
        case = self._cases.get(case_id)
        if case is None:
            raise CaseUnknown
        case.cause = self.cause.id if self.cause else None
        return case

    def held(self, about: UUID) -> Case | None:
        """Of the cases loaded so far the one that this is, or that has this order."""
        if about in self._cases:
            return self._cases[about]
        return next((case for case in self._cases.values() if any(one.order_id == about for one in case.orders)), None)

    async def case(self, case_id: UUID, *, lock: bool = True) -> Case:
        """Locked until the transaction ends: who changes a case has it alone."""
        await self.load([case_id], lock=lock)
        return self.known(case_id)

    async def case_of_order(self, order_id: UUID, *, lock: bool = True) -> Case:
        found = await self.connection.scalar(
            select(tables.orders.c.case_id).where(tables.orders.c.order_id == order_id)
        )
        if found is None:
            raise OrderUnknown
        return await self.case(found, lock=lock)

    async def load(self, case_ids: Iterable[UUID], *, lock: bool = True) -> list[Case]:
        """In three queries, however many; two more where rulings or tasks are, three more where there are followers.
        Always locked in the same order.
        """
        wanted = sorted(set(case_ids) - self._cases.keys())
        if wanted:
            query = select(tables.cases).where(tables.cases.c.case_id.in_(wanted)).order_by(tables.cases.c.case_id)
            found = (await self.connection.execute(query.with_for_update() if lock else query)).mappings().all()
            await self.rulebook.need(self.connection, {row["edition"] for row in found})
            ids = [row["case_id"] for row in found]
            held, tags = await self._orders(ids), await self._tags(ids)
            beside = [row["case_id"] for row in found if row["beside"]]
            rulings, tasks = await beside_rows.load(self.connection, beside)
            for row in found:
                case_id = row["case_id"]
                self._cases[case_id] = rows.case_of(
                    row, held.get(case_id, []), tags.get(case_id, {}), rulings.get(case_id), tasks.get(case_id)
                )
            await self._followers(found, lock=lock)
        return [self._cases[case_id] for case_id in wanted if case_id in self._cases]

    async def lock(self, case_ids: Iterable[UUID]) -> None:
        """Nobody else changes these cases or their orders until the transaction ends; none of them is loaded."""
        await self.connection.execute(_LOCK, {"cases": sorted(set(case_ids))})

    async def _followers(self, found: Sequence[RowMapping], *, lock: bool) -> None:
        """Who has followers brings them along, so that whatever happens to it happens to them; asked only of such."""
        if masters := [row["case_id"] for row in found if row["followed"]]:
            query = select(tables.cases.c.case_id).where(tables.cases.c.master_id.in_(masters))
            await self.load((await self.connection.execute(query)).scalars().all(), lock=lock)

    def followers_of(self, case: Case) -> list[Case]:
        """Of a loaded case; those that are closed too."""
        return [one for one in self._cases.values() if one.master_id == case.case_id] if case.followed else []

    def tell(self, units: Sequence[str], case: Case, envelope: AnyEnvelope) -> None:
        """Put what another service said of a case into the feeds of the units that hold it."""
        self._heard += [feed.Told(unit, feed.order_for(case, envelope.data, unit), envelope) for unit in units]

    async def _orders(self, case_ids: Sequence[UUID]) -> Mapping[UUID, list[WorkOrder]]:
        held: dict[UUID, list[WorkOrder]] = {}
        if case_ids:
            table = tables.orders
            query = select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.order_id)
            for row in (await self.connection.execute(query)).mappings():
                held.setdefault(row["case_id"], []).append(rows.order_of(row))
        return held

    async def _tags(self, case_ids: Sequence[UUID]) -> Mapping[UUID, dict[str, Tagging]]:
        held: dict[UUID, dict[str, Tagging]] = {}
        if case_ids:
            query = select(tables.case_tags).where(tables.case_tags.c.case_id.in_(case_ids))
            for row in (await self.connection.execute(query)).mappings():
                held.setdefault(row["case_id"], {})[row["tag"]] = rows.tagging_of(row)
        return held

    async def log_of(self, case_id: UUID, *, after: int = 0) -> list[Entry]:
        table = tables.case_log
        query = select(table).where(table.c.case_id == case_id, table.c.seq > after).order_by(table.c.seq)
        return rows.entries_of((await self.connection.execute(query)).mappings())

    def erase(self, citizen_id: UUID, *, now: datetime) -> None:
        """The citizen's name and words go, at the end of this transaction: cases of the same batch are theirs too.

        A case that is still handled keeps its (masked) words until it is closed, so that the unit can act; the case, its
        number and what the units did stay.
        """
        self._erased[citizen_id] = now

    async def flush(self) -> None:
        for case in [one for one in self._cases.values() if one.followed and one.news]:
            following.follow(case, self.followers_of(case), self.rules_of)
        changed = [case for case in self._cases.values() if case.entries]
        for case in changed:
            tagging.follow(case, self.rules_of)
        if changed:
            await self._write(changed)
        await copy_in(self.connection, "judgements", judgements.COLUMNS, self.judged)
        self.judged.clear()
        await self.due.write(self.connection)
        await copy_in(self.connection, "signatures", ("case_id", "keys"), self.signed)
        self.signed.clear()
        await copy_in(self.connection, "supplements", SUPPLEMENT_COLUMNS, self.supplements)
        self.supplements.clear()
        if self._erased:
            told = {"citizens": list(self._erased), "instants": list(self._erased.values())}
            await self.connection.execute(_REMEMBER_ERASED, told)
            await self.erase_told_since(min(self._erased.values()))
        await super().flush()

    async def erase_told_since(self, since: datetime) -> int:
        """Apply what was erased from then on to the cases that are here now; answers how many it touched."""
        touched = list((await self.connection.execute(_ERASE, {"since": since})).scalars())
        await self._wipe(touched)
        return len(touched)

    async def _wipe(self, case_ids: Sequence[UUID]) -> None:
        if case_ids:
            for statement in (_WIPE, _WIPE_SUPPLEMENTS, _WIPE_SIGNATURES):
                await self.connection.execute(statement, {"cases": list(case_ids)})

    async def _write(self, changed: Sequence[Case]) -> None:
        """New rows by COPY, changes by one `executemany` a table; the feed last: its heads are locks everybody wants."""
        new = [case for case in changed if case.case_id in self._new]
        held = [case for case in changed if case.case_id not in self._new]
        self._new.clear()
        await copy_in(self.connection, "cases", rows.CASE_COLUMNS, [rows.case_record(case) for case in new])
        made = [rows.order_record(case, order, self._final(case)) for case in new for order in case.orders]
        await copy_in(self.connection, "orders", rows.ORDER_COLUMNS, made)
        if held:
            await self.connection.execute(_SAVE_CASE, [rows.case_row(case) for case in held])
        if orders := [rows.listed_row(case, order, self._final(case)) for case in held for order in case.orders]:
            await self.connection.execute(_SAVE_ORDER, orders)
        await beside_rows.save(self.connection, changed)
        fresh = [record for case in new for record in rows.tag_records(case)]
        await copy_in(self.connection, "case_tags", rows.TAG_COLUMNS, fresh)
        if tags := [row for case in held for row in rows.tag_rows(case)]:
            await self.connection.execute(_SAVE_TAG, tags)
        log = [rows.log_record(entry) for case in changed for entry in case.entries]
        await copy_in(self.connection, "case_log", rows.LOG_COLUMNS, log)
        await self._wipe([case.case_id for case in held if case.blank])
        await self._tell(changed)

    def _final(self, case: Case) -> frozenset[str]:
        return self.rules_of(case).table.over

    async def _tell(self, changed: Sequence[Case]) -> None:
        told, self._heard = self._heard, []
        for case in changed:
            for news in case.news:
                envelope = Envelope.of(
                    news.event,
                    case_id=case.case_id,
                    sequence=news.sequence,
                    now=news.at,
                    causation_id=news.cause,
                )
                self.emit(envelope)
                told += [feed.Told(unit, feed.order_for(case, news.event, unit), envelope) for unit in news.units]
            case.news.clear()
            case.entries.clear()
            case.retagged.clear()
        if told:
            await feed.append(self.connection, told)
