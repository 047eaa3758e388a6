"""The doors of tasks beside the orders: verify, check, guard the scene, account for the damage."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from contracts.events.intake import Place
from services.router import beside_lists, lists
from services.router.api.beside_views import TaskView
from services.router.api.doors import AtDesk, Here, IfMatch, Limit, OnTheSpot, here_rules, names_of, tag
from services.router.api.orders import Body, Note, UnitCode
from services.router.beside_rows import task_of
from services.router.domain import scope
from services.router.domain.errors import NotYourUnit
from services.router.usecases import tasks as usecases
from services.router.usecases.tasks import Found

routes = APIRouter(tags=["tasks"])


class NewTask(Body):
    kind: Literal["verify", "check", "guard"]
    instruction: Annotated[str, Field(max_length=1000)] = ""
    unit_code: UnitCode | None = None
    """The nearest grid officers where left out."""


class Finding(Body):
    outcome: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    note: Note = ""
    photo_ids: list[UUID] = Field(default=[], max_length=20)


class TaskDetail(TaskView):
    """With what whoever goes there must know, and nothing of who asked."""

    case_no: str
    case_title: str
    text: str
    place: Place
    category_code: str | None


class TaskPage(BaseModel):
    items: list[TaskDetail]
    next: UUID | None


def _shown(found: Found, response: Response, now: datetime) -> TaskDetail:
    case, task, rules = found
    tag(response, case)
    shown = TaskView.of(task, rules, now=now)
    return TaskDetail(
        **shown.model_dump(),
        case_no=case.case_no,
        case_title=case.title,
        text=case.text,
        place=case.place,
        category_code=case.category_code,
    )


@routes.get("/tasks")
async def read_tasks(
    *,
    here: Here,
    by: OnTheSpot,
    unit: Annotated[str | None, Query(pattern=r"^[A-Z]{2}-[A-Z][0-9]{2}$")] = None,
    state: Annotated[list[Literal["open", "done", "cancelled"]], Query(max_length=3)] = [],  # noqa: B006
    after: UUID | None = None,
    limit: Limit = 50,
) -> TaskPage:
    """Oldest first; a unit sees its own."""
    rules, now = here_rules(here), here.clock.now()
    desk = scope.sees_all(by, rules)
    if unit is not None and unit not in by.units and not desk:
        raise NotYourUnit
    async with here.begin() as tx:
        found = await beside_lists.tasks_of(
            tx.connection,
            units=[unit] if unit is not None else None if desk else by.units,
            states=state,
            recused=lists.recused_codes(by, rules),
            after=after,
            limit=limit,
        )
        rules_of = await names_of(here, tx, found)
    items = [
        TaskDetail(
            **TaskView.of(task_of(row), rules_of(row), now=now).model_dump(),
            case_no=row["case_no"],
            case_title=row["title"],
            text=row["text"],
            place=Place.model_validate(row["place"]),
            category_code=row["category_code"],
        )
        for row in found
    ]
    return TaskPage(items=items, next=items[-1].task_id if len(items) == limit else None)


@routes.get("/tasks/{task_id}")
async def read_task(*, here: Here, by: OnTheSpot, task_id: UUID, response: Response) -> TaskDetail:
    async with here.begin() as tx:
        found = await usecases.look(tx, task_id, by)
    return _shown(found, response, here.clock.now())


@routes.post("/desk/cases/{case_id}/tasks", status_code=201)
async def assign_task(
    *, here: Here, by: AtDesk, case_id: UUID, body: NewTask, response: Response, if_match: IfMatch = None
) -> TaskDetail:
    """核实 before filing, 核查 before closing, 临时处置 at any time."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.assign(
            tx,
            case_id,
            kind=body.kind,
            instruction=body.instruction,
            unit_code=body.unit_code,
            by=by,
            if_match=if_match,
            now=now,
        )
    return _shown(found, response, now)


@routes.post("/tasks/{task_id}/finding")
async def finish_task(
    *, here: Here, by: OnTheSpot, task_id: UUID, body: Finding, response: Response, if_match: IfMatch = None
) -> TaskDetail:
    """What was found or done, with photos where the rules want them."""
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.finish(
            tx,
            task_id,
            outcome=body.outcome,
            note=body.note,
            photo_ids=body.photo_ids,
            by=by,
            if_match=if_match,
            now=now,
        )
    return _shown(found, response, now)


@routes.post("/tasks/{task_id}/cancellation")
async def call_task_off(
    *, here: Here, by: AtDesk, task_id: UUID, response: Response, if_match: IfMatch = None
) -> TaskDetail:
    now = here.clock.now()
    async with here.begin() as tx:
        found = await usecases.call_off(tx, task_id, by=by, if_match=if_match, now=now)
    return _shown(found, response, now)
