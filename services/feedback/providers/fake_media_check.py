"""A stand-in for WeChat's content check that speaks its real answers and pushes results as WeChat does.

It checks what WeChat checks (token, openid, version, scene, media type), fetches the picture itself, and keeps the
answer until `push` sends it: a green picture passes, a red one is risky, a grey one is for review.
"""

import json
from dataclasses import dataclass, field
from io import BytesIO

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from services.feedback.providers.wechat_push import Envelope, signature

_SCENES = range(1, 5)


@dataclass
class FakeMediaCheck:
    """`visitors` are the openids that used the mini-program lately; `fetch` reaches the system that is checked."""

    appid: str
    secret: str
    fetch: httpx.AsyncClient
    visitors: set[str] = field(default_factory=set)
    token: str = "token-1"  # noqa: S105  opens nothing but this fake
    quota: int = 2000
    waiting: dict[str, dict[str, object]] = field(default_factory=dict)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/cgi-bin/stable_token", self._token, methods=["POST"]),
                Route("/wxa/media_check_async", self._check, methods=["POST"]),
            ]
        )

    async def _token(self, request: Request) -> Response:
        body = await request.json()
        if body.get("appid") != self.appid:
            return _error(40013, "invalid appid")
        if body.get("secret") != self.secret:
            return _error(40125, "invalid appsecret")
        return _plain({"access_token": self.token, "expires_in": 7200})

    async def _check(self, request: Request) -> Response:
        if request.query_params.get("access_token") != self.token:
            return _error(40001, "invalid credential, access_token is invalid or not latest")
        try:
            body = await request.json()
        except ValueError:
            return _error(47001, "data format error")
        refused = self._refusal(body)
        if refused is not None:
            return refused
        self.quota -= 1
        trace_id = f"67458c0e-{len(self.waiting):08x}-2b097fcf"
        self.waiting[trace_id] = await self._looked(body["media_url"])
        return _plain({"errcode": 0, "errmsg": "ok", "trace_id": trace_id})

    def _refusal(self, body: dict[str, object]) -> Response | None:
        openid = body.get("openid")
        if (body.get("version"), body.get("media_type")) not in ((2, 1), (2, 2)) or body.get("scene") not in _SCENES:
            return _error(40129, "invalid scene")
        if not isinstance(openid, str) or not openid:
            return _error(40003, "invalid openid")
        if openid not in self.visitors:
            return _error(61010, "code is expired")
        if self.quota <= 0:
            return _error(45009, "reach max api daily quota limit")
        return None

    async def _looked(self, url: str) -> dict[str, object]:
        answer = await self.fetch.get(url)
        if answer.status_code != httpx.codes.OK:
            return {"detail": [], "errcode": -1008, "errmsg": "download error"}
        red, green, blue = _middle(answer.content)
        if green > red and green > blue:
            suggest, label = "pass", 100
        else:
            suggest, label = ("risky", 20002) if red > green else ("review", 20001)
        said = {"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}
        return {"errcode": 0, "errmsg": "ok", "detail": [said], "result": {"suggest": suggest, "label": label}}

    def push(
        self, trace_id: str, envelope: Envelope, token: str, *, form: str, safe: bool
    ) -> tuple[dict[str, str], bytes]:
        """Query and body of the event WeChat sends, as `form` (json, xml) and mode (`safe`: encrypted) are set."""
        event: dict[str, object] = {
            "ToUserName": "gh_000000000000",
            "FromUserName": "o0000000000000000000000000000",
            "CreateTime": 1764000000,
            "MsgType": "event",
            "Event": "wxa_media_check",
            "appid": self.appid,
            "trace_id": trace_id,
            "version": 2,
            **self.waiting[trace_id],
        }
        query = {"timestamp": "1764000000", "nonce": "1048021142"}
        query["signature"] = signature(token, query["timestamp"], query["nonce"])
        body = json.dumps(event).encode() if form == "json" else f"<xml>{_xml(event)}</xml>".encode()
        if safe:
            encrypted = envelope.encrypted(body)
            query |= {"encrypt_type": "aes"}
            query["msg_signature"] = signature(token, query["timestamp"], query["nonce"], encrypted)
            outer: dict[str, object] = {"ToUserName": "gh_000000000000", "Encrypt": encrypted}
            body = json.dumps(outer).encode() if form == "json" else f"<xml>{_xml(outer)}</xml>".encode()
        return query, body


def _middle(data: bytes) -> tuple[int, int, int]:
    with Image.open(BytesIO(data)) as image:
        picture = image.convert("RGB")
    pixel = picture.getpixel((picture.width // 2, picture.height // 2))
    red, green, blue = pixel if isinstance(pixel, tuple) else (0, 0, 0)
    return int(red), int(green), int(blue)


def _xml(fields: dict[str, object]) -> str:
    def inside(value: object) -> str:
        if isinstance(value, dict):
            return _xml(value)
        return str(value) if isinstance(value, int) else f"<![CDATA[{value}]]>"

    written = ""
    for name, value in fields.items():
        for each in value if isinstance(value, list) else [value]:
            written += f"<{name}>{inside(each)}</{name}>"
    return written


def _plain(answer: dict[str, object]) -> Response:
    # WeChat labels its JSON text/plain.
    return PlainTextResponse(json.dumps(answer, separators=(",", ":")))


def _error(code: int, message: str) -> Response:
    # WeChat ends its messages with a request id; it looks like this and means nothing here.
    return _plain({"errcode": code, "errmsg": f"{message} rid: 00000000-00000000-00000000"})
