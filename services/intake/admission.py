"""One commit for many submissions: the statements of the hot path, and what becomes of each submission in them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.events.intake import Attachment, CaseSubmitted, Place
from services.intake.domain import CitizenForgotten, Submission, UnknownAttachment
from services.intake.idempotency import Claim, replayed
from services.intake.people import Connection, Newcomer, People
from shared.cloudevents import Envelope
from shared.errors import DomainError, FieldError
from shared.vault import Vault

# One statement, one round trip, one commit. What has a claim is admitted only if the claim is new; what somebody
# logged in sent is admitted only while they are in the vault, and the lock keeps them there until the commit.
_ADMIT = """
WITH item AS MATERIALIZED (
  SELECT * FROM unnest(
    $2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::bool[], $9::bool[], $10::bool[],
    $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[], $18::timestamptz[],
    $19::timestamptz[], $20::timestamptz[], $21::bytea[], $22::bytea[], $23::bytea[], $24::bytea[], $25::uuid[],
    $26::bytea[], $27::bytea[]
  ) AS t(case_id, case_no, citizen_id, login, channel_code, origin_channel_code, confidential, anonymous, reply_wanted,
    type_code, category_code, title, text, place, accused_unit_code, external_no, occurred_at,
    received_at, submitted_at, payload, scope, body_hash, answer, event_id, body, look_up_hash)
), alive AS MATERIALIZED (
  SELECT id FROM persons WHERE id = ANY($1::uuid[]) FOR KEY SHARE
), claimed AS (
  INSERT INTO idempotency_keys (scope, body_hash, resource_id, answer, created_at)
  SELECT scope, body_hash, case_id, answer, submitted_at FROM item
  WHERE scope IS NOT NULL AND (login IS NULL OR login IN (SELECT id FROM alive))
  ON CONFLICT DO NOTHING RETURNING resource_id
), admitted AS MATERIALIZED (
  SELECT * FROM item
  WHERE (login IS NULL OR login IN (SELECT id FROM alive))
    AND (scope IS NULL OR case_id IN (SELECT resource_id FROM claimed))
), kept AS (
  INSERT INTO raw_payloads (case_id, payload) SELECT case_id, payload FROM admitted
), told AS (
  INSERT INTO outbox (event_id, stream, subject, body)
  SELECT event_id, 'INTAKE', 'case.submitted.v1', body FROM admitted
)
INSERT INTO cases (case_id, case_no, citizen_id, channel_code, origin_channel_code, confidential, anonymous,
  reply_wanted, type_code, category_code, title, text, place, accused_unit_code, external_no, occurred_at,
  received_at, submitted_at, sequence, look_up_hash)
SELECT case_id, case_no, citizen_id, channel_code, origin_channel_code, confidential, anonymous,
  reply_wanted, type_code, category_code, title, text, place::jsonb, accused_unit_code, external_no, occurred_at,
  received_at, submitted_at, 1, look_up_hash FROM admitted
RETURNING case_id
"""
_REPLAY = "SELECT scope, body_hash, resource_id, answer FROM idempotency_keys WHERE scope = ANY($1::bytea[])"
_CLAIM = """
INSERT INTO idempotency_keys (scope, body_hash, resource_id, answer, created_at)
SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::bytea[], $5::timestamptz[])
ON CONFLICT DO NOTHING RETURNING resource_id
"""
_UNCLAIM = "DELETE FROM idempotency_keys WHERE scope = ANY($1::bytea[])"
_PHOTOS = """
SELECT id, owner, sha256, media_type, width, height FROM attachments
WHERE id = ANY($1::uuid[]) AND case_id IS NULL ORDER BY id FOR UPDATE
"""
_USE_PHOTOS = """
UPDATE attachments SET case_id = used.case_id, owner = CASE WHEN used.anonymous THEN '' ELSE owner END
FROM unnest($1::uuid[], $2::uuid[], $3::bool[]) AS used(id, case_id, anonymous) WHERE attachments.id = used.id
"""
_NOWHERE = Place()
_NOWHERE_JSON = _NOWHERE.model_dump_json()


@dataclass(slots=True, kw_only=True, repr=False)
class Entry:
    """A submission on its way into the register."""

    case_id: UUID
    case_no: str
    look_up_hash: str
    submission: Submission
    owner: str
    """Who sent it, as attachments name their owner."""
    login: UUID | None
    now: datetime
    payload: bytes
    answer: bytes
    claim: Claim | None
    sealed_answer: bytes | None
    title: str
    text: str
    place: Place
    newcomer: Newcomer | None
    citizen_id: UUID | None
    photos: tuple[Attachment, ...] = ()
    claimed: bool = False
    """True once its claim has been written by a statement before the one that admits it."""
    refusal: Exception | None = field(default=None)
    repeated: bytes | None = None
    """The first answer, when this is a repetition."""

    @property
    def involved(self) -> bool:
        """Needs more than the one statement: a person to find, or photos to take."""
        return self.newcomer is not None or bool(self.submission.attachment_ids)

    @property
    def pending(self) -> bool:
        return self.refusal is None and self.repeated is None

    def event(self) -> Envelope[CaseSubmitted]:
        """What the others learn: nothing that names or reaches the person."""
        said = self.submission
        payload = CaseSubmitted(
            case_no=self.case_no,
            look_up_hash=self.look_up_hash,
            channel_code=said.channel_code,
            origin_channel_code=said.origin_channel_code,
            citizen_id=self.citizen_id,
            anonymous=said.anonymous,
            confidential=said.confidential,
            reply_wanted=said.reply_wanted,
            type_code=said.type_code,
            category_code=said.category_code,
            title=self.title,
            text=self.text,
            place=self.place,
            accused_unit_code=said.accused_unit_code,
            attachments=self.photos,
            occurred_at=said.occurred_at,
            received_at=said.received_at,
        )
        return Envelope.of(payload, case_id=self.case_id, sequence=1, now=self.now)


class Admission:
    """Writes a group of entries on one connection; every entry comes out with its answer or its own refusal."""

    def __init__(self, vault: Vault, people: People) -> None:
        self._vault, self._people = vault, people

    async def admit(self, connection: Connection, entries: Sequence[Entry]) -> Sequence[bytes | Exception]:
        for entry in entries:  # a second try after a failed group starts from nothing
            entry.claimed, entry.refusal, entry.repeated = False, None, None
        involved = [entry for entry in entries if entry.involved]
        if involved:
            async with connection.transaction():
                await self._prepare(connection, involved)
                await self._write(connection, entries)
        else:
            await self._write(connection, entries)
        return [entry.refusal or entry.repeated or entry.answer for entry in entries]

    async def _prepare(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Claims first, so that a repetition touches nothing else; then photos and persons of what is new."""
        await self._claim(connection, [entry for entry in entries if entry.claim is not None])
        await self._take_photos(connection, [e for e in entries if e.pending and e.submission.attachment_ids])
        newcomers = [entry for entry in entries if entry.pending and entry.newcomer is not None]
        if newcomers:
            found = await self._people.settle(
                connection, [e.newcomer for e in newcomers if e.newcomer is not None], now=newcomers[0].now
            )
            for entry in newcomers:
                assert entry.newcomer is not None
                entry.citizen_id = found[entry.newcomer.id]

    async def _claim(self, connection: Connection, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        rows = sorted(
            (e.claim.scope, e.claim.body_hash, e.case_id, e.sealed_answer, e.now)
            for e in entries
            if e.claim is not None
        )
        written = {row["resource_id"] for row in await connection.fetch(_CLAIM, *map(list, zip(*rows, strict=True)))}
        for entry in entries:
            entry.claimed = entry.case_id in written
        await self._repeat(connection, [entry for entry in entries if not entry.claimed])

    async def _repeat(self, connection: Connection, entries: Sequence[Entry]) -> None:
        """Entries whose claim was there before get the first answer, or are told that they said something else."""
        if not entries:
            return
        scopes = [entry.claim.scope for entry in entries if entry.claim is not None]
        rows = {row["scope"]: row for row in await connection.fetch(_REPLAY, scopes)}
        for entry in entries:
            row = rows.get(entry.claim.scope) if entry.claim is not None else None
            if row is None or entry.claim is None:
                entry.refusal = CitizenForgotten()
                continue
            try:
                entry.repeated = replayed(entry.claim, row, self._vault)
            except DomainError as refusal:
                entry.refusal = refusal

    async def _take_photos(self, connection: Connection, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        wanted = sorted({photo for entry in entries for photo in entry.submission.attachment_ids})
        found = {row["id"]: row for row in await connection.fetch(_PHOTOS, wanted)}
        used: list[tuple[UUID, UUID, bool]] = []
        for entry in entries:
            ids = entry.submission.attachment_ids
            missing = [n for n, photo in enumerate(ids) if photo not in found or found[photo]["owner"] != entry.owner]
            if missing:
                entry.refusal = UnknownAttachment(fields=tuple(_no_such_photo(number) for number in missing))
                continue
            rows = [found.pop(photo) for photo in ids]
            entry.photos = tuple(
                Attachment(
                    attachment_id=row["id"],
                    sha256=row["sha256"],
                    media_type=row["media_type"],
                    width=row["width"],
                    height=row["height"],
                )
                for row in rows
            )
            used += [(photo, entry.case_id, entry.submission.anonymous) for photo in ids]
        if used:
            await connection.execute(_USE_PHOTOS, *map(list, zip(*used, strict=True)))
        refused = [
            entry.claim.scope for entry in entries if entry.refusal and entry.claim is not None and entry.claimed
        ]
        if refused:
            await connection.execute(_UNCLAIM, refused)

    async def _write(self, connection: Connection, entries: Sequence[Entry]) -> None:
        # In the order of their claims: two processes that meet the same keys must not wait for each other.
        pending = sorted((entry for entry in entries if entry.pending), key=_order)
        if not pending:
            return
        logins = list({entry.login for entry in pending if entry.login is not None})
        columns = map(list, zip(*map(_row, pending), strict=True))
        admitted = {row[0] for row in await connection.fetch(_ADMIT, logins, *columns)}
        if len(admitted) < len(pending):
            await self._repeat(connection, [entry for entry in pending if entry.case_id not in admitted])


def _order(entry: Entry) -> bytes:
    return entry.claim.scope if entry.claim is not None else b""


def _no_such_photo(number: int) -> FieldError:
    return FieldError(f"/attachments/{number}", "is no unused attachment of yours", "附件不存在或已使用")


def _row(entry: Entry) -> tuple[object, ...]:
    said, claim = entry.submission, None if entry.claimed else entry.claim
    event = entry.event()
    return (
        entry.case_id,
        entry.case_no,
        entry.citizen_id,
        entry.login,
        said.channel_code,
        said.origin_channel_code,
        said.confidential,
        said.anonymous,
        said.reply_wanted,
        said.type_code,
        said.category_code,
        entry.title,
        entry.text,
        _NOWHERE_JSON if entry.place is said.place and entry.place == _NOWHERE else entry.place.model_dump_json(),
        said.accused_unit_code,
        said.external_no,
        said.occurred_at,
        said.received_at,
        entry.now,
        entry.payload,
        claim and claim.scope,
        claim and claim.body_hash,
        claim and entry.sealed_answer,
        event.id,
        event.to_json(),
        bytes.fromhex(entry.look_up_hash),
    )
