"""The doors for watching from above: urging, supervision, its public list, appeals, and evidence for discipline."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response

from services.sla.oversight import evidence, lists, usecases, watching
from services.sla.oversight.appeals import Appeal
from services.sla.oversight.doors import After, AtWork, Here, Most, OfUnit, OfUnitCode, page, seen_by, shown
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.views import (
    AppealForm,
    AppealView,
    DecisionForm,
    ListedMatters,
    NoteForm,
    Page,
    PublicTitleForm,
    ReviewForm,
    SupervisionForm,
    SupervisionView,
    UrgedView,
    UrgeForm,
)
from services.sla.oversight.watching import ActionsView
from shared.actors import requires
from shared.tokens import Actor

routes = APIRouter(tags=["sla"])

Urging = Annotated[Actor, Depends(requires("operator", "supervisor", "leader", "admin", kind="staff"))]
Above = Annotated[Actor, Depends(requires("supervisor", "leader", "admin", kind="staff"))]
Reviewing = Annotated[Actor, Depends(requires("dispatcher", "reviewer", "supervisor", "admin", kind="staff"))]
Inspecting = Annotated[Actor, Depends(requires("discipline", "supervisor", "leader", kind="staff"))]
State = Literal["open", "answered", "accepted", "escalated", "lifted"]


@routes.get("/clocks/{case_id}/actions")
async def list_actions(case_id: UUID, by: AtWork, here: Here) -> ActionsView:
    """What may be asked for or ordered about this case's time now, order by order, and why something may not."""
    async with here.begin() as tx:
        return await watching.actions_of(tx, case_id, by=by, now=here.clock.now())


@routes.post("/clocks/{case_id}/urges", status_code=201)
async def urge(case_id: UUID, form: UrgeForm, by: Urging, here: Here) -> UrgedView:
    """催办: every unit still at work on the case is urged."""
    async with here.begin() as tx:
        said = await usecases.urge(tx, case_id, note=form.note, by=by, now=here.clock.now())
        case = await tx.case(case_id)
        return UrgedView(times=case.urged, unit_codes=[each.unit_code for each in said])


@routes.post("/supervisions", status_code=201)
async def order_supervision(form: SupervisionForm, by: Above, here: Here) -> SupervisionView:
    """督办, with a level and a day to answer by; of the lead's unit if none is named."""
    now = here.clock.now()
    async with here.begin() as tx:
        ordered = await usecases.order_supervision(
            tx,
            form.case_id,
            level=form.level,
            unit_code=form.unit_code,
            order_id=form.order_id,
            instruction=form.instruction,
            by=by,
            now=now,
        )
        return SupervisionView.of(ordered, await tx.case(form.case_id), by, now)


@routes.get("/supervisions")
async def list_supervisions(
    *,
    by: AtWork,
    here: Here,
    state: Annotated[list[State] | None, Query(max_length=5)] = None,
    unit_code: OfUnitCode = None,
    case_id: UUID | None = None,
    after: After = None,
    limit: Most = 50,
) -> Page[SupervisionView]:
    """What is watched (open and answered, when no state is named), the first reply due first."""
    asked = lists.Asked(state or ["open", "answered"], seen_by(by, unit_code), case_id, after, limit)
    async with here.begin() as tx:
        return await page(tx, Supervision, asked, SupervisionView.of, by=by, now=here.clock.now())


@routes.get("/supervisions/listed")
async def listed(here: Here) -> ListedMatters:
    """挂牌督办, for everybody to read: only what was written for the public."""
    async with here.begin() as tx:
        return ListedMatters(matters=await lists.listed(tx.connection))


@routes.get("/supervisions/{supervision_id}")
async def show_supervision(supervision_id: UUID, by: AtWork, here: Here) -> SupervisionView:
    async with here.begin() as tx:
        return await shown(tx, Supervision, supervision_id, SupervisionView.of, by=by, now=here.clock.now())


@routes.post("/supervisions/{supervision_id}/replies")
async def answer(supervision_id: UUID, form: NoteForm, by: OfUnit, here: Here) -> SupervisionView:
    """The reply the unit owes."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await usecases.answer(tx, supervision_id, text=form.note, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/judgements")
async def judge(supervision_id: UUID, form: DecisionForm, by: Above, here: Here) -> SupervisionView:
    """Accept the reply, or let the matter go a level up."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await usecases.judge(tx, supervision_id, accepted=form.agreed, note=form.note, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/escalations", status_code=201)
async def escalate(supervision_id: UUID, form: NoteForm, by: Above, here: Here) -> SupervisionView:
    """The next level; answers the new order."""
    now = here.clock.now()
    async with here.begin() as tx:
        heavier = await usecases.escalate(tx, supervision_id, instruction=form.note, by=by, now=now)
        return SupervisionView.of(heavier, await tx.case(heavier.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/lifting")
async def lift(supervision_id: UUID, form: NoteForm, by: Above, here: Here) -> SupervisionView:
    """撤销督办."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await watching.lift(tx, supervision_id, note=form.note, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/listing")
async def list_publicly(supervision_id: UUID, form: PublicTitleForm, by: Above, here: Here) -> SupervisionView:
    """挂牌: put it on the public list, in words written for the public."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await watching.list_publicly(tx, supervision_id, title=form.public_title, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/interviews")
async def note_interview(supervision_id: UUID, form: NoteForm, by: Above, here: Here) -> SupervisionView:
    """约谈 has taken place."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await watching.note_interview(tx, supervision_id, note=form.note, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.post("/supervisions/{supervision_id}/accountability")
async def account(supervision_id: UUID, form: NoteForm, by: Above, here: Here) -> SupervisionView:
    """问责: what was decided; recorded once."""
    now = here.clock.now()
    async with here.begin() as tx:
        given = await watching.account(tx, supervision_id, text=form.note, by=by, now=now)
        return SupervisionView.of(given, await tx.case(given.case_id), by, now)


@routes.get("/supervisions/{supervision_id}/evidence", response_class=Response)
async def take_evidence(supervision_id: UUID, by: Inspecting, here: Here) -> Response:
    """The case's evidence as a ZIP: a chain of facts, what it proves, and where the rest is kept. Taking it is kept."""
    async with here.begin() as tx:
        pack = await evidence.take(tx, supervision_id, by=by, now=here.clock.now())
    disposition = {"Content-Disposition": f'attachment; filename="evidence-{pack.pack_id}.zip"'}
    return Response(pack.content, media_type="application/zip", headers=disposition)


@routes.post("/appeals", status_code=201)
async def appeal(form: AppealForm, by: OfUnit, here: Here) -> AppealView:
    """申诉, once for each unit and case, after it is closed."""
    now = here.clock.now()
    async with here.begin() as tx:
        asked = await usecases.appeal(
            tx,
            form.case_id,
            unit_code=form.unit_code,
            ground_code=form.ground_code,
            statement=form.statement,
            evidence=form.evidence,
            by=by,
            now=now,
        )
        return AppealView.of(asked, await tx.case(form.case_id), by, now)


@routes.get("/appeals")
async def list_appeals(
    *,
    by: AtWork,
    here: Here,
    state: Literal["asked", "upheld", "dismissed"] = "asked",
    unit_code: OfUnitCode = None,
    case_id: UUID | None = None,
    after: After = None,
    limit: Most = 50,
) -> Page[AppealView]:
    asked = lists.Asked([state], seen_by(by, unit_code), case_id, after, limit)
    async with here.begin() as tx:
        return await page(tx, Appeal, asked, AppealView.of, by=by, now=here.clock.now())


@routes.get("/appeals/{appeal_id}")
async def show_appeal(appeal_id: UUID, by: AtWork, here: Here) -> AppealView:
    async with here.begin() as tx:
        return await shown(tx, Appeal, appeal_id, AppealView.of, by=by, now=here.clock.now())


@routes.post("/appeals/{appeal_id}/reviews")
async def review_appeal(appeal_id: UUID, form: ReviewForm, by: Reviewing, here: Here) -> AppealView:
    """One of two reviews, by two people; the second decides."""
    now = here.clock.now()
    async with here.begin() as tx:
        asked = await usecases.review_appeal(
            tx, appeal_id, agreed=form.agreed, note=form.note, mark=form.mark, by=by, now=now
        )
        return AppealView.of(asked, await tx.case(asked.case_id), by, now)
