"""How cases and orders lie in their tables, both ways."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping

from contracts.events.intake import Place
from contracts.events.router import Reason
from services.router.domain.beside import Ruling, Task
from services.router.domain.cases import Candidate, Case, Tagging
from services.router.domain.chain import Entry
from services.router.domain.orders import Ending, Photo, ProgressNote, Return, Review, WorkOrder

_OWN = {"orders", "rulings", "tasks", "tags", "retagged", "news", "entries", "cause"}
_CASE = tuple(field.name for field in fields(Case) if field.name not in _OWN)
_ORDER = tuple(field.name for field in fields(WorkOrder))
_COPIED = ("category_code", "area_code", "grade")
_ENTRY = tuple(field.name for field in fields(Entry))
_TAGGING = tuple(field.name for field in fields(Tagging))
CASE_COLUMNS, ORDER_COLUMNS, LOG_COLUMNS = _CASE, (*_ORDER, "open", *_COPIED), _ENTRY
TAG_COLUMNS = ("case_id", *_TAGGING)
"""What the records of `copy_in` hold."""

NEVER = datetime(9999, 12, 31, tzinfo=UTC)
"""When an order is due that no clock runs for: last in every list."""
_CASE_IDS = ("case_id", "citizen_id", "master_id")
_ORDER_IDS = ("case_id", "order_id", "replaces", "parent_order_id")


def plain_id(value: UUID | None) -> UUID | None:
    """The driver's UUID is a subclass, which the JSON writer of the events does not know."""
    return None if value is None else UUID(int=value.int)


def case_row(case: Case) -> dict[str, Any]:
    row = {name: getattr(case, name) for name in _CASE}
    row["place"] = {name: getattr(case.place, name) for name in Place.model_fields}
    row["candidates"] = [asdict(one) for one in case.candidates]
    row["reasons"] = [{"kind": one.kind, "text": one.text, "weight": one.weight} for one in case.reasons]
    return row


def case_record(case: Case) -> tuple[object, ...]:
    return _record(case_row(case), "place", "candidates", "reasons")


def order_record(case: Case, order: WorkOrder, final: Collection[str]) -> tuple[object, ...]:
    return _record(listed_row(case, order, final), "photos", "notes", "returned", "review", "ending")


def tag_rows(case: Case) -> list[dict[str, Any]]:
    """Those that have changed."""
    return [_tag_row(case.case_id, case.tags[code]) for code in sorted(case.retagged)]


def tag_records(case: Case) -> list[tuple[object, ...]]:
    return [_record(row, "reasons") for row in tag_rows(case)]


def _tag_row(case_id: UUID, one: Tagging) -> dict[str, Any]:
    row = {"case_id": case_id, **{name: getattr(one, name) for name in _TAGGING}}
    return row | {"reasons": [why.model_dump() for why in one.reasons]}


def tagging_of(row: RowMapping) -> Tagging:
    values = {name: row[name] for name in _TAGGING}
    return Tagging(**values | {"reasons": tuple(Reason.model_validate(one) for one in row["reasons"])})


def log_record(entry: Entry) -> tuple[object, ...]:
    row = {name: getattr(entry, name) for name in _ENTRY}
    return _record(row, "facts")


def _record(row: dict[str, Any], *json: str) -> tuple[object, ...]:
    """A row as COPY takes it: the driver wants JSON as text."""
    for name in json:
        if row[name] is not None:
            row[name] = orjson.dumps(row[name]).decode()
    return tuple(row.values())


def case_of(
    row: RowMapping,
    orders: list[WorkOrder],
    tags: dict[str, Tagging],
    rulings: list[Ruling] | None = None,
    tasks: list[Task] | None = None,
) -> Case:
    values = {name: row[name] for name in _CASE}
    values |= {name: plain_id(row[name]) for name in _CASE_IDS}
    values["place"] = Place.model_validate(row["place"])
    values["candidates"] = candidates_of(row["candidates"])
    values["reasons"] = tuple(Reason.model_validate(one) for one in row["reasons"])
    return Case(**values, orders=orders, tags=tags, rulings=rulings or [], tasks=tasks or [])


def candidates_of(stored: list[dict[str, Any]]) -> tuple[Candidate, ...]:
    return tuple(Candidate(**{**one, "words": tuple(one.get("words", ()))}) for one in stored)


def order_row(order: WorkOrder) -> dict[str, Any]:
    row = {name: getattr(order, name) for name in _ORDER}
    row["photo_ids"] = list(order.photo_ids)
    row["photos"] = [{"photo_id": str(photo.photo_id), "kind": photo.kind} for photo in order.photos]
    row["notes"] = [
        {"at": note.at.isoformat(), "by": note.by, "public": note.public_note, "internal": note.internal_note}
        for note in order.notes
    ]
    row["due_at"] = order.due_at or NEVER
    row["returned"] = None if order.returned is None else _return_row(order.returned)
    row["review"] = None if order.review is None else _review_row(order.review)
    row["ending"] = None if order.ending is None else _ending_row(order.ending)
    return row


def listed_row(case: Case, order: WorkOrder, final: Collection[str]) -> dict[str, Any]:
    """With what the work lists need of its case; in a state of `final` nobody has to act any more."""
    row = order_row(order) | {"open": case.state != "closed" and order.state not in final}
    return row | {name: getattr(case, name) for name in _COPIED}


def order_of(row: RowMapping) -> WorkOrder:
    values = {name: row[name] for name in _ORDER}
    values |= {name: plain_id(row[name]) for name in _ORDER_IDS}
    values["photo_ids"] = tuple(UUID(int=one.int) for one in row["photo_ids"])
    values["photos"] = [Photo(UUID(one["photo_id"]), one["kind"]) for one in row["photos"]]
    values["notes"] = [
        ProgressNote(datetime.fromisoformat(one["at"]), one["by"], one["public"], one["internal"])
        for one in row["notes"]
    ]
    values["due_at"] = due_of(row)
    values["returned"] = None if row["returned"] is None else _return_of(row["returned"])
    values["review"] = None if row["review"] is None else _review_of(row["review"])
    values["ending"] = None if row["ending"] is None else _ending_of(row["ending"])
    return WorkOrder(**values)


def due_of(row: RowMapping) -> datetime | None:
    due: datetime = row["due_at"]
    return None if due == NEVER else due


def _return_row(made: Return) -> dict[str, Any]:
    return {
        "reason_code": made.reason_code,
        "legal_basis": made.legal_basis,
        "at": made.at.isoformat(),
        "from_state": made.from_state,
        "rejected_at": made.rejected_at.isoformat() if made.rejected_at else None,
        "rejection": made.rejection,
        "evidence": made.evidence,
        "photo_ids": [str(photo) for photo in made.photo_ids],
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
        row.get("evidence", ""),
        tuple(UUID(photo) for photo in row.get("photo_ids", ())),
    )


def _review_row(made: Review) -> dict[str, Any]:
    return {"outcome": made.outcome, "note": made.note, "at": made.at.isoformat(), "by": made.by}


def _review_of(row: Mapping[str, Any]) -> Review:
    return Review(row["outcome"], row["note"], datetime.fromisoformat(row["at"]), row["by"])


def _ending_row(made: Ending) -> dict[str, Any]:
    row = asdict(made)
    row["at"], decided = made.at.isoformat(), made.decided_at
    row["decided_at"] = decided.isoformat() if decided else None
    return row


def _ending_of(row: Mapping[str, Any]) -> Ending:
    decided = row["decided_at"]
    moments = {
        "at": datetime.fromisoformat(row["at"]),
        "decided_at": datetime.fromisoformat(decided) if decided else None,
    }
    return Ending(**{**row, **moments})


def entries_of(rows: Iterable[RowMapping]) -> list[Entry]:
    return [Entry(**{name: row[name] for name in _ENTRY}) for row in rows]
