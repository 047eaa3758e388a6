"""What the register reads and writes beside its hot path: one open transaction and its repositories."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.intake import tables
from services.intake.additions.rows import drop_ends, save_ends
from services.intake.domain import Holding
from services.intake.idempotency import Claim
from shared import db

_persons, _cases, _photos = tables.persons, tables.cases, tables.attachments
_keys, _holdings, _reads, _raw = (
    tables.idempotency_keys,
    tables.holdings,
    tables.contact_reads,
    tables.raw_payloads,
)
_added = tables.additions
_save = upsert(_holdings)
_SAVE_HOLDING = _save.on_conflict_do_update(
    index_elements=["order_id"],
    set_={"released_at": _save.excluded.released_at, "unit_code": _save.excluded.unit_code},
).values(
    order_id=bindparam("o"), case_id=bindparam("c"), unit_code=bindparam("u"), since=bindparam("s"),
    released_at=bindparam("r"),
)  # fmt: skip
_LOCK_CONTENT = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) k")


class Tx(db.Tx):
    """One transaction of the register; holdings are kept in memory until the flush, because they come in batches."""

    def __init__(self, connection: Any) -> None:
        super().__init__(connection)
        self.holdings: dict[UUID, Holding] = {}
        self._changed: dict[UUID, Holding] = {}
        self._ends: dict[UUID, tuple[str, datetime] | None] = {}

    # -- persons ---------------------------------------------------------------------------------------------------

    async def person_with_openid(self, index: bytes) -> UUID | None:
        found: UUID | None = await self.connection.scalar(select(_persons.c.id).where(_persons.c.openid_index == index))
        return found

    async def person(self, citizen_id: UUID, *, for_change: bool = False) -> Any:
        query = select(_persons).where(_persons.c.id == citizen_id)
        return (await self.connection.execute(query.with_for_update() if for_change else query)).one_or_none()

    async def add_person(self, row: dict[str, object]) -> bool:
        """False when somebody with the same index is there (written meanwhile by another login)."""
        done = await self.connection.execute(upsert(_persons).values(row).on_conflict_do_nothing())
        return done.rowcount == 1

    async def change_person(self, citizen_id: UUID, values: dict[str, object]) -> None:
        await self.connection.execute(update(_persons).where(_persons.c.id == citizen_id).values(values))

    async def erase_person(self, citizen_id: UUID) -> bool:
        """Drops the person and everything that held their words in clear; their cases stay, masked and nameless."""
        gone = await self.connection.execute(delete(_persons).where(_persons.c.id == citizen_id))
        if gone.rowcount == 0:
            return False
        theirs = select(_cases.c.case_id).where(_cases.c.citizen_id == citizen_id)
        await self.connection.execute(delete(_raw).where(_raw.c.case_id.in_(theirs)))
        await self.connection.execute(update(_added).where(_added.c.case_id.in_(theirs)).values(payload=None, actor=""))
        await self.connection.execute(delete(_keys).where(_keys.c.resource_id.in_(theirs)))
        await self.connection.execute(
            update(_photos)
            .where(or_(_photos.c.owner == f"citizen:{citizen_id}", _photos.c.case_id.in_(theirs)))
            .values(owner="")
        )
        await self.connection.execute(update(_cases).where(_cases.c.citizen_id == citizen_id).values(citizen_id=None))
        return True

    # -- cases -----------------------------------------------------------------------------------------------------

    async def case(self, case_id: UUID) -> Any:
        return (await self.connection.execute(select(_cases).where(_cases.c.case_id == case_id))).one_or_none()

    async def case_numbered(self, case_no: str, citizen_id: UUID) -> Any:
        """A case with its kept payload, if it is this citizen's."""
        query = (
            select(_cases, _raw.c.payload)
            .outerjoin(_raw, _raw.c.case_id == _cases.c.case_id)
            .where(_cases.c.case_no == case_no, _cases.c.citizen_id == citizen_id)
        )
        return (await self.connection.execute(query)).one_or_none()

    async def cases_of(self, citizen_id: UUID, *, after: UUID | None, limit: int) -> Sequence[Any]:
        """Newest first; ids are time-ordered."""
        query = select(_cases).where(_cases.c.citizen_id == citizen_id).order_by(_cases.c.case_id.desc()).limit(limit)
        if after is not None:
            query = query.where(_cases.c.case_id < after)
        return (await self.connection.execute(query)).all()

    # -- photos ----------------------------------------------------------------------------------------------------

    async def photo(self, attachment_id: UUID) -> Any:
        """With the case it belongs to, if any."""
        query = (
            select(_photos, _cases.c.citizen_id)
            .outerjoin(_cases, _cases.c.case_id == _photos.c.case_id)
            .where(_photos.c.id == attachment_id)
        )
        return (await self.connection.execute(query)).one_or_none()

    async def photos_of(self, case_id: UUID) -> Sequence[Any]:
        query = select(_photos).where(_photos.c.case_id == case_id).order_by(_photos.c.id)
        return (await self.connection.execute(query)).all()

    async def add_photo(self, row: dict[str, object]) -> None:
        await self.connection.execute(insert(_photos).values(row))

    async def lock_content(self, names: Iterable[str]) -> None:
        """Until the commit nobody else stores or removes what has these SHA-256 names."""
        keys = sorted({int(name[:15], 16) for name in names})
        await self.connection.execute(_LOCK_CONTENT, {"keys": keys})

    async def loose_photos(self, before: datetime, *, limit: int) -> Sequence[Any]:
        """Photos no case has used, uploaded before this instant."""
        query = (
            select(_photos)
            .where(_photos.c.case_id.is_(None), _photos.c.created_at < before)
            .order_by(_photos.c.created_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return (await self.connection.execute(query)).all()

    async def remove_photo(self, attachment_id: UUID) -> None:
        await self.connection.execute(delete(_photos).where(_photos.c.id == attachment_id))

    async def content_used(self, name: str) -> bool:
        query = select(func.count()).where(or_(_photos.c.sha256 == name, _photos.c.thumb_sha256 == name))
        return bool(await self.connection.scalar(query))

    # -- repeated requests -----------------------------------------------------------------------------------------

    async def claimed(self, claim: Claim) -> Any:
        query = select(_keys).where(_keys.c.scope == claim.scope)
        return (await self.connection.execute(query)).mappings().one_or_none()

    async def claim(self, claim: Claim, resource_id: UUID, answer: bytes, now: datetime) -> bool:
        row = {
            "scope": claim.scope, "body_hash": claim.body_hash, "resource_id": resource_id, "answer": answer,
            "created_at": now,
        }  # fmt: skip
        done = await self.connection.execute(upsert(_keys).values(row).on_conflict_do_nothing())
        return done.rowcount == 1

    # -- who holds a case, who read a contact ------------------------------------------------------------------------

    async def load_holdings(self, cases: Iterable[UUID]) -> None:
        query = select(_holdings).where(_holdings.c.case_id.in_(set(cases)))
        for row in await self.connection.execute(query):
            holding = Holding(row.order_id, row.case_id, row.unit_code, row.since, row.released_at)
            self.holdings.setdefault(row.order_id, holding)

    def holdings_of(self, case_id: UUID) -> list[Holding]:
        return [each for each in self.holdings.values() if each.case_id == case_id]

    def save_holding(self, holding: Holding) -> None:
        self.holdings[holding.order_id] = self._changed[holding.order_id] = holding

    def save_end(self, case_id: UUID, outcome: str, at: datetime) -> None:
        self._ends[case_id] = outcome, at

    def drop_end(self, case_id: UUID) -> None:
        self._ends[case_id] = None

    async def add_contact_read(self, row: dict[str, object]) -> None:
        await self.connection.execute(insert(_reads).values(row))

    async def contact_reads(self, *, case_id: UUID | None, before: int | None, limit: int) -> Sequence[Any]:
        """Who read whose contact, newest first; the reason is the reader's own, the contact is not in it."""
        query = select(_reads, _cases.c.case_no).outerjoin(_cases, _cases.c.case_id == _reads.c.case_id)
        query = query.order_by(_reads.c.id.desc()).limit(limit)
        if case_id is not None:
            query = query.where(_reads.c.case_id == case_id)
        if before is not None:
            query = query.where(_reads.c.id < before)
        return (await self.connection.execute(query)).all()

    async def flush(self) -> None:
        if self._changed:
            rows = [
                {"o": each.order_id, "c": each.case_id, "u": each.unit_code, "s": each.since, "r": each.released_at}
                for each in self._changed.values()
            ]
            await self.connection.execute(_SAVE_HOLDING, rows)
        if self._ends:
            await save_ends(self.connection, [(case, *end) for case, end in self._ends.items() if end is not None])
            await drop_ends(self.connection, [case for case, end in self._ends.items() if end is None])
        await super().flush()
