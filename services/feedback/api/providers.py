"""What providers send: messages to the official account, and reports of what became of text messages."""

import asyncio
import hmac
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict

from services.feedback import ledger
from services.feedback.chat import Chat
from services.feedback.ledger import Report
from services.feedback.providers import gateway
from services.feedback.providers.wechat_push import LONGEST, Envelope, UnreadablePush, written
from shared.actors import Here
from shared.errors import DomainError, NotFound

routes = APIRouter(tags=["notices"])

PATIENCE = 4.0
"""WeChat hangs up after five seconds and asks again, three times in all."""
_MOST_REPORTS = 2_000
_LONGEST_REPORTS = 1024 * 1024
Sign = Annotated[str, Query(max_length=128)]


class PushSwitchedOff(NotFound):
    """No official account is connected here."""

    zh = "未接入公众号"


class ReportsSwitchedOff(NotFound):
    """No delivery reports are taken here."""

    zh = "未启用状态回执"


class UnreadableReport(DomainError):
    """These are not delivery reports."""

    zh = "状态回执无法解读"


def _envelope(here: Any) -> Envelope:
    envelope: Envelope | None = here.parts["wechat_push"]
    if envelope is None:
        raise PushSwitchedOff
    return envelope


@routes.get("/notices/wechat", response_class=PlainTextResponse)
async def verify_wechat(
    here: Here, signature: Sign = "", timestamp: Sign = "", nonce: Sign = "", echostr: Sign = ""
) -> PlainTextResponse:
    """WeChat asks once, when the address is set in its console."""
    _envelope(here).check(signature, timestamp, nonce)
    return PlainTextResponse(echostr)


@routes.post("/notices/wechat", response_class=Response)
async def hear_wechat(request: Request, here: Here) -> Response:
    """A message or event; the answer is the passive reply, or `success` when there is nothing to say."""
    envelope, query = _envelope(here), dict(request.query_params)
    fields, encrypted = envelope.opened(await _body(request, LONGEST, UnreadablePush()), query)
    chat: Chat = here.parts["chat"]
    said = ""
    try:
        async with asyncio.timeout(PATIENCE), here.begin() as tx:
            said = await chat.answer(tx, fields, now=here.clock.now())
    except TimeoutError:
        # Better no answer than the account's "service out of order" in the citizen's chat.
        said = ""
    if not said:
        return PlainTextResponse("success")
    reply = written(
        ToUserName=fields.get("FromUserName", ""),
        FromUserName=fields.get("ToUserName", ""),
        CreateTime=int(here.clock.now().timestamp()),
        MsgType="text",
        Content=said,
    )
    if encrypted:
        reply = envelope.closed(reply, timestamp=query.get("timestamp", ""), nonce=query.get("nonce", ""))
    return Response(reply, media_type="application/xml")


async def _body(request: Request, longest: int, refusal: DomainError) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > longest:
            raise refusal
    return bytes(body)


@routes.post("/notices/reports/{provider}/{key}", response_class=Response)
async def hear_reports(
    request: Request,
    here: Here,
    provider: Annotated[Literal["aliyun", "tencent", "gateway"], Path()],
    key: Annotated[str, Path(max_length=128)],
) -> Response:
    """What became of text messages. Alibaba and Tencent sign nothing: the key in the address is what they know; the
    gateway signs as well."""
    wanted = here.settings.report_key.get_secret_value()
    if not wanted or provider != here.settings.sms_provider or not hmac.compare_digest(wanted.encode(), key.encode()):
        raise ReportsSwitchedOff
    body = await _body(request, _LONGEST_REPORTS, UnreadableReport())
    if provider == "gateway":
        secret = here.settings.sms_secret.get_secret_value()
        if not gateway.genuine(secret, dict(request.headers), body, at=here.parts["signed_at"]()):
            raise ReportsSwitchedOff
    reports = read(provider, body)
    async with here.begin() as tx:
        await ledger.reported(tx, reports, now=here.clock.now())
    return Response(_THANKS[provider], media_type="application/json")


class _Reported(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Aliyun(_Reported):
    success: bool
    err_code: str = ""
    biz_id: str = ""
    out_id: str = ""


class _Tencent(_Reported):
    report_status: str
    errmsg: str = ""
    sid: str


class _Gateway(_Reported):
    id: UUID
    delivered: bool
    code: str = ""


_THANKS = {"aliyun": b'{"code":0,"msg":"OK"}', "tencent": b'{"result":0,"errmsg":"OK"}', "gateway": b"{}"}


def read(provider: str, body: bytes) -> Sequence[Report]:
    """The provider's own form, as published. Raises `UnreadableReport`."""
    try:
        items = orjson.loads(body)
        if not isinstance(items, list) or len(items) > _MOST_REPORTS:
            raise UnreadableReport
        return [_report(provider, item) for item in items]
    except ValueError:
        raise UnreadableReport from None


def _report(provider: str, item: Any) -> Report:
    if provider == "aliyun":
        told = _Aliyun.model_validate(item)
        return Report(told.success, _code(told.err_code), f"aliyun:{told.biz_id}", _uuid(told.out_id))
    if provider == "tencent":
        said = _Tencent.model_validate(item)
        return Report(said.report_status == "SUCCESS", _code(said.errmsg), f"tencent:{said.sid}")
    heard = _Gateway.model_validate(item)
    return Report(heard.delivered, _code(heard.code), None, heard.id)


def _code(text: str) -> str:
    """A provider's code for the ledger; digits in a row could be somebody's number."""
    return "".join(letter for letter in text if letter.isalnum() or letter in ".:_-")[:10]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


PUBLIC = frozenset({"verify_wechat", "hear_wechat", "hear_reports"})
"""They check the sender's signature, or the key in the address, themselves."""
