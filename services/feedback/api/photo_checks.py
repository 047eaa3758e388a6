"""The provider's side of the content check: it fetches the photo by a signed link, and pushes what it thinks of it."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse, Response

from services.feedback import checking, darkroom, usecases
from services.feedback.checking import Links
from services.feedback.providers.media_check import result_of
from services.feedback.providers.wechat_push import LONGEST, Envelope, UnreadablePush
from services.feedback.usecases import PhotoHidden
from shared.actors import Here
from shared.context import Context
from shared.errors import NotFound

routes = APIRouter(tags=["photos"])

Sign = Annotated[str, Query(max_length=128)]


class ChecksSwitchedOff(NotFound):
    """No content check is connected here, or nobody waits for this answer."""

    zh = "未启用图片内容安全检测，或没有对应的检测"


def _envelope(here: Context[Any, Any]) -> Envelope:
    envelope: Envelope | None = here.parts["check_envelope"]
    if envelope is None:
        raise ChecksSwitchedOff
    return envelope


@routes.get("/photos/checks/wechat", response_class=PlainTextResponse)
async def verify_check_address(
    here: Here, signature: Sign = "", timestamp: Sign = "", nonce: Sign = "", echostr: Sign = ""
) -> PlainTextResponse:
    """WeChat asks once, when the address is set as the mini-program's message push."""
    _envelope(here).check(signature, timestamp, nonce)
    return PlainTextResponse(echostr)


@routes.post("/photos/checks/wechat", response_class=PlainTextResponse)
async def hear_check(request: Request, here: Here) -> PlainTextResponse:
    """The result of a check, signed. One nobody waits for is refused, so that WeChat repeats what came too early."""
    envelope, body = _envelope(here), bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST:
            raise UnreadablePush
    key_set = bool(here.settings.photo_check_push_key.get_secret_value())
    result = result_of(envelope, key_set, bytes(body), dict(request.query_params))
    if result is not None:
        now = here.clock.now()
        async with here.begin() as tx:
            heard = await checking.answered(tx, result.trace_id, passed=result.passed, reason=result.reason, now=now)
        if not heard:
            raise ChecksSwitchedOff
    return PlainTextResponse("success")


@routes.get("/photos/{photo_id}/for-check", response_class=Response, responses={200: {"content": {"image/jpeg": {}}}})
async def fetch_for_check(
    here: Here, photo_id: UUID, until: Annotated[int, Query(ge=0, lt=1 << 40)] = 0, signature: Sign = ""
) -> Response:
    """What would be public, for the provider that was given the signed link."""
    links: Links = here.parts["check_links"]
    if not links.holds(photo_id, until, signature, now=here.clock.now()):
        raise PhotoHidden
    async with here.begin() as tx:
        photo = await usecases.photo_place(tx, photo_id)
    return Response(
        await darkroom.fetched(here, photo.sha256), media_type=photo.media_type, headers={"Cache-Control": "no-store"}
    )


PUBLIC = frozenset({"verify_check_address", "hear_check", "fetch_for_check"})
"""They check the sender's signature, or the link's, themselves."""
