"""The units' doors: their worklist, and everything that is done with a work order."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from services.router import lists, tagged
from services.router.api.doors import AtWork, Here, IdempotencyKey, IfMatch, Limit, here_rules, names_of, tag
from services.router.api.filed_views import category_name
from services.router.api.tag_views import TagName
from services.router.api.views import OrderView
from services.router.domain import scope
from services.router.domain.errors import NotYourUnit
from services.router.domain.rules import Rules
from services.router.idempotency import once
from services.router.usecases import orders as usecases
from services.router.usecases.orders import Found
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
    grade: str | None
    dispatched_at: datetime
    tags: list[TagName]


class OrderPage(BaseModel):
    items: list[OrderLine]
    next: UUID | None
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
    after: UUID | None = None,
    limit: Limit = 50,
) -> OrderPage:
    """Oldest first; without `unit` all the caller may see."""
    rules = here_rules(here)
    _must_be_states(state, rules)
    desk = scope.sees_all(by, rules)
    if unit is not None and unit not in by.units and not desk:
        raise NotYourUnit
    units = [unit] if unit is not None else None if desk else by.units
    async with here.begin() as tx:
        found = await lists.worklist(
            tx.connection,
            units=units,
            states=state,
            left=[one.key for one in rules.table.states if one.final],
            recused=lists.recused_codes(by, rules),
            after=after,
            limit=limit,
        )
        rules_of = await names_of(here, tx, found)
        held = await tagged.tags_of(tx.connection, {row["case_id"] for row in found})
    items = [_line(row, rules_of(row), held.get(row["case_id"], ()), desk=desk) for row in found]
    return OrderPage(items=items, next=found[-1]["order_id"] if len(found) == limit else None)


def _line(row: RowMapping, rules: Rules, tags: Sequence[str], *, desk: bool) -> OrderLine:
    return OrderLine(
        **{name: value for name, value in row.items() if name not in {"returned", "edition", "confidential"}},
        unit_name=rules.unit_name(row["unit_code"]),
        category_name=category_name(row["category_code"], rules),
        tags=TagName.all(tags, rules, desk=desk, confidential=row["confidential"]),
    )


@routes.get("/{order_id}")
async def read_order(*, here: Here, by: AtWork, order_id: UUID, response: Response) -> OrderView:
    async with here.begin() as tx:
        found = await usecases.look(tx, order_id, by)
    return shown_order(found, by, response, here.clock.now())


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
            condition_met=body.closing_condition_met,
            by=by,
            if_match=if_match,
            now=now,
        )
    return shown_order(found, by, response, now)
