"""How cases and orders lie in their tables, both ways."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping

from contracts.events.intake import Place
from contracts.events.router import Reason
from services.router.domain.cases import Candidate, Case
from services.router.domain.chain import Entry
from services.router.domain.orders import Photo, ProgressNote, Return, WorkOrder

_OWN = {"orders", "news", "entries", "cause"}
_CASE = tuple(field.name for field in fields(Case) if field.name not in _OWN)
_ORDER = tuple(field.name for field in fields(WorkOrder))


_CASE_IDS, _ORDER_IDS = ("case_id", "citizen_id"), ("case_id", "order_id", "replaces")


def _plain(value: UUID | None) -> UUID | None:
    """The driver's UUID is a subclass, which the JSON writer of the events does not know."""
    return None if value is None else UUID(int=value.int)


def case_row(case: Case) -> dict[str, Any]:
    row = {name: getattr(case, name) for name in _CASE}
    row["place"] = case.place.model_dump(mode="json")
    row["candidates"] = [{"category_code": one.category_code, "score": one.score} for one in case.candidates]
    row["reasons"] = [reason.model_dump(mode="json") for reason in case.reasons]
    return row


def case_of(row: RowMapping, orders: list[WorkOrder]) -> Case:
    values = {name: row[name] for name in _CASE}
    values |= {name: _plain(row[name]) for name in _CASE_IDS}
    values["place"] = Place.model_validate(row["place"])
    values["candidates"] = tuple(Candidate(**one) for one in row["candidates"])
    values["reasons"] = tuple(Reason.model_validate(one) for one in row["reasons"])
    return Case(**values, orders=orders)


def order_row(order: WorkOrder) -> dict[str, Any]:
    row = {name: getattr(order, name) for name in _ORDER}
    row["photo_ids"] = list(order.photo_ids)
    row["photos"] = [{"photo_id": str(photo.photo_id), "kind": photo.kind} for photo in order.photos]
    row["notes"] = [
        {"at": note.at.isoformat(), "by": note.by, "public": note.public_note, "internal": note.internal_note}
        for note in order.notes
    ]
    row["returned"] = None if order.returned is None else _return_row(order.returned)
    return row


def order_of(row: RowMapping) -> WorkOrder:
    values = {name: row[name] for name in _ORDER}
    values |= {name: _plain(row[name]) for name in _ORDER_IDS}
    values["photo_ids"] = tuple(UUID(int=one.int) for one in row["photo_ids"])
    values["photos"] = [Photo(UUID(one["photo_id"]), one["kind"]) for one in row["photos"]]
    values["notes"] = [
        ProgressNote(datetime.fromisoformat(one["at"]), one["by"], one["public"], one["internal"])
        for one in row["notes"]
    ]
    values["returned"] = None if row["returned"] is None else _return_of(row["returned"])
    return WorkOrder(**values)


def _return_row(made: Return) -> dict[str, Any]:
    return {
        "reason_code": made.reason_code,
        "legal_basis": made.legal_basis,
        "at": made.at.isoformat(),
        "from_state": made.from_state,
        "rejected_at": made.rejected_at.isoformat() if made.rejected_at else None,
        "rejection": made.rejection,
    }


def _return_of(row: Mapping[str, Any]) -> Return:
    rejected = row["rejected_at"]
    return Return(
        row["reason_code"],
        row["legal_basis"],
        datetime.fromisoformat(row["at"]),
        row["from_state"],
        datetime.fromisoformat(rejected) if rejected else None,
        row["rejection"],
    )


def entry_row(entry: Entry) -> dict[str, Any]:
    return {field.name: getattr(entry, field.name) for field in fields(Entry)}


def entries_of(rows: Iterable[RowMapping]) -> list[Entry]:
    return [Entry(**{field.name: row[field.name] for field in fields(Entry)}) for row in rows]
