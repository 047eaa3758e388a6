"""The ledger of notices, and the visible outbox where they are written down instead of being sent."""

import html
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse
from sqlalchemy import Row, select

from services.feedback.api.views import NoticePage, NoticeView
from services.feedback.domain.wording import SHENZHEN
from services.feedback.store import Tx
from services.feedback.tables import notices, outbox_messages
from shared.actors import Here, requires
from shared.tokens import Actor

routes = APIRouter(tags=["notices"])

Admin = Annotated[Actor, Depends(requires("admin", kind="staff"))]
_CHANNELS = {"wechat": "微信订阅消息", "sms": "短信", "mail": "邮件"}
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


@routes.get("/notices")
async def list_notices(
    *,
    here: Here,
    actor: Admin,  # noqa: ARG001  being admitted is all
    state: Literal["pending", "sent", "failed", "no_contact"] | None = None,
    case_id: UUID | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> NoticePage:
    """Who was told what, newest first; recipients are masked."""
    message = outbox_messages.c
    query = (
        select(notices, message.recipient, message.title, message.body)
        .outerjoin(outbox_messages, message.notice_id == notices.c.notice_id)
        .order_by(notices.c.notice_id.desc())
        .limit(limit + 1)
    )
    wanted = {notices.c.state: state, notices.c.case_id: case_id}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if after is not None:
        query = query.where(notices.c.notice_id < after)
    async with here.begin() as tx:
        rows = (await tx.connection.execute(query)).all()
    items = [NoticeView.model_validate(row, from_attributes=True) for row in rows[:limit]]
    return NoticePage(items=items, next=items[-1].notice_id if len(rows) > limit else None)


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
