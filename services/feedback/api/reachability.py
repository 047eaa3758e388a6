"""How citizens want to be told, what they let WeChat send them, and the clerks who tell them by phone."""

from typing import Annotated, Any, cast
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from sqlalchemy import select

from services.feedback import phone_tasks, preferences
from services.feedback.api.notice_views import (
    CallForm,
    CallResult,
    ConsentView,
    MailReply,
    MailReplyCase,
    PhoneTask,
    PhoneTaskClaimed,
    PreferencesForm,
    PreferencesView,
    SubscriptionForm,
)
from services.feedback.providers.mail import ReplyAddress
from services.feedback.store import Tx
from services.feedback.tables import notice_templates, progress
from shared.actors import Citizen, Here, requires
from shared.errors import FieldError, InvalidInput, NotFound
from shared.tokens import Actor

routes = APIRouter(tags=["notices"])

Clerk = Annotated[Actor, Depends(requires("callback_clerk", "admin", kind="staff"))]


MailPipe = Annotated[Actor, Depends(requires("operator_system", "admin", "system_admin"))]


class NotAReplyAddress(NotFound):
    """This address is not one that answers to notices are sent to."""

    zh = "不是通知邮件的回复地址"


def _citizen(actor: Actor) -> UUID:
    try:
        return UUID(actor.id)
    except ValueError:
        raise InvalidInput(fields=(FieldError("header/authorization", "names no citizen", "登录信息有误"),)) from None


async def _view(tx: Tx, citizen_id: UUID) -> PreferencesView:
    row = await preferences.stated(tx, citizen_id)
    offered = select(notice_templates.c.provider_template).where(
        notice_templates.c.channel == "wechat", notice_templates.c.approved
    )
    return PreferencesView(
        channels=row.channels if row else None,
        quiet_begins=row.quiet_begins if row else None,
        quiet_ends=row.quiet_ends if row else None,
        consent_version=row.consent_version if row else None,
        wechat=[
            ConsentView.model_validate(each, from_attributes=True)
            for each in await preferences.consents(tx, citizen_id)
        ],
        wechat_templates=sorted((await tx.connection.execute(offered)).scalars()),
    )


@routes.get("/notices/preferences")
async def show_preferences(here: Here, actor: Citizen) -> PreferencesView:
    """How the citizen is told, and which WeChat messages they have agreed to."""
    async with here.begin() as tx:
        return await _view(tx, _citizen(actor))


@routes.put("/notices/preferences")
async def set_preferences(here: Here, actor: Citizen, body: PreferencesForm) -> PreferencesView:
    """From now on notices come this way. Whether a case was accepted, and its answer, can always be looked up."""
    if (body.quiet_begins is None) != (body.quiet_ends is None):
        raise InvalidInput(fields=(FieldError("/quiet_ends", "both or none", "起止时间须同时填写"),))
    if len(set(body.channels)) != len(body.channels):
        raise InvalidInput(fields=(FieldError("/channels", "names a channel twice", "渠道重复"),))
    quiet = (body.quiet_begins, body.quiet_ends) if body.quiet_begins and body.quiet_ends else None
    wanted = preferences.Preferences(tuple(body.channels), quiet, body.consent_version)
    async with here.begin() as tx:
        citizen_id = _citizen(actor)
        await preferences.state(tx, citizen_id, wanted, now=here.clock.now())
        return await _view(tx, citizen_id)


@routes.post("/notices/subscriptions", status_code=201)
async def keep_subscriptions(here: Here, actor: Citizen, body: SubscriptionForm) -> PreferencesView:
    """What came of `wx.requestSubscribeMessage`; each accepted one-time template is one message more."""
    async with here.begin() as tx:
        citizen_id = _citizen(actor)
        await preferences.answered(tx, citizen_id, body.results, now=here.clock.now())
        return await _view(tx, citizen_id)


def _task(row: Any) -> dict[str, Any]:
    tries = sum(call["what"] != "number seen" for call in row.calls)
    told = ("task_id", "case_id", "title", "body", "due_at")
    return {name: getattr(row, name) for name in told} | {"tries": tries}


@routes.get("/notices/phone-tasks")
async def list_phone_tasks(
    here: Here,
    actor: Clerk,  # noqa: ARG001  being admitted is all
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[PhoneTask]:
    """Calls to be made now, the longest waiting first; whom to call is shown to who takes one."""
    async with here.begin() as tx:
        rows = await phone_tasks.waiting(tx, now=here.clock.now(), limit=limit)
    return [PhoneTask.model_validate(_task(row)) for row in rows]


@routes.post("/notices/phone-tasks/{task_id}/claim")
async def claim_phone_task(here: Here, actor: Clerk, task_id: UUID, response: Response) -> PhoneTaskClaimed:
    """Take a call for half an hour; that its number was seen, and by whom, is written down."""
    now = here.clock.now()
    async with here.begin() as tx:
        call = await phone_tasks.claim(tx, task_id, by=actor.id, now=now)
    response.headers["Cache-Control"] = "no-store"
    until = now + phone_tasks.CLAIM
    return PhoneTaskClaimed.model_validate({**_task(call.row), "phone": call.phone, "claimed_until": until})


@routes.post("/notices/phone-tasks/{task_id}/calls", status_code=201)
async def record_call(here: Here, actor: Clerk, task_id: UUID, body: CallForm) -> CallResult:
    """What came of it; not reached is tried again later, as often as the rules say."""
    async with here.begin() as tx:
        state = await phone_tasks.record(tx, task_id, reached=body.reached, by=actor.id, now=here.clock.now())
    return CallResult(state=cast("Any", state))


@routes.post("/notices/mail-replies")
async def find_mail_reply(here: Here, actor: MailPipe, body: MailReply) -> MailReplyCase:  # noqa: ARG001
    """Which case an answer to a notice belongs to; the mail server's pipe then brings it to the register's own door."""
    addresses: ReplyAddress | None = here.parts["reply_addresses"]
    case_id = addresses.case_of(body.to.strip().strip("<>")) if addresses else None
    if case_id is None:
        raise NotAReplyAddress
    async with here.begin() as tx:
        found = select(progress.c.case_no).where(progress.c.case_id == case_id, progress.c.case_no.is_not(None))
        case_no = (await tx.connection.execute(found)).scalar_one_or_none()
    if case_no is None:
        raise NotAReplyAddress
    return MailReplyCase(case_id=case_id, case_no=case_no)
