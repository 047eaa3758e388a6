"""What the register does beside taking cases: one function per verb, inside the transaction its door has opened."""

from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.intake import CitizenErased
from services.intake.additions.rows import supplements_of
from services.intake.domain import (
    CitizenForgotten,
    Contact,
    NobodyToContact,
    Reader,
    may_read_contact,
    may_see_photo,
)
from services.intake.idempotency import Claim, answer_cell, replayed
from services.intake.people import People
from services.intake.store import Tx
from shared.cloudevents import Envelope
from shared.errors import NotFound
from shared.ids import new_id
from shared.images import Photo
from shared.vault import Cell, Vault


class NoSuchCase(NotFound):
    """There is no such case of yours."""

    zh = "未找到该诉求，或该诉求不是您提交的"


class NoSuchAttachment(NotFound):
    """There is no such attachment, or it is not yours to see."""

    zh = "未找到该附件，或无权查看"


async def log_in(
    tx: Tx, people: People, vault: Vault, openid: str, *, notice_version: str | None, now: datetime
) -> UUID:
    """The citizen behind an openid, written into the vault at the first login."""
    index = vault.blind_index("openid", openid)
    known = await tx.person_with_openid(index)
    if known is None:
        citizen_id, contact = new_id(), Contact(openid=openid)
        row = people.encrypted(citizen_id, contact)
        added = await tx.add_person(
            {"id": citizen_id, **row, "openid_index": index, "notice_version": notice_version,
             "created_at": now, "updated_at": now}
        )  # fmt: skip
        if added:
            tell(tx, people, citizen_id, contact, now=now)
            return citizen_id
        known = await tx.person_with_openid(index)
    if known is None:
        raise CitizenForgotten
    if notice_version is not None:
        await tx.change_person(known, {"notice_version": notice_version, "updated_at": now})
    return known


async def contact_of(tx: Tx, people: People, citizen_id: UUID) -> Contact:
    row = await tx.person(citizen_id)
    if row is None:
        raise CitizenForgotten
    return people.decrypted(citizen_id, row)


async def change_contact(tx: Tx, people: People, citizen_id: UUID, said: Contact, *, now: datetime) -> Contact:
    """What a citizen says of themselves replaces what they said before; the openid stays.

    The phone gets no index: nobody has checked that it is theirs, and it must not lead to a caller's cases.
    """
    row = await tx.person(citizen_id, for_change=True)
    if row is None:
        raise CitizenForgotten
    known = people.decrypted(citizen_id, row)
    contact = Contact(name=said.name, phone=said.phone, mail=said.mail, openid=known.openid)
    await tx.change_person(citizen_id, {**people.encrypted(citizen_id, contact), "updated_at": now})
    tell(tx, people, citizen_id, contact, now=now)
    return contact


async def forget(tx: Tx, citizen_id: UUID, *, now: datetime) -> None:
    """个人信息保护法 §47; forgetting somebody twice is no error."""
    if await tx.erase_person(citizen_id):
        erased = CitizenErased(citizen_id=citizen_id)
        tx.emit(Envelope.of(erased, case_id=citizen_id, sequence=0, now=now))


def tell(tx: Tx, people: People, citizen_id: UUID, contact: Contact, *, now: datetime) -> None:
    event = people.changed(citizen_id, contact, now=now)
    if event is not None:
        tx.emit(event)


async def my_case(tx: Tx, case_no: str, citizen_id: UUID) -> tuple[Any, list[Any], list[Any]]:
    """The case, its photos and its supplements."""
    row = await tx.case_numbered(case_no, citizen_id)
    if row is None:
        raise NoSuchCase
    return row, list(await tx.photos_of(row.case_id)), list(await supplements_of(tx.connection, row.case_id))


async def read_contact(tx: Tx, people: People, case_id: UUID, *, by: Reader, reason: str, now: datetime) -> Contact:
    """Shows a contact in clear and writes down who saw it and why, in the same commit."""
    case = await tx.case(case_id)
    if case is None:
        raise NotFound
    await tx.load_holdings([case_id])
    holdings = tx.holdings_of(case_id)
    may_read_contact(by, confidential=case.confidential, holdings=holdings, accused=case.accused_unit_code)
    person = None if case.citizen_id is None else await tx.person(case.citizen_id)
    if person is None:
        raise NobodyToContact
    await tx.add_contact_read(
        {"case_id": case_id, "citizen_id": case.citizen_id, "actor": f"{by.kind}:{by.id}", "roles": sorted(by.roles),
         "unit_code": by.of_unit(holdings), "reason": reason, "read_at": now}
    )  # fmt: skip
    return people.decrypted(case.citizen_id, person)


async def see_photo(tx: Tx, attachment_id: UUID, *, by: Reader) -> Any:
    row = await tx.photo(attachment_id)
    if row is None:
        raise NoSuchAttachment
    if row.case_id is not None:
        await tx.load_holdings([row.case_id])
    holdings = tx.holdings_of(row.case_id) if row.case_id is not None else []
    if not may_see_photo(by, owner=row.owner, citizen_id=row.citizen_id, holdings=holdings):
        raise NoSuchAttachment
    return row


async def repeated_upload(tx: Tx, vault: Vault, claim: Claim | None) -> bytes | None:
    row = await tx.claimed(claim) if claim is not None else None
    return None if row is None or claim is None else replayed(claim, row, vault)


async def keep_photo(
    tx: Tx, photo: Photo, thumb_sha256: str, *, attachment_id: UUID, owner: str, now: datetime
) -> None:
    await tx.add_photo(
        {"id": attachment_id, "owner": owner, "sha256": photo.sha256, "thumb_sha256": thumb_sha256,
         "media_type": photo.media_type, "width": photo.width, "height": photo.height, "taken_at": photo.taken_at,
         "created_at": now}
    )  # fmt: skip


async def claim_upload(
    tx: Tx, vault: Vault, claim: Claim, attachment_id: UUID, answer: bytes, *, now: datetime
) -> bool:
    sealed = vault.encrypt(answer.decode(), answer_cell(attachment_id))
    return await tx.claim(claim, attachment_id, sealed, now)


def words_as_sent(vault: Vault, row: Any) -> str | None:
    """The kept payload; None once the citizen has been forgotten."""
    if row.payload is None:
        return None
    return vault.decrypt(bytes(row.payload), Cell("raw_payloads", "payload", row.case_id))
