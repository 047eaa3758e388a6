"""The facts a transaction works on: loaded for a whole batch, changed in memory, written in one statement a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Table, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.router import OrderDispatched
from contracts.events.sla import CaseSupervised, ClockExtended, ClockPaused, SlaEvent
from services.sla.kpi.facts import CaseFacts, OrderFacts, Record
from services.sla.kpi.hearing import HEARD
from services.sla.kpi.tables import case_facts, order_facts, unit_names
from services.sla.stopwatch import Clock
from services.sla.workdays import Calendar
from shared.bulk import arrays, rows_of
from shared.cloudevents import AnyEnvelope

_CASE = tuple(one.name for one in fields(CaseFacts))
_ORDER = tuple(one.name for one in fields(OrderFacts))
_ids = bindparam("ids", type_=ARRAY(case_facts.c.case_id.type, dimensions=1))
_CASES = select(*(case_facts.c[name] for name in _CASE)).where(case_facts.c.case_id == _ids.any_())
_ORDERS = select(*(order_facts.c[name] for name in _ORDER)).where(order_facts.c.case_id == _ids.any_())


def _upsert(table: Table, keys: Sequence[str], names: Sequence[str]) -> Insert:
    given = rows_of(table, names)
    statement = insert(table).from_select(list(names), select(*(given.c[name] for name in names)))
    changes = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=list(keys), set_=changes)


_KEEP_CASES = _upsert(case_facts, ("case_id",), _CASE)
_KEEP_ORDERS = _upsert(order_facts, ("case_id", "order_id"), _ORDER)
_units = insert(unit_names)
_KEEP_UNITS = _units.on_conflict_do_update(
    index_elements=["unit_code"], set_={"name": _units.excluded.name}, where=unit_names.c.name != _units.excluded.name
)


class Ledger:
    """Facts of the cases in hand. The case's row in `cases` is locked by whoever changes them."""

    def __init__(self) -> None:
        self._records: dict[UUID, Record] = {}
        self._changed: set[UUID] = set()
        self._units: dict[str, str] = {}

    async def load(self, connection: AsyncConnection, case_ids: Iterable[UUID]) -> None:
        missing = [case_id for case_id in case_ids if case_id not in self._records]
        if not missing:
            return
        self._records |= {case_id: Record(CaseFacts(case_id)) for case_id in missing}
        for row in await connection.execute(_CASES, {"ids": missing}):
            self._records[row.case_id].case = CaseFacts(**row._mapping)  # noqa: SLF001  the row's public name for it
        for row in await connection.execute(_ORDERS, {"ids": missing}):
            self._records[row.case_id].orders[row.order_id] = OrderFacts(**row._mapping)  # noqa: SLF001

    def hear(self, event: AnyEnvelope) -> None:
        """What another service says."""
        if handler := HEARD.get(type(event.data)):
            handler(self._touched(event.case_id), event)
            if isinstance(event.data, OrderDispatched):
                self._units[event.data.unit_code] = event.data.unit_name

    def note(self, case_id: UUID, said: SlaEvent) -> None:
        """What the stopwatch itself says: it stands beside the facts, and changes none."""
        case = self._touched(case_id).case
        match said:
            case ClockExtended():
                case.extended = max(case.extended, said.times)
            case ClockPaused():
                case.suspended = True
            case CaseSupervised():
                case.supervised = True

    def exempt(self, case_id: UUID, *, granted: bool) -> None:
        """An appeal was decided: the case no longer counts against its unit, or does again."""
        self._touched(case_id).case.exempt = granted

    def told(self, case_id: UUID, informed_at: datetime | None, result_told_at: datetime | None) -> None:
        """受理告知 and 办理告知: when the citizen was told; closing a case tells nobody."""
        case = self._touched(case_id).case
        case.informed_at, case.result_told_at = informed_at, result_told_at

    def take(self, case_id: UUID, clocks: Iterable[Clock], calendar: Calendar) -> None:
        """By when things should have happened, as the clocks of the case have it now."""
        record = self._touched(case_id)
        case = record.case
        for clock in clocks:
            match clock.kind:
                case "total":
                    case.first_due_at = case.first_due_at or clock.due_at
                    case.due_at = clock.due_at
                case "inform":
                    case.inform_due_at = clock.due_at
                case "inform_result":
                    case.result_due_at = clock.due_at
                case "sign" | "contact" | "handle" if clock.order_id in record.orders:
                    order = record.orders[clock.order_id]
                    name = f"{clock.kind}_due_at"
                    if clock.round == order.round and getattr(order, name) != clock.due_at:
                        setattr(order, name, clock.due_at)
                        record.changed_orders.add(order.order_id)
        if case.worked_seconds is None and case.submitted_at is not None and case.answered_at is not None:
            case.worked_seconds = calendar.elapsed(case.submitted_at, case.answered_at, "work_hour")

    def _touched(self, case_id: UUID) -> Record:
        self._changed.add(case_id)
        return self._records[case_id]

    async def flush(self, connection: AsyncConnection) -> None:
        changed = [self._records[case_id] for case_id in sorted(self._changed)]
        orders = [one.orders[order_id] for one in changed for order_id in sorted(one.changed_orders)]
        if changed:
            await connection.execute(_KEEP_CASES, arrays(_CASE, [_row(one.case, _CASE) for one in changed]))
        if orders:
            await connection.execute(_KEEP_ORDERS, arrays(_ORDER, [_row(one, _ORDER) for one in orders]))
        if self._units:
            names: list[Mapping[str, Any]] = [
                {"unit_code": code, "name": self._units[code]} for code in sorted(self._units)
            ]
            await connection.execute(_KEEP_UNITS, names)
        for one in changed:
            one.changed_orders.clear()
        self._changed.clear()
        self._units.clear()


def _row(one: CaseFacts | OrderFacts, names: Sequence[str]) -> tuple[object, ...]:
    return tuple(getattr(one, name) for name in names)
