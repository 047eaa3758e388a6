"""A stand-in for WeChat's server interfaces that speaks their real answers: stable_token and subscription messages.

It checks what WeChat checks, by its own reading of the published limits, so that an adapter that passes here would pass
there: token, openid, template, consent, page, and every field by its kind.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

_FORCED_A_DAY = 20
_KINDS = {
    "thing": re.compile(r".{1,20}", re.DOTALL),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "character_string": re.compile(r"[\x21-\x7e]{1,32}"),
    "number": re.compile(r"[0-9.]{1,32}"),
    "time": re.compile(r"(\d{4}年\d{1,2}月\d{1,2}日 )?\d{1,2}:\d{2}(:\d{2})?|\d{4}年\d{1,2}月\d{1,2}日"),
    "date": re.compile(r"\d{4}年\d{1,2}月\d{1,2}日( \d{1,2}:\d{2})?"),
}


@dataclass
class FakeWeChat:
    """What the account has, what its users agreed to, and what was sent."""

    appid: str = "wx1111111111111111"
    secret: str = "secret-of-the-fake"  # noqa: S105 - opens nothing but this fake
    people: set[str] = field(default_factory=set)
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Keywords of each template id."""
    consents: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Messages each openid has agreed to, by template id."""
    sent: list[dict[str, object]] = field(default_factory=list)
    tokens_given: int = 0
    forced: int = 0
    expired: bool = False
    """The present token has expired: 42001 until another is fetched."""
    mood: str = ""
    """`busy`: -1; `gateway`: 502 after the message was taken; `limit`: 45009."""

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/cgi-bin/stable_token", self._token, methods=["POST"]),
                Route("/cgi-bin/message/subscribe/send", self._send, methods=["POST"]),
            ]
        )

    @property
    def token(self) -> str:
        return f"token-{self.tokens_given}-{'x' * 120}"

    def kill_token(self) -> None:
        """As when somebody else fetched one by the old way: it is invalid, and `stable_token` does not know."""
        self.killed = self.token

    killed: str = ""

    async def _token(self, request: Request) -> Response:
        body = json.loads(await request.body())
        if body.get("grant_type") != "client_credential":
            return _error(40002, "invalid grant_type")
        if body.get("appid") != self.appid:
            return _error(40013, "invalid appid")
        if body.get("secret") != self.secret:
            return _error(40125, "invalid appsecret")
        if body.get("force_refresh"):
            if self.forced >= _FORCED_A_DAY:
                return _error(45009, "reach max api daily quota limit")
            self.forced += 1
            self.tokens_given += 1
        elif self.tokens_given == 0 or self.expired:
            self.tokens_given += 1
        self.expired = False
        return _plain({"access_token": self.token, "expires_in": 7200})

    async def _send(self, request: Request) -> Response:  # noqa: PLR0911  a refusal each
        token = request.query_params.get("access_token", "")
        if not token:
            return _error(41001, "access_token missing")
        if token != self.token or token == self.killed:
            return _error(40001, "invalid credential, access_token is invalid or not latest")
        if self.expired:
            return _error(42001, "access_token expired")
        if self.mood == "busy":
            return _error(-1, "system error")
        if self.mood == "limit":
            return _error(45009, "reach max api daily quota limit")
        body = json.loads(await request.body())
        refusal = self._refusal(body)
        if refusal is not None:
            return refusal
        self.consents[body["touser"], body["template_id"]] -= 1
        self.sent.append(body)
        if self.mood == "gateway":
            return HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502)
        return _plain({"errcode": 0, "errmsg": "ok", "msgid": 1_000_000 + len(self.sent)})

    def _refusal(self, body: dict[str, object]) -> Response | None:
        person, template = body.get("touser"), body.get("template_id")
        if person not in self.people:
            return _error(40003, "invalid openid")
        if template not in self.templates:
            return _error(40037, "invalid template_id")
        if self.consents[str(person), str(template)] <= 0:
            return _error(43101, "user refuse to accept the msg")
        if not str(body.get("page", "")).startswith("pages/"):
            return _error(41030, "invalid page")
        data = body.get("data")
        given: dict[str, dict[str, str]] = data if isinstance(data, dict) else {}
        for keyword in self.templates[str(template)]:
            kind = _KINDS[keyword.rstrip("0123456789")]
            value = given.get(keyword, {}).get("value", "")
            if not kind.fullmatch(value):
                return _error(47003, f"argument invalid! data.{keyword}.value invalid")
        return None


def _plain(answer: dict[str, object]) -> Response:
    return PlainTextResponse(json.dumps(answer, separators=(",", ":")))


def _error(code: int, message: str) -> Response:
    # WeChat ends its messages with a request id; it looks like this and means nothing here.
    return _plain({"errcode": code, "errmsg": f"{message} rid: 00000000-00000000-00000000"})
