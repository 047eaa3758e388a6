"""One function per verb: urge, supplement, withdraw; each locks the case, asks the rules and says what happened."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.events.intake import Attachment, CaseSupplemented, CaseUrged, CaseWithdrawn
from services.intake.additions import rows
from services.intake.additions.rules import Added, AdditionRules, Kind, Speaker, SupplementsAreFull, WithdrawnAlready
from services.intake.domain import UnknownAttachment
from services.intake.redact import redact
from services.intake.store import Tx
from shared.cloudevents import Envelope, Event
from shared.errors import FieldError
from shared.ids import new_id
from shared.vault import Cell, Vault


@dataclass(frozen=True, slots=True)
class Addition:
    """What was added, as it is answered."""

    addition_id: UUID
    case_no: str
    kind: Kind
    received_at: datetime
    times: int


def words_as_sent(vault: Vault, row: Any) -> str:
    """The words of a supplement; with numbers masked once its citizen has been forgotten."""
    if row.payload is None:
        return str(row.text)
    return vault.decrypt(bytes(row.payload), payload_cell(row.addition_id))


def payload_cell(addition_id: UUID) -> Cell:
    return Cell("additions", "payload", addition_id)


async def urge(tx: Tx, case: Added, speaker: Speaker, rules: AdditionRules, *, now: datetime) -> Addition:
    """催办. Raises `CaseHasEnded` or `UrgedAlready`."""
    rules.must_be_open(case.outcome)
    rules.urge.may(await rows.counted(tx.connection, case.case_id, "urge", since=rules.urge.since(now)), now=now)
    times = await rows.counted(tx.connection, case.case_id, "urge") + 1
    added = Addition(new_id(), case.case_no, "urge", now, times)
    said = CaseUrged(
        urge_id=added.addition_id, by=speaker.by, channel_code=speaker.channel_code, times=times, received_at=now
    )
    await _keep(tx, case, speaker, added, said)
    return added


async def supplement(
    tx: Tx,
    case: Added,
    speaker: Speaker,
    rules: AdditionRules,
    vault: Vault,
    *,
    words: str,
    attachment_ids: tuple[UUID, ...],
    now: datetime,
) -> Addition:
    """补充. Raises `CaseHasEnded`, `SupplementsAreFull` or `UnknownAttachment`."""
    rules.must_be_open(case.outcome)
    before = await rows.counted(tx.connection, case.case_id, "supplement")
    if before >= rules.supplement.most:
        raise SupplementsAreFull
    added = Addition(new_id(), case.case_no, "supplement", now, before + 1)
    said = CaseSupplemented(
        supplement_id=added.addition_id,
        by=speaker.by,
        channel_code=speaker.channel_code,
        text=redact(words),
        attachments=await _photos(tx, case, speaker, attachment_ids),
        received_at=now,
    )
    payload = vault.encrypt(words, payload_cell(added.addition_id))
    await _keep(tx, case, speaker, added, said, text=said.text, payload=payload)
    return added


async def withdraw(
    tx: Tx, case: Added, speaker: Speaker, rules: AdditionRules, *, reason_code: str, now: datetime
) -> Addition:
    """撤回. Whether it ends the case is the desk's to say. Raises `CaseHasEnded` or `WithdrawnAlready`."""
    rules.must_be_open(case.outcome)
    if await rows.counted(tx.connection, case.case_id, "withdrawal"):
        raise WithdrawnAlready
    added = Addition(new_id(), case.case_no, "withdrawal", now, 1)
    said = CaseWithdrawn(by=speaker.by, reason_code=rules.reason(reason_code), received_at=now)
    await _keep(tx, case, speaker, added, said, reason_code=reason_code)
    return added


async def _keep(tx: Tx, case: Added, speaker: Speaker, added: Addition, said: Event, **more: object) -> None:
    row: dict[str, object] = {
        "addition_id": added.addition_id, "case_id": case.case_id, "kind": added.kind, "said_by": speaker.by,
        "actor": speaker.owner, "channel_code": speaker.channel_code, "received_at": added.received_at,
        "reason_code": None, "text": "", "payload": None, **more,
    }  # fmt: skip
    await rows.add(tx.connection, row)
    sequence = case.next()
    await rows.save_sequence(tx.connection, case.case_id, sequence)
    tx.emit(Envelope.of(said, case_id=case.case_id, sequence=sequence, now=added.received_at))


async def _photos(tx: Tx, case: Added, speaker: Speaker, ids: tuple[UUID, ...]) -> tuple[Attachment, ...]:
    if not ids:
        return ()
    found = await rows.loose_photos(tx.connection, ids, speaker.owner)
    missing = [place for place, photo in enumerate(ids) if photo not in found]
    if missing:
        fields = (
            FieldError(f"/attachments/{place}", "is no unused attachment of yours", "附件不存在或已使用")
            for place in missing
        )
        raise UnknownAttachment(fields=tuple(fields))
    await rows.use_photos(tx.connection, ids, case.case_id)
    return tuple(
        Attachment(
            attachment_id=photo,
            sha256=found[photo].sha256,
            media_type=found[photo].media_type,
            width=found[photo].width,
            height=found[photo].height,
        )
        for photo in ids
    )
