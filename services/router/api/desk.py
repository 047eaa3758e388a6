"""The desk's doors: the queue of what no rule could decide, cases, returns, closing and reopening."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import RowMapping

from contracts.events.intake import CaseType, Place
from contracts.events.router import Reason
from services.router import emergencies, lists, tagged
from services.router.api.doors import (
    AllOfTags,
    AtDesk,
    AtWork,
    Dispatcher,
    Filing,
    Here,
    IfMatch,
    Limit,
    here_rules,
    names_of,
    tag,
)
from services.router.api.filed_views import CandidateView, category_name
from services.router.api.tag_views import TagName
from services.router.api.views import CaseView
from services.router.catalogue.refusals import Refusal
from services.router.domain import scope
from services.router.domain.cases import Mark, marks
from services.router.domain.rules import Rules
from services.router.people import reads
from services.router.rows import candidates_of
from services.router.store import Tx
from services.router.usecases import desk as usecases
from services.router.usecases import merging
from shared.tokens import Actor

routes = APIRouter(prefix="/desk", tags=["desk"])

UnitCode = Annotated[str, Field(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")]
CategoryCode = Annotated[str, Field(pattern=r"^[0-9]{7}$")]
AreaCode = Annotated[str, Field(pattern=r"^[0-9]{9}(?:[0-9]{3})?$")]
ReasonCode = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]


def additions_of(row: dict[str, Any]) -> dict[str, Any]:
    """Of a row of a list, with marks and merging as they are shown."""
    added = (row.pop(name) for name in ("supplements", "urges", "withdrawal_asked_at"))
    return {**row, "marks": marks(row["state"], *added), "follows": row.pop("master_id") is not None}


class CaseLine(BaseModel):
    case_id: UUID
    case_no: str
    state: str
    edition: str
    type_code: str
    category_code: str | None
    category_name: str
    area_code: str | None
    grade: str | None
    title: str
    round: int
    confidential: bool
    received_at: datetime
    closed_at: datetime | None
    outcome: str | None
    tags: list[TagName]
    marks: list[Mark]
    """What its citizen has added: words, an urge, the wish to withdraw."""
    follows: bool
    """并案: it is answered with another case."""

    @classmethod
    def of(cls, row: RowMapping, rules: Rules, tags: Sequence[str], *, desk: bool) -> "CaseLine":
        shown_tags = TagName.all(tags, rules, desk=desk, confidential=row["confidential"])
        return cls(**additions_of(dict(row)), category_name=category_name(row["category_code"], rules), tags=shown_tags)


class CasePage(BaseModel):
    items: list[CaseLine]
    next: UUID | None
    """Give it as `after` for the next page; null on the last."""


class QueueLine(CaseLine):
    """A case that waits, with the classifier's best guesses and why it was not sure."""

    text: str
    place: Place
    confidence: float
    reasons: list[Reason]
    candidates: list[CandidateView]
    emergency: bool
    """An emergency that is on is about it: it stands before the others."""

    @classmethod
    def of(cls, row: RowMapping, rules: Rules, tags: Sequence[str], *, desk: bool) -> "QueueLine":
        values = additions_of(dict(row))
        guesses = candidates_of(values.pop("candidates"))
        name = category_name(row["category_code"], rules)
        shown_tags = TagName.all(tags, rules, desk=desk, confidential=row["confidential"])
        return cls(**values, category_name=name, candidates=CandidateView.all(guesses, rules), tags=shown_tags)


class QueuePage(BaseModel):
    items: list[QueueLine]
    next: UUID | None


class ReturnLine(BaseModel):
    order_id: UUID
    case_id: UUID
    case_no: str
    title: str
    role: str
    unit_code: str
    unit_name: str
    category_code: str | None
    reason_code: str
    reason_zh: str
    legal_basis: str
    returned_at: datetime


class ReturnPage(BaseModel):
    items: list[ReturnLine]
    next: UUID | None


class Choice(BaseModel):
    """What the dispatcher decides; units are taken from the dispatch table where none are named."""

    model_config = ConfigDict(extra="forbid")

    category_code: CategoryCode
    type_code: CaseType | None = None
    standard_no: int | None = Field(default=None, ge=1, le=20)
    """One of the category's standards; told from the words of the request when left out."""
    area_code: AreaCode | None = None
    lead_unit_code: UnitCode | None = None
    co_unit_codes: list[UnitCode] = Field(default=[], max_length=10)
    repair_first: bool = False
    """先抢修再问责: order the repair at once, in urgent hours, and settle who is liable after closing."""


class Closing(BaseModel):
    """With a reason: not accepted, from the queue. Without: answered, closed without a rating."""

    model_config = ConfigDict(extra="forbid")

    reason_code: ReasonCode | None = None


class ReasonView(BaseModel):
    code: str
    zh: str
    en: str


class NotAcceptedReason(ReasonView):
    """With what the citizen will read."""

    public_reason: str
    right_channel: str

    @classmethod
    def of(cls, one: Refusal) -> "NotAcceptedReason":
        return cls(
            code=one.code, zh=one.zh, en=one.en, public_reason=one.public_reason, right_channel=one.right_channel
        )


class ReasonList(BaseModel):
    not_accepted: list[NotAcceptedReason]
    returns: list[ReasonView]
    terminations: list[ReasonView]


def _next(found: list[RowMapping], limit: int, key: str = "case_id") -> UUID | None:
    last: UUID | None = found[-1][key] if len(found) == limit else None
    return last


async def shown(tx: Tx, case_id: UUID, by: Actor, response: Response, now: datetime) -> CaseView:
    case, rules = await usecases.look(tx, case_id, by)
    await reads.note(tx.connection, case, by, now=now)
    tag(response, case)
    related = await merging.related(tx, case, by)
    place = rules.catalogue.places.subdistrict_of(case.area_code)
    likeliest = case.category_code or (case.candidates[0].category_code if case.candidates else None)
    precedents = tx.rulebook.precedents.of(likeliest, place)
    history = await usecases.history(tx, case)
    return CaseView.of(case, rules, by, history, related, precedents=precedents, now=now)


@routes.get("/queue")
async def read_queue(
    *,
    here: Here,
    by: Filing,
    tags: AllOfTags = [],  # noqa: B006
    after: UUID | None = None,
    limit: Limit = 50,
) -> QueuePage:
    rules = here_rules(here)
    tagged.must_be_tags(tags, rules, desk=True)
    async with here.begin() as tx:
        recused = lists.recused_codes(by, rules)
        first = emergencies.waiting_for(rules.alarm.on(here.clock.now()), rules.catalogue.places)
        found = await lists.queue(tx.connection, recused=recused, tags=tags, first=first, after=after, limit=limit)
        rules_of = await names_of(here, tx, found)
        held = await tagged.tags_of(tx.connection, [row["case_id"] for row in found])
    items = [QueueLine.of(row, rules_of(row), held.get(row["case_id"], ()), desk=True) for row in found]
    return QueuePage(items=items, next=_next(found, limit))


@routes.get("/returns")
async def read_returns(*, here: Here, by: Dispatcher, after: UUID | None = None, limit: Limit = 50) -> ReturnPage:
    """Orders units have given back, oldest first; the citizen's clock runs on."""
    rules = here_rules(here)
    async with here.begin() as tx:
        recused = lists.recused_codes(by, rules)
        found = await lists.returned(tx.connection, recused=recused, after=after, limit=limit)
    items = [_return_line(row, rules) for row in found]
    return ReturnPage(items=items, next=_next(found, limit, "order_id"))


def _return_line(row: RowMapping, rules: Rules) -> ReturnLine:
    made = row["returned"]
    reason = rules.table.returns.reason(made["reason_code"])
    return ReturnLine(
        order_id=row["order_id"],
        case_id=row["case_id"],
        case_no=row["case_no"],
        title=row["title"],
        role=row["role"],
        unit_code=row["unit_code"],
        unit_name=rules.unit_name(row["unit_code"]),
        category_code=row["category_code"],
        reason_code=made["reason_code"],
        reason_zh=reason.zh if reason else "",
        legal_basis=made["legal_basis"],
        returned_at=made["at"],
    )


@routes.get("/reasons")
async def read_reasons(*, here: Here, by: AtWork) -> ReasonList:  # noqa: ARG001  any member of staff
    """The reasons a form offers for not accepting, for returning and for ending."""
    rules = here_rules(here)
    refused = [NotAcceptedReason.of(one) for one in rules.catalogue.refusals.reasons]
    returns = [ReasonView(code=one.code, zh=one.zh, en=one.en) for one in rules.table.returns.reasons]
    ends = [ReasonView(code=one.code, zh=one.zh, en=one.en) for one in rules.table.terminations]
    return ReasonList(not_accepted=refused, returns=returns, terminations=ends)


@routes.get("/cases")
async def read_cases(
    *,
    here: Here,
    by: AtWork,
    state: Annotated[list[Literal["queued", "handling", "replied", "closed"]], Query(max_length=4)] = [],  # noqa: B006
    tags: AllOfTags = [],  # noqa: B006
    mark: Annotated[list[Mark], Query(max_length=3)] = [],  # noqa: B006
    after: UUID | None = None,
    limit: Limit = 50,
) -> CasePage:
    """Newest first; a unit sees the cases it holds an order of."""
    rules = here_rules(here)
    desk = scope.sees_all(by, rules)
    tagged.must_be_tags(tags, rules, desk=desk)
    async with here.begin() as tx:
        found = await lists.cases_by_state(
            tx.connection,
            states=state,
            units=None if desk else by.units,
            left=[one.key for one in rules.table.states if one.final],
            recused=lists.recused_codes(by, rules),
            tags=tags,
            confidential_too=not scope.only_open(by, rules) and (desk or not tagged.personal(tags, rules)),
            marks=mark,
            after=after,
            limit=limit,
        )
        rules_of = await names_of(here, tx, found)
        held = await tagged.tags_of(tx.connection, [row["case_id"] for row in found])
    items = [CaseLine.of(row, rules_of(row), held.get(row["case_id"], ()), desk=desk) for row in found]
    return CasePage(items=items, next=_next(found, limit))


@routes.get("/cases/{case_id}")
async def read_case(*, here: Here, by: AtWork, case_id: UUID, response: Response) -> CaseView:
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, here.clock.now())


@routes.post("/cases/{case_id}/classification")
async def classify_case(
    *, here: Here, by: Filing, case_id: UUID, body: Choice, response: Response, if_match: IfMatch = None
) -> CaseView:
    """The dispatcher's choice: files and dispatches."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.classify(
            tx,
            case_id,
            category_code=body.category_code,
            type_code=body.type_code,
            area_code=body.area_code,
            lead=body.lead_unit_code,
            co_units=body.co_unit_codes,
            standard_no=body.standard_no,
            repair=body.repair_first,
            by=by,
            if_match=if_match,
            now=now,
        )
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)


@routes.post("/cases/{case_id}/close")
async def close_case(
    *, here: Here, by: AtDesk, case_id: UUID, body: Closing, response: Response, if_match: IfMatch = None
) -> CaseView:
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.close(tx, case_id, reason_code=body.reason_code, by=by, if_match=if_match, now=now)
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)


@routes.post("/cases/{case_id}/reopen")
async def reopen_case(
    *, here: Here, by: AtDesk, case_id: UUID, response: Response, if_match: IfMatch = None
) -> CaseView:
    """Another round for the unit that led the last one."""
    now = here.clock.now()
    async with here.begin() as tx:
        await usecases.reopen(tx, case_id, by=by, if_match=if_match, now=now)
    async with here.begin() as tx:
        return await shown(tx, case_id, by, response, now)
