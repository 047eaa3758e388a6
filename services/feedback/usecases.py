"""What can be done here: rate an answer, add a photo of the work, keep and forget how somebody is reached."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback import calling, darkroom, publishing
from services.feedback.contacts import UnreadableContact
from services.feedback.darkroom import Developed
from services.feedback.domain.facts import Stars, WorkPhoto
from services.feedback.domain.rating import Given
from services.feedback.store import Tx, facts_from
from services.feedback.tables import (
    contacts,
    notice_preferences,
    notices,
    orders,
    outbox_messages,
    phone_tasks,
    photo_records,
    photos,
    progress,
    ratings,
    wechat_quota,
)
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import new_id
from shared.tokens import Actor

_NEWS_MILLISECONDS = 10_000
# By the setting: what a photo's check stands at when it comes, and why.
_FIRST = {"review": ("passed", "review"), "person": ("held", "person"), "wechat": ("waiting", "")}
_MAY_SEE_ALL = ("dispatcher", "reviewer", "kb_editor", "supervisor", "leader", "admin")


class OrderNotFound(NotFound):
    """There is no such order, or it is not with your unit."""

    zh = "未找到该工单，或不属于您的单位"


class OrderNotYetKnown(Conflict):
    """The order is so new that it is not known here yet; please repeat in a moment."""

    zh = "工单刚刚派出，请稍后重试"


class NotThisCase(Forbidden):
    """The order belongs to another case."""

    zh = "该工单不属于所填的诉求"


class PhotoHidden(NotFound):
    """There is no such photo, or it is not yours to see."""

    zh = "未找到该照片，或无权查看"


async def rate(tx: Tx, case_no: str, given: Given, comment: str, *, praise: bool = False, now: datetime) -> Stars:
    """The caller has been found to be the case's own. Raises `NotYetReplied`, `AlreadyRated` or `RatingClosed`."""
    case = await tx.case_of_number(case_no)
    stars = case.rate(given, tx.tools.content_rule, now=now)
    row = {
        "case_id": case.case_id,
        "round": stars.round,
        **given.stars(),
        "solved": stars.solved,
        "satisfied": stars.satisfied,
        "comment": comment,
        "rule_version": tx.tools.content_rule.version,
        "level": stars.level,
        "rated_at": now,
    }
    await tx.connection.execute(insert(ratings), row)
    lead = case.facts.lead()
    if praise and lead is not None:
        calling.praise(tx, case, lead.unit_code, "rating", now=now)
    if tx.tools.content_rule.low(given):
        calling.after_low_mark(tx, case, now=now)
    tx.touch(case, now)
    return stars


@dataclass(frozen=True, slots=True)
class Placed:
    """An order as photos know it."""

    order_id: UUID
    case_id: UUID
    unit_code: str


def _milliseconds(made: UUID) -> int:
    """Unix time a UUIDv7 was made at (RFC 9562 §5.7)."""
    return made.int >> 80


async def order_for_photo(tx: Tx, order_id: UUID, case_id: UUID | None, by: Actor) -> Placed:
    """Raises `OrderNotFound` for an order that is unknown or another unit's, `NotThisCase` for a wrong case, and
    `OrderNotYetKnown` for one whose id was made (UUIDv7 says when) within the last seconds: its news may be on its way.
    """
    found = select(orders.c.case_id, orders.c.unit_code).where(orders.c.order_id == order_id)
    row = (await tx.connection.execute(found)).one_or_none()
    if row is None and 0 <= _milliseconds(new_id()) - _milliseconds(order_id) < _NEWS_MILLISECONDS:
        raise OrderNotYetKnown(retry_after=1)
    if row is None or row.unit_code not in by.units:
        raise OrderNotFound
    if case_id is not None and case_id != row.case_id:
        raise NotThisCase
    return Placed(order_id, row.case_id, row.unit_code)


async def add_photo(
    tx: Tx, placed: Placed, kind: str, made: Developed, *, place: bytes | None, check: str, by: Actor, now: datetime
) -> tuple[WorkPhoto, str]:
    """The picture itself is stored already; this makes it the order's. The photo, and what its check stands at."""
    case, photo = await tx.case(placed.case_id), made.photo
    taken_by: Literal["unit", "grid"] = "unit" if by.has("handler", "unit_manager", "department") else "grid"
    state, reason = _FIRST[check]
    work = WorkPhoto(made.photo_id, placed.order_id, kind, photo.taken_at or now, taken_by, shown=state == "passed")
    case.add_photo(work, photo.sha256)
    row = {
        "photo_id": work.photo_id,
        "case_id": placed.case_id,
        "order_id": placed.order_id,
        "unit_code": placed.unit_code,
        "kind": kind,
        "sha256": photo.sha256,
        "thumb_sha256": made.thumb_sha256,
        "media_type": photo.media_type,
        "width": photo.width,
        "height": photo.height,
        "taken_at": work.taken_at,
        "added_by": by.id,
        "added_at": now,
    }
    beside = {
        "photo_id": work.photo_id,
        "hash": made.hash,
        "original": made.original,
        "place": place,
        "taken_by": taken_by,
        "state": state,
        "reason": reason,
        "next_at": now if state == "waiting" else None,
    }
    await tx.connection.execute(insert(photos), row)
    await tx.connection.execute(insert(photo_records), beside)
    await darkroom.fasten(tx, made.objects)
    tx.touch(case, now)
    return work, state


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    photo_id: UUID
    case_id: UUID
    case_no: str | None
    citizen_id: UUID | None
    unit_code: str
    sha256: str
    """Of what is shown: the blurred copy, where there is one."""
    thumb_sha256: str
    clear_sha256: str
    """Of the copy in which nothing is blurred."""
    original: str | None
    media_type: str
    public: bool
    """An answer shows it, and it has passed its check."""


async def photo_place(tx: Tx, photo_id: UUID) -> StoredPhoto:
    """Raises `PhotoHidden`."""
    found = (
        select(
            photos,
            progress.c.case_no,
            progress.c.citizen_id,
            progress.c.facts,
            photo_records.c.original,
            photo_records.c.shown_sha256,
            photo_records.c.shown_thumb_sha256,
        )
        .join(progress, progress.c.case_id == photos.c.case_id)
        .outerjoin(photo_records, photo_records.c.photo_id == photos.c.photo_id)
        .where(photos.c.photo_id == photo_id)
    )
    row = (await tx.connection.execute(found)).one_or_none()
    if row is None:
        raise PhotoHidden
    return StoredPhoto(
        photo_id=UUID(bytes=row.photo_id.bytes),
        case_id=UUID(bytes=row.case_id.bytes),
        case_no=row.case_no,
        citizen_id=row.citizen_id,
        unit_code=row.unit_code,
        sha256=row.shown_sha256 or row.sha256,
        thumb_sha256=row.shown_thumb_sha256 or row.thumb_sha256,
        clear_sha256=row.sha256,
        original=row.original,
        media_type=row.media_type,
        public=photo_id in facts_from(row.facts).public_photos(),
    )


def may_see(actor: Actor, photo: StoredPhoto) -> bool:
    """Staff of the unit whose order it is, and those who answer for all units."""
    return actor.kind == "staff" and (photo.unit_code in actor.units or actor.has(*_MAY_SEE_ALL))


async def keep_contact(tx: Tx, citizen_id: UUID, sealed: str, *, now: datetime) -> None:
    """Raises `UnreadableContact`, which parks the event. Somebody who was erased is not revived by a late event."""
    box = tx.tools.contacts
    if box is None:
        raise UnreadableContact("this process has no sealing key")
    tx.new_contacts[citizen_id] = (box.shut(box.unseal(sealed), citizen_id), now)


_OWN_CASES = text("SELECT case_id FROM progress WHERE citizen_id = :citizen_id")


async def forget(tx: Tx, citizen_id: UUID, *, now: datetime) -> None:
    """个人信息保护法 §47: contact points, comments and messages go; the case stays, as nobody's."""
    connection = tx.connection
    # Cases first, as everybody locks them, so that nobody waits for somebody who waits.
    mine = (await connection.execute(_OWN_CASES, {"citizen_id": citizen_id})).scalars().all()
    await tx.load(mine)
    row = {"citizen_id": citizen_id, "data": None, "updated_at": now}
    await connection.execute(
        upsert(contacts).values(row).on_conflict_do_update(index_elements=["citizen_id"], set_={"data": None})
    )
    told = select(notices.c.notice_id).where(notices.c.citizen_id == citizen_id)
    await connection.execute(delete(outbox_messages).where(outbox_messages.c.notice_id.in_(told)))
    on_its_way = update(notices).where(
        notices.c.citizen_id == citizen_id, notices.c.state.in_(("pending", "sending", "calling"))
    )
    await connection.execute(on_its_way.values(state="no_contact", reason="erased", done_at=now))
    for table in (notice_preferences, wechat_quota, phone_tasks):
        await connection.execute(delete(table).where(table.c.citizen_id == citizen_id))
    await connection.execute(update(ratings).where(ratings.c.case_id.in_(mine)).values(comment=""))
    await calling.drop(tx, mine, now=now)
    await publishing.drop(tx, mine, now=now)
    for case_id in mine:
        case = await tx.case(case_id)
        case.facts.citizen_id = None
        if case.facts.page is not None:
            case.facts.page.state = "withdrawn"
        tx.touch(case, now)
