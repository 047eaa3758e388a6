"""A stand-in for WeChat's login server that speaks its real answers, for standalone runs, demos and tests.

    code                  answer
    demo-<name>           logs in; one and the same openid per name
    demo-<name>.<any>     the same person with another code, for logging in again: codes work once
    any code, again       40163 code been used
    bad…                  40029 invalid code
    often…                45011 api minute-quota reach limit
    risk…                 40226 code blocked
    busy…                 -1 system error
    gateway…              HTTP 502 with an HTML page, as the load balancer in front of WeChat answers
    garbled…              HTTP 200 with half a JSON text
    anything else         40029 invalid code
    wrong appid / secret  40013 invalid appid / 40125 invalid appsecret

Start it alone with `uvicorn --factory services.intake.wechat_fake:demo_server`, or mount `fake_wechat()`.
"""

import base64
import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from services.intake.wechat import PATH

DEMO_APPID = "wx0000000000000000"
DEMO_SECRET = "demo-secret-of-the-fake-wechat"  # noqa: S105 - opens nothing but this fake
_PERSON = re.compile(r"demo-([^.]+)(\..*)?")
# The real codes live five minutes; remembering the last few is enough to refuse a replay.
_REMEMBERED_CODES = 100_000

Say = Callable[[], Response]


def fake_wechat(*, appid: str = DEMO_APPID, secret: str = DEMO_SECRET, unionid: bool = False) -> Starlette:
    """The server; with `unionid`, it answers one too, as for an app bound to an open platform account."""
    used: OrderedDict[str, None] = OrderedDict()

    async def jscode2session(request: Request) -> Response:
        query = request.query_params
        refusal = _refusal_of_app(query.get("appid"), query.get("secret"), query.get("grant_type"), appid, secret)
        if refusal is not None:
            return refusal
        code = query.get("js_code", "")
        if not code:
            return _error(41008, "missing code")
        for beginning, say in _ODD_CODES.items():
            if code.startswith(beginning):
                return say()
        person = _PERSON.fullmatch(code)
        if person is None:
            return _error(40029, "invalid code")
        if code in used:
            return _error(40163, "code been used")
        used[code] = None
        if len(used) > _REMEMBERED_CODES:
            used.popitem(last=False)
        return _session(appid, person[1], code, unionid=unionid)

    return Starlette(routes=[Route(PATH, jscode2session)])


def demo_server() -> Starlette:
    """For `uvicorn --factory`, with the demo app's id and secret."""
    return fake_wechat()


def openid_of(name: str, appid: str = DEMO_APPID) -> str:
    """The openid `demo-<name>` gets: 28 characters beginning with `o`, like WeChat's own, another for each app."""
    return "o" + _letters(f"openid {appid} {name}", 27)


def _session(appid: str, name: str, code: str, *, unionid: bool) -> Response:
    key = base64.b64encode(hashlib.sha256(f"session {code}".encode()).digest()[:16]).decode()
    answer = {"session_key": key, "openid": openid_of(name, appid)}
    if unionid:
        answer["unionid"] = "o" + _letters(f"unionid {name}", 27)
    return _plain(answer)


def _refusal_of_app(
    appid: str | None, secret: str | None, grant_type: str | None, right_appid: str, right_secret: str
) -> Response | None:
    if not appid:
        return _error(41002, "appid missing")
    if appid != right_appid:
        return _error(40013, "invalid appid")
    if not secret:
        return _error(41004, "appsecret missing")
    if secret != right_secret:
        return _error(40125, "invalid appsecret")
    if grant_type != "authorization_code":
        return _error(40002, "invalid grant_type")
    return None


def _plain(answer: dict[str, object] | dict[str, str]) -> Response:
    return PlainTextResponse(json.dumps(answer, separators=(",", ":")))


def _error(code: int, message: str) -> Response:
    # WeChat ends its messages with a request id; it looks like this and means nothing here.
    return _plain({"errcode": code, "errmsg": f"{message}, rid: 00000000-00000000-00000000"})


def _letters(seed: str, length: int) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(seed.encode()).digest()).decode()[:length]


_ODD_CODES: dict[str, Say] = {
    "bad": lambda: _error(40029, "invalid code"),
    "often": lambda: _error(45011, "api minute-quota reach limit mustslower retry next minute"),
    "risk": lambda: _error(40226, "code blocked"),
    "busy": lambda: _error(-1, "system error"),
    "gateway": lambda: HTMLResponse("<html><body><h1>502 Bad Gateway</h1></body></html>", status_code=502),
    "garbled": lambda: PlainTextResponse('{"session_key":"'),
}
