"""WeChat's content check of pictures: developers.weixin.qq.com, "多媒体内容安全识别" (`POST /wxa/media_check_async`).

WeChat fetches the picture itself and pushes an event `wxa_media_check` with the same `trace_id` within thirty minutes,
as XML or JSON, as the mini-program's message push is set. Version 2 wants the openid of somebody who used the
mini-program within two hours: for photos of the work that is one account of the operator's.
"""

import json
import logging
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from xml.etree import ElementTree as ET

import httpx

from services.feedback.checking import Asked, Links
from services.feedback.providers.wechat_push import LONGEST, Envelope, NotFromWeChat, UnreadablePush
from services.feedback.providers.wechat_token import STALE, TokenKeeper, TokenUnavailable

PATH = "/wxa/media_check_async"
# -1 busy, 45009 and 45011 over the quota: time mends them, and so does 61010, nobody having opened the mini-program.
_PASSING = frozenset({-1, 45009, 45011, 61010})
_PICTURE, _VERSION, _SOCIAL_LOG = 2, 2, 4
_TRACE = re.compile(r"[A-Za-z0-9_-]{1,128}")

log = logging.getLogger(__name__)


class WeChatChecker:
    """One call a photo; the token is renewed once when WeChat says it is stale."""

    patience = timedelta(minutes=40)

    def __init__(self, http: httpx.AsyncClient, tokens: TokenKeeper, links: Links, *, openid: str) -> None:
        self._http, self._tokens, self._links, self._openid = http, tokens, links, openid

    async def ask(self, photo_id: UUID, *, now: datetime) -> Asked:
        body = {
            "media_url": self._links.link(photo_id, now + self.patience),
            "media_type": _PICTURE,
            "version": _VERSION,
            "scene": _SOCIAL_LOG,
            "openid": self._openid,
        }
        try:
            token = await self._tokens.get()
            said = await self._post(body, token)
            if said.get("errcode") in STALE:
                said = await self._post(body, await self._tokens.replaced(token))
        except (httpx.HTTPError, ValueError, TypeError, TokenUnavailable) as error:
            log.warning("media check: no answer (%s)", type(error).__name__)
            return Asked("later", "no connection")
        code, trace_id = said.get("errcode"), said.get("trace_id")
        if code == 0 and isinstance(trace_id, str) and _TRACE.fullmatch(trace_id):
            return Asked("asked", trace_id=trace_id)
        reason = f"errcode {code}" if isinstance(code, int) else "unreadable answer"
        return Asked("later" if code in _PASSING or code in STALE else "held", reason)

    async def _post(self, body: dict[str, Any], token: str) -> dict[str, Any]:
        answer = (await self._http.post(PATH, params={"access_token": token}, json=body)).json()
        if not isinstance(answer, dict):
            raise TypeError("the answer is no object")
        return answer


@dataclass(frozen=True, slots=True)
class Result:
    trace_id: str
    passed: bool
    reason: str


def result_of(envelope: Envelope, key_set: bool, body: bytes, query: dict[str, str]) -> Result | None:
    """None for another event. Raises `NotFromWeChat` or `UnreadablePush`."""
    said = _read(body)
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if key_set:
        encrypted = said.get("Encrypt")
        if not isinstance(encrypted, str):
            raise NotFromWeChat  # with a key set nothing unencrypted is believed
        envelope.check(query.get("msg_signature", ""), timestamp, nonce, encrypted)
        said = _read(envelope.decrypted(encrypted))
    else:
        envelope.check(query.get("signature", ""), timestamp, nonce)
    if said.get("Event") != "wxa_media_check":
        return None
    trace_id, result = str(said.get("trace_id", "")), said.get("result")
    if not _TRACE.fullmatch(trace_id):
        raise UnreadablePush
    if str(said.get("errcode", "0")) != "0":
        # Such as -1008, the picture could not be fetched.
        return Result(trace_id, passed=False, reason=_code(f"errcode {said['errcode']}"))
    told = result if isinstance(result, dict) else {}
    suggest = told.get("suggest")
    return Result(trace_id, suggest == "pass", _code(f"{suggest} {told.get('label')}"))


def _code(text: str) -> str:
    return "".join(letter for letter in text if letter.isalnum() or letter in " -_")[:40]


def _read(body: bytes) -> dict[str, Any]:
    if len(body) > LONGEST or b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise UnreadablePush
    try:
        if body.lstrip().startswith(b"<"):
            root = ET.fromstring(body)  # noqa: S314  no document type, so no entity to expand
            return {each.tag: {sub.tag: sub.text or "" for sub in each} if len(each) else each.text for each in root}
        said = json.loads(body)
    except (ET.ParseError, ValueError):
        raise UnreadablePush from None
    if not isinstance(said, dict):
        raise UnreadablePush
    return said
