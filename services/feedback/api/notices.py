"""The ledger of notices for those who run the system, the register of templates, and the visible outbox."""

import html
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Row, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from services.feedback import ledger
from services.feedback.api.notice_views import (
    NoticeCount,
    NoticeCounts,
    NoticePage,
    NoticeView,
    Replay,
    Replayed,
    ReplayMany,
    TemplateForm,
    TemplateView,
)
from services.feedback.domain.notice import Channel, State
from services.feedback.domain.wording import SHENZHEN
from services.feedback.store import Tx
from services.feedback.tables import notice_templates, notices, outbox_messages
from shared.actors import Here, requires
from shared.errors import InvalidInput, NotFound
from shared.tokens import Actor

routes = APIRouter(tags=["notices"])

Admin = Annotated[Actor, Depends(requires("admin", "system_admin", kind="staff"))]
UnitDesk = Annotated[Actor, Depends(requires("unit_manager", "handler", kind="staff"))]
TemplateName = Annotated[str, Path(pattern=r"^[a-z_]{1,40}$")]
_CHANNELS = {"wechat": "微信订阅消息", "sms": "短信", "mail": "邮件", "phone": "电话", "desk": "单位待办"}
_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>通知发件箱</title><style>
body {{ font: 15px/1.6 system-ui, "Microsoft YaHei", sans-serif; margin: 2rem auto; max-width: 64rem; padding: 0 1rem }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ border-bottom: 1px solid #ccc; padding: .4rem; text-align: left }}
</style></head><body><h1>通知发件箱</h1>
<p>尚未接入短信、微信和邮件服务时，应发出的通知都记在这里。收件人已脱敏。</p>
<table><thead><tr><th>时间</th><th>渠道</th><th>收件人</th><th>标题</th><th>内容</th></tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


class NoSuchTemplate(NotFound):
    """The catalogue has no template of this name."""

    zh = "通知目录中没有该模板"


@routes.get("/notices")
async def list_notices(
    *,
    here: Here,
    actor: Admin,  # noqa: ARG001  being admitted is all
    state: State | None = None,
    channel: Channel | None = None,
    audience: Annotated[str | None, Query(pattern="^(citizen|unit)$")] = None,
    node: Annotated[
        str | None, Query(pattern=r"^[a-z_]{1,40}(:\d{1,3})?$", description="`replied`, or `replied:2`")
    ] = None,
    case_id: UUID | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> NoticePage:
    """Who was told what, newest first; recipients are masked."""
    message, n = outbox_messages.c, notices.c
    query = (
        select(notices, message.recipient, message.title, message.body)
        .outerjoin(outbox_messages, message.notice_id == n.notice_id)
        .order_by(n.notice_id.desc())
        .limit(limit + 1)
    )
    wanted = {n.state: state, n.case_id: case_id, n.channel: channel, n.audience: audience}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if node is not None:
        query = query.where(n.occurrence == node if ":" in node else n.occurrence.startswith(f"{node}:"))
    if after is not None:
        query = query.where(n.notice_id < after)
    async with here.begin() as tx:
        rows = (await tx.connection.execute(query)).all()
    items = [NoticeView.model_validate(row, from_attributes=True) for row in rows[:limit]]
    return NoticePage(items=items, next=items[-1].notice_id if len(rows) > limit else None)


@routes.get("/notices/counts")
async def count_notices(
    here: Here,
    actor: Admin,  # noqa: ARG001  being admitted is all
    days: Annotated[int, Query(ge=1, le=366)] = 7,
) -> NoticeCounts:
    """How many notices of the last days are in which state: who could not be told, and for want of what."""
    since = here.clock.now() - timedelta(days=days)
    async with here.begin() as tx:
        rows = await ledger.counted(tx, since=since)
    return NoticeCounts(since=since, items=[NoticeCount.model_validate(row, from_attributes=True) for row in rows])


@routes.post("/notices/{notice_id}/replay", status_code=204)
async def replay_notice(here: Here, actor: Admin, notice_id: UUID, body: Replay) -> Response:  # noqa: ARG001
    """A notice at its end begins its chain anew, under the same id."""
    async with here.begin() as tx:
        await ledger.replay(tx, notice_id, maybe_twice=body.may_arrive_twice, now=here.clock.now())
    return Response(status_code=204)


@routes.post("/notices/replays")
async def replay_notices(here: Here, actor: Admin, body: ReplayMany) -> Replayed:  # noqa: ARG001  being admitted is all
    """The oldest five hundred in this state begin anew: after a template was approved, or an outage has ended."""
    async with here.begin() as tx:
        count = await ledger.replay_all(tx, body.state, maybe_twice=body.may_arrive_twice, now=here.clock.now())
    return Replayed(replayed=count)


@routes.get("/notices/templates")
async def list_templates(here: Here, actor: Admin) -> list[TemplateView]:  # noqa: ARG001  being admitted is all
    """The register: which of the catalogue's texts which provider has approved, under which id."""
    async with here.begin() as tx:
        found = await tx.connection.execute(select(notice_templates).order_by("channel", "template"))
    return [TemplateView.model_validate(row, from_attributes=True) for row in found]


@routes.put("/notices/templates/{channel}/{template}")
async def register_template(
    here: Here, actor: Admin, channel: Annotated[Channel, Path()], template: TemplateName, body: TemplateForm
) -> TemplateView:
    """From now on this text goes out under this id, or, when it is not approved (any more), does not go out."""
    async with here.begin() as tx:
        if channel not in ("wechat", "sms"):
            raise InvalidInput("only WeChat and text messages have templates to approve")
        if template not in tx.tools.notice_rules.templates:
            raise NoSuchTemplate
        row = {
            "channel": channel,
            "template": template,
            **body.model_dump(),
            "updated_by": actor.id,
            "updated_at": here.clock.now(),
        }
        # An id belongs to one text: whoever had it before loses it.
        taken = delete(notice_templates).where(notice_templates.c.provider_template == body.provider_template)
        await tx.connection.execute(taken)
        statement = upsert(notice_templates).values(row)
        changed = {name: value for name, value in row.items() if name not in ("channel", "template")}
        await tx.connection.execute(
            statement.on_conflict_do_update(index_elements=["channel", "template"], set_=changed)
        )
    return TemplateView.model_validate(row)


class DeskNotice(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    notice_id: UUID
    case_id: UUID
    occurrence: str
    unit_code: str
    title: str
    body: str
    at: datetime
    """When it was written."""


@routes.get("/notices/desk")
async def desk_notices(
    here: Here,
    actor: UnitDesk,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[DeskNotice]:
    """What the actor's units have been told, newest first."""
    n = notices.c
    query = select(notices).where(n.unit_code.in_(sorted(actor.units)), n.state == "sent")
    query = query.order_by(n.notice_id.desc()).limit(limit)
    if after is not None:
        query = query.where(n.notice_id < after)
    async with here.begin() as tx:
        rows = (await tx.connection.execute(query)).all()
        rules = tx.tools.notice_rules
    return [
        DeskNotice(
            notice_id=row.notice_id,
            case_id=row.case_id,
            occurrence=row.occurrence,
            unit_code=row.unit_code,
            title=rules.templates[row.template].title,
            body=rules.templates[row.template].text.format_map(row.named),
            at=row.created_at,
        )
        for row in rows
        if row.template in rules.templates
    ]


@routes.get("/notices/outbox", response_class=HTMLResponse)
async def show_outbox(here: Here, actor: Admin) -> HTMLResponse:  # noqa: ARG001  being admitted is all
    """The last 200 messages as a page."""
    async with here.begin() as tx:
        rows = await _latest(tx)
    return HTMLResponse(_PAGE.format(rows="\n".join(map(_line, rows))))


async def _latest(tx: Tx) -> list[Row[Any]]:
    query = select(outbox_messages).order_by(outbox_messages.c.notice_id.desc()).limit(200)
    return list((await tx.connection.execute(query)).all())


def _line(row: Row[Any]) -> str:
    at = row.created_at.astimezone(SHENZHEN).strftime("%Y-%m-%d %H:%M:%S")
    cells = (at, _CHANNELS[row.channel], row.recipient, row.title, row.body)
    return "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
