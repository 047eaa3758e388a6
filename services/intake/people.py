"""Who is behind a contact: found by blind index or written into the vault, and told to feedback under seal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from contracts.events.intake import ContactChanged
from services.intake.domain import Contact
from shared import outbox
from shared.cloudevents import AnyEnvelope, Envelope
from shared.ids import new_id
from shared.vault import Cell, Vault, sealed

type Connection = asyncpg.pool.PoolConnectionProxy[Any]

ENCRYPTED = ("name", "phone", "mail", "openid")

_INSERT = """
INSERT INTO persons (id, name, phone, mail, phone_index, letter_index, created_at, updated_at)
SELECT id, name, phone, mail, phone_index, letter_index, $7, $7
FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bytea[])
  AS new(id, name, phone, mail, phone_index, letter_index)
ON CONFLICT DO NOTHING RETURNING id
"""
# In its own statement, because only that sees what another process has committed while the first one waited for it.
_FIND = """
SELECT id, phone_index AS index FROM persons WHERE phone_index = ANY($1::bytea[]) FOR KEY SHARE
"""
_FIND_WRITERS = """
SELECT id, letter_index AS index FROM persons WHERE letter_index = ANY($1::bytea[]) FOR KEY SHARE
"""
_OUTBOX = "INSERT INTO outbox (event_id, stream, subject, body) VALUES ($1, $2, $3, $4)"


@dataclass(frozen=True, slots=True, repr=False)
class Newcomer:
    """A person as they will be written if nobody with their index is there."""

    id: UUID
    contact: Contact
    phone_index: bytes | None
    letter_index: bytes | None

    @property
    def index(self) -> bytes | None:
        return self.phone_index or self.letter_index

    @classmethod
    def of(cls, contact: Contact, vault: Vault, *, checked: bool) -> "Newcomer":
        """A phone somebody called from finds them again. What a letter claims has been checked by nobody, so its
        writers are kept apart: a stranger's letter must not put a mail address beside a caller's number.
        """
        phone_index = letter_index = None
        if checked and contact.phone:
            phone_index = vault.blind_index("phone", contact.phone)
        elif contact.phone or contact.mail:
            letter_index = vault.blind_index("letter", f"{contact.phone or ''}\0{(contact.mail or '').casefold()}")
        return cls(new_id(), contact, phone_index, letter_index)


class People:
    """Writes and finds persons on the raw connection of the hot path."""

    def __init__(self, vault: Vault, seal_for: Mapping[str, Any]) -> None:
        self._vault, self._seal_for = vault, seal_for

    async def settle(self, connection: Connection, newcomers: Sequence[Newcomer], *, now: datetime) -> dict[UUID, UUID]:
        """Newcomer's id → id of the person they are; runs inside the transaction that writes their cases."""
        # One order everywhere keeps two processes from waiting for each other.
        rows = sorted(newcomers, key=lambda each: each.index or each.id.bytes)
        columns = zip(*map(self._row, rows), strict=True)
        written = {row["id"] for row in await connection.fetch(_INSERT, *map(list, columns), now)}
        known: dict[bytes, UUID] = {}
        for query, indexes in (
            (_FIND, [each.phone_index for each in rows if each.phone_index]),
            (_FIND_WRITERS, [each.letter_index for each in rows if each.letter_index]),
        ):
            if indexes:
                known |= {row["index"]: row["id"] for row in await connection.fetch(query, indexes)}
        events = [self.changed(each.id, each.contact, now=now) for each in rows if each.id in written]
        await self._emit(connection, [event for event in events if event is not None])
        return {each.id: known[each.index] if each.index else each.id for each in rows}

    def changed(self, citizen_id: UUID, contact: Contact, *, now: datetime) -> AnyEnvelope | None:
        """How to reach them, for feedback's eyes only; None when there is no way. The name is no way: it stays here."""
        ways = {"openid": contact.openid, "phone": contact.phone, "mail": contact.mail}
        ways = {name: value for name, value in ways.items() if value}
        if not ways:
            return None
        token = sealed({"citizen_id": str(citizen_id), **ways}, self._seal_for)
        return Envelope.of(ContactChanged(citizen_id=citizen_id, sealed=token), case_id=citizen_id, sequence=0, now=now)

    def encrypted(self, citizen_id: UUID, contact: Contact) -> dict[str, bytes | None]:
        return {
            column: self._vault.encrypt(value, Cell("persons", column, citizen_id)) if value else None
            for column in ENCRYPTED
            for value in (getattr(contact, column),)
        }

    def decrypted(self, citizen_id: UUID, row: Any) -> Contact:
        """From any row that has the encrypted columns as attributes."""
        return Contact(
            **{
                column: self._vault.decrypt(bytes(value), Cell("persons", column, citizen_id)) if value else None
                for column in ENCRYPTED
                for value in (getattr(row, column),)
            }
        )

    def _row(self, each: Newcomer) -> tuple[object, ...]:
        cells = self.encrypted(each.id, each.contact)
        return each.id, cells["name"], cells["phone"], cells["mail"], each.phone_index, each.letter_index

    @staticmethod
    async def _emit(connection: Connection, events: Sequence[AnyEnvelope]) -> None:
        if events:
            await connection.executemany(_OUTBOX, [outbox.row(event) for event in events])
