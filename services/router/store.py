"""The router's transaction: the cases it has touched, written with their orders, log and events just before commit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router import feed, rows, tables
from services.router.domain.cases import Case
from services.router.domain.chain import Entry
from services.router.domain.errors import CaseUnknown, OrderUnknown
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import Rules
from services.router.rulebook import Rulebook
from shared import db
from shared.cloudevents import Envelope

_KEEP = {"case_id", "case_no", "received_at", "channel_code", "citizen_id", "text", "title", "place", "order_id"}
"""Written once. A citizen's words too, so that an erasure in between is never undone by a change that loaded before."""


def _saving(table: Any, keys: list[str]) -> Any:
    statement = upsert(table)
    changing = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in _KEEP}
    return statement.on_conflict_do_update(index_elements=keys, set_=changing)


_SAVE_CASE = _saving(tables.cases, ["case_id"])
_SAVE_ORDER = _saving(tables.orders, ["case_id", "order_id"])
_LOG = insert(tables.case_log)
_ERASE = text(
    "UPDATE cases SET title = '', text = '', place = place - '{address,latitude,longitude}'::text[], citizen_id = NULL "
    "WHERE citizen_id = :citizen"
)


class Tx(db.Tx):
    """An identity map: each case is loaded once, changed in memory and written once."""

    def __init__(self, connection: AsyncConnection, rulebook: Rulebook) -> None:
        super().__init__(connection)
        self.rulebook = rulebook
        self._cases: dict[UUID, Case] = {}

    def rules_of(self, case: Case) -> Rules:
        return self.rulebook.of(case)

    def add(self, case: Case) -> None:
        case.cause = self.cause.id if self.cause else None
        self._cases[case.case_id] = case

    def known(self, case_id: UUID) -> Case:
        """A case that was loaded before; the event of an unknown one came too early."""
        case = self._cases.get(case_id)
        if case is None:
            raise CaseUnknown
        case.cause = self.cause.id if self.cause else None
        return case

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
        """In two queries, however many; always locked in the same order."""
        wanted = sorted(set(case_ids) - self._cases.keys())
        if wanted:
            query = select(tables.cases).where(tables.cases.c.case_id.in_(wanted)).order_by(tables.cases.c.case_id)
            found = (await self.connection.execute(query.with_for_update() if lock else query)).mappings().all()
            held = await self._orders([row["case_id"] for row in found])
            for row in found:
                self.add(rows.case_of(row, held.get(row["case_id"], [])))
        return [self._cases[case_id] for case_id in wanted if case_id in self._cases]

    async def _orders(self, case_ids: Sequence[UUID]) -> Mapping[UUID, list[WorkOrder]]:
        held: dict[UUID, list[WorkOrder]] = {}
        if case_ids:
            table = tables.orders
            query = select(table).where(table.c.case_id.in_(case_ids)).order_by(table.c.order_id)
            for row in (await self.connection.execute(query)).mappings():
                held.setdefault(row["case_id"], []).append(rows.order_of(row))
        return held

    async def log_of(self, case_id: UUID, *, after: int = 0) -> list[Entry]:
        table = tables.case_log
        query = select(table).where(table.c.case_id == case_id, table.c.seq > after).order_by(table.c.seq)
        return rows.entries_of((await self.connection.execute(query)).mappings())

    async def erase(self, citizen_id: UUID) -> None:
        """The citizen's own words go; the case, its number and what the units did stay."""
        await self.connection.execute(_ERASE, {"citizen": citizen_id})

    async def flush(self) -> None:
        changed = [case for case in self._cases.values() if case.entries]
        if changed:
            await self._write(changed)
        await super().flush()

    async def _write(self, changed: Sequence[Case]) -> None:
        """One `executemany` a table; the feed last, because its heads are locks everybody wants."""
        await self.connection.execute(_SAVE_CASE, [rows.case_row(case) for case in changed])
        if orders := [rows.order_row(order) for case in changed for order in case.orders]:
            await self.connection.execute(_SAVE_ORDER, orders)
        await self.connection.execute(_LOG, [rows.entry_row(entry) for case in changed for entry in case.entries])
        told: list[feed.Told] = []
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
        if told:
            await feed.append(self.connection, told)
