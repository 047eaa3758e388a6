"""The HTTP door of the limit rules: what is in force, why a clock has its limit, and compression rounds."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.intake import CaseType
from contracts.events.sla import ClockKind
from services.sla import compression, usecases
from services.sla.compression import Basis
from services.sla.hours import SHENZHEN
from services.sla.legal import legal_clocks
from services.sla.limits import Asked, Edition, Grade, Weighed
from services.sla.past import past_cases
from services.sla.published_limits import must_begin_later, publish_edition, published_editions
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.views import Instant, LimitView, Local
from services.sla.workdays import Limit, Unit
from shared import actors
from shared.actors import Someone, requires
from shared.context import Context
from shared.tokens import Actor

routes = APIRouter(prefix="/limits", tags=["sla"])

Here = Annotated[Context[Settings, SlaTx], Depends(actors.here)]
AtWork = Annotated[Actor, Depends(requires(kind=("staff", "machine")))]
Keeper = Annotated[Actor, Depends(requires("admin", "system_admin", "supervisor", kind="staff"))]
Reader = Annotated[Actor, Depends(requires("admin", "system_admin", "supervisor", "leader", "analyst", kind="staff"))]
Word = Annotated[str, Query(max_length=40, pattern=r"^[A-Za-z0-9_./-]*$")]
SIMULATED_DAYS = 90


class EditionView(BaseModel):
    edition: str
    name: str
    source: str
    valid_from: date
    valid_to: date | None
    rules: int
    overlays: list[str]
    """In force beside it today, or when it ended."""
    published_by: str | None
    published_at: Local | None
    reason: str | None
    """None for editions the system ships with."""


class EditionList(BaseModel):
    editions: list[EditionView]
    in_force: str


class WeighedView(BaseModel):
    rule_code: str
    against: str | None
    """What kept it from being the one: clock, type, grade, category, source, group, emergency, or `longer`."""
    reason: str


class Explanation(BaseModel):
    edition: str
    limit: LimitView
    rule_code: str
    reason: str
    looked_at: list[WeighedView]
    """In the order in which they are asked."""


class ClockExplanation(Explanation):
    clock_id: UUID
    kind: str
    order_id: UUID | None


class CaseExplanation(BaseModel):
    case_id: UUID
    clocks: list[ClockExplanation]


class ProposalView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    type_code: CaseType
    category_code: str
    cases: int
    timed: int
    late_share: float | None
    average: float | None
    p50: float | None
    p90: float | None
    now: LimitView
    proposed: LimitView | None
    would_be_late: float | None


class ProposalList(BaseModel):
    basis: str
    against: str
    """The edition in force."""
    proposals: list[ProposalView]
    edition: dict[str, Any]
    """What would be published; may be changed before."""


class OutcomeView(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    type_code: CaseType
    cases: int
    late_before: int
    late_after: int
    shorter: int


class EditionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    edition: Edition
    reason: str = Field(min_length=2, max_length=200)


class EditionPublished(BaseModel):
    edition: str
    valid_from: date
    published: bool
    outcomes: list[OutcomeView]
    """The answered cases of the last ninety days, by the edition in force and by this one."""


class LegalClockView(BaseModel):
    code: str
    name: str
    begins: str
    source: str
    limit: LimitView
    due_at: Local
    extended_due_at: Local | None

    @classmethod
    def of(cls, each: Any, due_at: datetime, extended: datetime | None) -> Self:
        limit = LimitView.model_validate(each.limit, from_attributes=True)
        return cls(
            code=each.code, name=each.name, begins=each.begins, source=each.source, limit=limit, due_at=due_at,
            extended_due_at=extended,
        )  # fmt: skip


class LegalClockList(BaseModel):
    start: Local
    clocks: list[LegalClockView]


@routes.get("")
async def list_limits(_: AtWork, here: Here) -> EditionList:
    """All editions of the limits, the newest first; a case keeps the one it was filed under."""
    async with here.begin() as tx:
        book = (await tx.stopwatch()).book
        published = {row.edition: row for row in await published_editions(tx.connection)}
    now = here.clock.now()
    views = []
    for edition in reversed(book.editions):
        row = published.get(edition.edition)
        last = min(now, datetime.combine(edition.valid_to, datetime.max.time(), UTC)) if edition.valid_to else now
        overlays = book.overlays_on(max(edition.valid_from, last.astimezone(SHENZHEN).date()))
        views.append(
            EditionView(
                edition=edition.edition,
                name=edition.name,
                source=edition.source,
                valid_from=edition.valid_from,
                valid_to=edition.valid_to,
                rules=len(edition.rules),
                overlays=[each.overlay for each in overlays],
                published_by=row.published_by if row else None,
                published_at=row.published_at if row else None,
                reason=row.reason if row else None,
            )
        )
    return EditionList(editions=views, in_force=book.at(now).edition)


@routes.get("/explain")
async def explain_limit(
    *,
    _: AtWork,
    here: Here,
    clock: ClockKind,
    type_code: CaseType | None = None,
    category_code: Word = "",
    standard_no: Annotated[int | None, Query(ge=1, le=999)] = None,
    grade: Grade = "B",
    source: Word = "",
    group: Annotated[list[Word] | None, Query(max_length=10)] = None,
    emergency: bool = False,
    amount: Annotated[int, Query(ge=1, le=10_000)] = 7,
    unit: Unit = "work_day",
    on: date | None = None,
) -> Explanation:
    """Which rule gives such a clock its limit that day, why, and which were passed over; `amount` and `unit` are the
    standard's own limit.
    """
    at = datetime.combine(on, datetime.min.time(), SHENZHEN) if on else here.clock.now()
    async with here.begin() as tx:
        edition = (await tx.stopwatch()).book.at(at)
    asked = Asked(
        clock, type_code, grade, amount, unit, category_code, standard_no, source, tuple(group or ()), emergency
    )
    return Explanation(**_explained(edition, asked))


@routes.get("/explain/{case_id}")
async def explain_case(case_id: UUID, by: AtWork, here: Here) -> CaseExplanation:
    """The same for every clock of a case, by the edition it is judged by."""
    async with here.begin() as tx:
        case = await usecases.clocks_of(tx, case_id, by=by)
    book, found = case.stopwatch.book, []
    for clock in sorted(case.clocks, key=lambda clock: (clock.started_at, clock.kind)):
        # What was started before the filing had nothing but its kind to go by.
        filing = case.filing if case.filing and clock.kind != "accept" else None
        edition = book.judging(filing) if filing else book.at(clock.started_at)
        explained = _explained(edition, Asked.of(clock.kind, filing))
        explained |= {"limit": LimitView.model_validate(clock, from_attributes=True), "rule_code": clock.rule_code}
        explained["reason"] = book.explain(clock.rule_code)
        found.append(ClockExplanation(clock_id=clock.clock_id, kind=clock.kind, order_id=clock.order_id, **explained))
    return CaseExplanation(case_id=case_id, clocks=found)


@routes.get("/legal")
async def list_legal_clocks(_: Someone, here: Here, start: Instant) -> LegalClockList:
    """What 信访工作条例 gives time for, counted from `start` in office hours' calendar."""
    async with here.begin() as tx:
        calendar = (await tx.stopwatch()).calendar
    found = []
    for each in legal_clocks():
        extended = each.extended
        due = calendar.due(start, each.limit).at
        found.append(LegalClockView.of(each, due, calendar.due(start, extended).at if extended else None))
    return LegalClockList(start=start, clocks=found)


@routes.get("/proposals")
async def propose_limits(
    *,
    _: Reader,
    here: Here,
    since: Annotated[date, Query(alias="from")],
    until: Annotated[date, Query(alias="to")],
    basis: Basis | None = None,
    edition: Annotated[str, Query(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)] = "next",
    valid_from: date | None = None,
) -> ProposalList:
    """New limits by type and category, from what the cases answered in that time really used; nothing is changed."""
    now, rules = here.clock.now(), compression.shipped_rules()
    async with here.begin() as tx:
        stopwatch = await tx.stopwatch()
        cases = await past_cases(tx, _midnight(since), _midnight(until) + timedelta(days=1))
    base, chosen = stopwatch.book.at(now), basis or rules.basis
    found = compression.propose(cases, base, stopwatch.calendar, rules, chosen)
    begins = valid_from or now.astimezone(SHENZHEN).date() + timedelta(days=1)
    name = f"{begins.year}年办理时限（按实际用时压缩）"
    made = compression.edition_of(found, base, code=edition, name=name, valid_from=begins, basis=chosen)
    return ProposalList(
        basis=chosen,
        against=base.edition,
        proposals=[ProposalView.model_validate(each) for each in found],
        edition=made.model_dump(mode="json", exclude={"overlays"}),
    )


@routes.post("/editions")
async def publish_limits(body: EditionBody, by: Keeper, here: Here, dry_run: bool = True) -> EditionPublished:
    """An edition of the limits, in force from its first day on; cases filed before keep theirs.

    Without `dry_run=false` only what it would have meant for the answered cases of the last ninety days.
    """
    now, edition = here.clock.now(), body.edition
    async with here.begin() as tx:
        stopwatch = await tx.stopwatch()
        later = must_begin_later(edition, stopwatch.book, now)
        if not dry_run:
            await publish_edition(tx.connection, edition, stopwatch.book, reason=body.reason, by=by.id, now=now)
        cases = await past_cases(tx, now - timedelta(days=SIMULATED_DAYS), now + timedelta(seconds=1))
    after = later.at(_midnight(edition.valid_from))
    outcomes = compression.simulate(cases, stopwatch.book.at(now), after, stopwatch.calendar)
    return EditionPublished(
        edition=edition.edition,
        valid_from=edition.valid_from,
        published=not dry_run,
        outcomes=[OutcomeView.model_validate(each) for each in outcomes],
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), SHENZHEN)


def _explained(edition: Edition, asked: Asked) -> dict[str, Any]:
    found, weighed = edition.work_out(asked)
    return {
        "edition": edition.edition,
        "limit": _limit_view(found.limit),
        "rule_code": found.rule_code,
        "reason": next(each.reason for each in weighed if each.against is None),
        "looked_at": _weighed(weighed),
    }


def _limit_view(limit: Limit) -> LimitView:
    return LimitView.model_validate(limit, from_attributes=True)


def _weighed(weighed: Sequence[Weighed]) -> list[WeighedView]:
    return [WeighedView(**each._asdict()) for each in weighed]
