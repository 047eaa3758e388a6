"""The units' doors: their worklist, and everything that is done with a work order."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router import lists, tagged, worklist
from services.router.api.doors import AllOfTags, AtWork, Here, IdempotencyKey, IfMatch, Limit, here_rules, names_of, tag
from services.router.api.filed_views import category_name
from services.router.api.tag_views import TagName
from services.router.api.views import OrderView
from services.router.domain import scope
from services.router.domain.errors import NotYourUnit
from services.router.domain.rules import Rules
from services.router.idempotency import once
from services.router.people import reads
from services.router.rows import due_of
from services.router.usecases import orders as usecases
from services.router.usecases.orders import Found
from services.router.worklist import Lateness, Place, Wanted
from shared.errors import FieldError, InvalidInput
from shared.tokens import Actor

routes = APIRouter(prefix="/orders", tags=["orders"])

UnitCode = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]
OrderState = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
Note = Annotated[str, Field(max_length=4000)]


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Contact(Body):
    method: Literal["phone", "wechat", "visit", "mail", "other"]
    at: AwareDatetime | None = None
    """When it was, now if left out."""
    note: Note = ""
    """Evidence, for inside only."""


class Progress(Body):
    public_note: Annotated[str, Field(max_length=1000)] = ""
    """For the citizen."""
    internal_note: Note = ""


class Resolution(Body):
    public_reply: Annotated[str, Field(min_length=1, max_length=4000)]
    """公开答复: what the citizen reads."""
    handling_note: Note = ""
    """办理情况: for inside only."""
    photo_ids: list[UUID] = Field(default=[], max_length=20)


class GivingBack(Body):
    reason_code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    legal_basis: Annotated[str, Field(min_length=1, max_length=1000)]
    evidence: Note = ""
    """What shows it; some reasons need it, or photos."""
    photo_ids: list[UUID] = Field(default=[], max_length=20)


class Redispatch(Body):
    unit_code: UnitCode
    own_error: bool = False
    """The dispatcher had chosen wrongly."""


class Rejection(Body):
    note: Annotated[str, Field(min_length=1, max_length=1000)]


class Review(Body):
    outcome: Literal["approve", "send_back"]
    note: Note = ""
    override_reason: Annotated[str, Field(max_length=500)] = ""
    """Why a reply that was found wanting is sent all the same; only where its rule lets that pass."""
    closing_condition_met: bool = False
    """The reviewer has compared the result with the closing condition of the standard, and it is met."""


class OrderLine(BaseModel):
    order_id: UUID
    case_id: UUID
    case_no: str
    role: str
    unit_code: str
    unit_name: str
    state: str
    round: int
    title: str
    type_code: str
    category_code: str | None
    category_name: str
    area_code: str | None
    grade: str | None
    dispatched_at: datetime
    due_at: datetime | None
    """When the unit must have answered; null until the stopwatch has said so."""
    paused_until: datetime | None
    tags: list[TagName]


class OrderPage(BaseModel):
    items: list[OrderLine]
    next: str | None
    """Give it as `after` for the next page; null on the last."""


def shown_order(found: Found, by: Actor, response: Response, now: datetime) -> OrderView:
    case, order, rules = found
    tag(response, case)
    return OrderView.of(case, order, rules, by, now=now)


def _must_be_states(wanted: Collection[str], rules: Rules) -> None:
    known = {one.key for one in rules.table.states}
    if set(wanted) - known:
        detail = f"is none of {', '.join(sorted(known))}"
        raise InvalidInput(fields=(FieldError("query/state", detail, "没有这个工单状态"),))


@routes.get("")
async def read_orders(
    *,
    here: Here,
    by: AtWork,
    unit: Annotated[str | None, Query(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")] = None,
    state: Annotated[list[OrderState], Query(max_length=12)] = [],  # noqa: B006
    category: Annotated[str, Query(pattern=r"^([0-9]{2}){0,2}$|^[0-9]{7}$")] = "",
    area: Annotated[str, Query(pattern=r"^([0-9]{9}([0-9]{3})?)?$")] = "",
    grade: Literal["A", "B", "C"] | None = None,
    tags: AllOfTags = [],  # noqa: B006
    round: Annotated[int | None, Query(ge=1, le=99)] = None,  # noqa: A002  the name it has in every view
    due: Lateness | None = None,
    after: Annotated[str | None, Query(max_length=60)] = None,
    limit: Limit = 50,
) -> OrderPage:
    """Soonest due first; without `unit` of all the caller may see, without `state` those somebody has to act on.

    `category` and `area` may be the first digits of several. Those whose time has not been told yet come last.
    """
    rules = here_rules(here)
    _must_be_states(state, rules)
    desk = scope.sees_all(by, rules)
    tagged.must_be_tags(tags, rules, desk=desk)
    if unit is not None and unit not in by.units and not desk:
        raise NotYourUnit
    wanted = Wanted(
        units=[unit] if unit is not None else None if desk else sorted(by.units),
        states=state,
        over=rules.table.over,
        left=() if desk and unit is None else [one.key for one in rules.table.states if one.final],
        answered=rules.table.answered,
        category=category,
        area=area,
        tags=tags,
        grade=grade,
        round=round,
        lateness=due,
        now=here.clock.now(),
        soon=timedelta(hours=here.settings.due_soon_hours),
        recused=lists.recused_codes(by, rules),
        confidential_too=not scope.only_open(by, rules) and (desk or not tagged.personal(tags, rules)),
    )
    async with here.begin() as tx:
        found = await worklist.page(tx.connection, wanted, after=Place.of(after) if after else None, limit=limit)
        rules_of = await names_of(here, tx, found)
        held = await tagged.tags_of(tx.connection, {row["case_id"] for row in found})
    items = [_line(row, rules_of(row), held.get(row["case_id"], ()), desk=desk) for row in found]
    return OrderPage(items=items, next=worklist.next_place(found, limit))


def _line(row: RowMapping, rules: Rules, tags: Sequence[str], *, desk: bool) -> OrderLine:
    return OrderLine(
        **{name: value for name, value in row.items() if name not in {"due_at", "edition", "confidential"}},
        due_at=due_of(row),
        unit_name=rules.unit_name(row["unit_code"]),
        category_name=category_name(row["category_code"], rules),
        tags=TagName.all(tags, rules, desk=desk, confidential=row["confidential"]),
    )


@routes.get("/{order_id}")
async def read_order(*, here: Here, by: AtWork, order_id: UUID, response: Response) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.look(tx, order_id, by)
        await reads.note(tx.connection, found[0], by, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/sign")
async def sign_order(
    *, here: Here, by: AtWork, order_id: UUID, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.sign(tx, order_id, by=by, if_match=if_match, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/contact")
async def contact_citizen(
    *, here: Here, by: AtWork, order_id: UUID, body: Contact, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.contact(
            tx, order_id, method=body.method, at=body.at, note=body.note, by=by, if_match=if_match, now=now
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/progress")
async def report_progress(
    *,
    here: Here,
    by: AtWork,
    order_id: UUID,
    body: Progress,
    response: Response,
    if_match: IfMatch = None,
    idempotency_key: IdempotencyKey = None,
) -> OrderView:
    """Adds a note; under the same Idempotency-Key it is added once."""
    now = here.clock.now()
    async with here.begin() as tx:

        async def add() -> dict[str, object]:
            await usecases.progress(
                tx,
                order_id,
                public_note=body.public_note,
                internal_note=body.internal_note,
                by=by,
                if_match=if_match,
                now=now,
            )
            return {}

        asked = f"progress {order_id} {body.model_dump_json()}"
        await once(tx.connection, add, by=by, key=idempotency_key, request=asked, now=now)
        found = await usecases.look(tx, order_id, by)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/resolve")
async def resolve_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Resolution, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.resolve(
            tx,
            order_id,
            public_reply=body.public_reply,
            handling_note=body.handling_note,
            photo_ids=body.photo_ids,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/return")
async def return_order(
    *, here: Here, by: AtWork, order_id: UUID, body: GivingBack, response: Response, if_match: IfMatch = None
) -> OrderView:
    """退件: a dispatcher decides; agrees by redispatching, or rejects it."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.give_back(
            tx,
            order_id,
            reason_code=body.reason_code,
            legal_basis=body.legal_basis,
            evidence=body.evidence,
            photo_ids=body.photo_ids,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/return/rejection")
async def reject_return(
    *, here: Here, by: AtWork, order_id: UUID, body: Rejection, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.reject_return(tx, order_id, note=body.note, by=by, if_match=if_match, now=now)
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/redispatch")
async def redispatch_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Redispatch, response: Response, if_match: IfMatch = None
) -> OrderView:
    """改派; answers with the new order."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.redispatch(
            tx, order_id, to_unit=body.unit_code, own_error=body.own_error, by=by, if_match=if_match, now=now
        )
    return shown_order(found, by, response, now)


@routes.post("/{order_id}/review")
async def review_order(
    *, here: Here, by: AtWork, order_id: UUID, body: Review, response: Response, if_match: IfMatch = None
) -> OrderView:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.review(
            tx,
            order_id,
            outcome=body.outcome,
            note=body.note,
            override_reason=body.override_reason,
            condition_met=body.closing_condition_met,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)
