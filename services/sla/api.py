"""The HTTP door: clocks for staff; calendars and due times for whoever is logged in."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from services.sla import usecases, wording
from services.sla.listing import CURSOR, Cursor, Wanted
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.views import (
    FIRST_YEAR,
    LAST_YEAR,
    CalendarList,
    CalendarView,
    CaseClocksView,
    ClockList,
    ClockView,
    DueDate,
    DueDateQuestion,
    LimitView,
)
from services.sla.workdays import Limit
from shared import actors
from shared.actors import Someone, requires
from shared.context import Context
from shared.tokens import Actor

routes = APIRouter(tags=["sla"])

Here = Annotated[Context[Settings, SlaTx], Depends(actors.here)]
AtWork = Annotated[Actor, Depends(requires(kind=("staff", "machine")))]


@routes.get("/clocks")
async def list_clocks(
    *,
    actor: AtWork,
    here: Here,
    state: Literal["normal", "warned", "breached", "paused"] = "breached",
    unit_code: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_.-]{1,64}$")] = None,
    after: Annotated[str | None, Query(pattern=CURSOR)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> ClockList:
    """Running clocks in one state, the earliest due first; people of a unit see their own."""
    now = here.clock.now()
    wanted = Wanted(state, unit_code, Cursor.parse(after) if after else None, limit + 1)
    async with here.begin() as tx:
        found = await usecases.list_clocks(tx, wanted, by=actor)
        stopwatch = await tx.stopwatch()
    shown = found[:limit]
    more = len(found) > limit
    return ClockList(
        clocks=[
            ClockView.of(each.clock, case_id=each.case_id, case_no=each.case_no, stopwatch=stopwatch, now=now)
            for each in shown
        ],
        next=str(Cursor(shown[-1].clock.due_at, shown[-1].clock.clock_id)) if more else None,
    )


@routes.get("/clocks/by-number/{case_no}")
async def clocks_by_number(
    case_no: Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{4,40}$")], actor: AtWork, here: Here
) -> CaseClocksView:
    """The clocks of a case, by the number the citizen has."""
    async with here.begin() as tx:
        case = await usecases.clocks_of_number(tx, case_no.replace("-", "").upper(), by=actor)
    return CaseClocksView.of(case, here.clock.now())


@routes.get("/clocks/{case_id}")
async def clocks_of_case(case_id: UUID, actor: AtWork, here: Here) -> CaseClocksView:
    """The clocks of a case, those that have stopped included, with the rule that gave each its limit."""
    async with here.begin() as tx:
        case = await usecases.clocks_of(tx, case_id, by=actor)
    return CaseClocksView.of(case, here.clock.now())


@routes.get("/calendars")
async def list_calendars(
    _: Someone, here: Here, year: Annotated[int | None, Query(ge=FIRST_YEAR, le=LAST_YEAR)] = None
) -> CalendarList:
    """The working calendars, the newest first, with known years and working hours; of one year also its holidays."""
    async with here.begin() as tx:
        kept = await usecases.calendars(tx)
    return CalendarList(calendars=[CalendarView.of(each, year) for each in kept])


@routes.post("/due-dates")
async def count_due_date(question: DueDateQuestion, _: Someone, here: Here) -> DueDate:
    """When a limit that begins at `start` ends, and why; nothing is kept."""
    limit = Limit(question.amount, question.unit, question.count_from)
    async with here.begin() as tx:
        calendar = await usecases.calendar(tx, hours_code=question.hours, version=question.calendar)
    due = calendar.due(question.start, limit)
    return DueDate(
        due_at=due.at,
        due_day=calendar.due_day(due.at),
        provisional=due.provisional,
        unknown_year=due.unknown_year,
        calendar=due.calendar_version,
        limit=LimitView.model_validate(limit, from_attributes=True),
        explanation=wording.explain(calendar, question.start, limit, due),
    )
