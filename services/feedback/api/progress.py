"""Progress by number, the citizen's own cases, and the stream of what changes."""

import asyncio
import contextlib
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import Response
from starlette.types import Message, Receive, Scope, Send

from services.feedback.api.direct import DirectRoute, answered_by
from services.feedback.api.views import ProgressPage, ProgressView
from services.feedback.hub import Hub, Watcher, chunk_of
from services.feedback.lookups import Asking, Found, LookUps
from shared.actors import Citizen, Here
from shared.context import Context
from shared.errors import FieldError, InvalidInput, Unavailable

routes = APIRouter(tags=["progress"], route_class=DirectRoute)

CaseNo = Annotated[str, Path(max_length=64, description="As on the receipt; spaces, hyphens and lower case are fine")]
LookUpCode = Annotated[
    str | None, Header(alias="X-Lookup-Code", max_length=64, description="From the receipt; or send a token")
]
Authorization = Annotated[str | None, Header(description="Bearer token of the case's citizen or of staff")]
_NEWEST = UUID(int=(1 << 128) - 1)
_LONGEST_VERSION = 18
_LONGEST_WAIT = 30
"""Seconds; most proxies give up after sixty."""
_EVENT_STREAM = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


def _here(scope: Scope) -> Context[Any, Any]:
    context: Context[Any, Any] = scope["app"].state.context
    return context


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((value for key, value in scope["headers"] if key == name), None)


async def _look_up(scope: Scope, _: Receive, send: Send) -> None:
    here = _here(scope)
    look_ups: LookUps = here.parts["look_ups"]
    asking = await look_ups.asking(scope, scope["path_params"]["case_no"])
    found = await look_ups.find(asking, now=here.clock.now())
    if found is None:
        # A client that asks right after its 201 must neither be told that its case is unknown nor be counted as a guesser.
        hub: Hub = here.parts["hub"]
        watcher = Watcher(send)
        hub.add(asking.case_no, watcher)
        try:
            found = await _found(here, asking, watcher, patience=here.settings.look_up_hold_seconds)
        finally:
            hub.remove(asking.case_no, watcher)
    known = _header(scope, b"if-none-match")
    if known is not None and b'"%d"' % found.version in known and (wait := _wait(scope)):
        found = await _news(here, asking, found, patience=wait)
    etag = b'"%d"' % found.version
    headers = [(b"etag", etag), (b"cache-control", b"private, no-cache"), (b"vary", b"Authorization, X-Lookup-Code")]
    if known is not None and etag in known:
        await send({"type": "http.response.start", "status": 304, "headers": headers})
        await send({"type": "http.response.body", "body": b""})
        return
    headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(found.view))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": found.view})


def _wait(scope: Scope) -> float:
    """Seconds a long poll may be held; what is no such number is none."""
    if not scope["query_string"]:
        return 0.0
    given = parse_qs(scope["query_string"]).get(b"wait", [b""])[0]
    return float(min(int(given), _LONGEST_WAIT)) if given.isdigit() and len(given) <= len(b"999") else 0.0


async def _news(here: Context[Any, Any], asking: Asking, found: Found, *, patience: float) -> Found:
    """For who cannot stream: the case's next version, or the present one when the time is over."""
    hub: Hub = here.parts["hub"]
    look_ups: LookUps = here.parts["look_ups"]
    watcher = Watcher(_nowhere, version=found.version)
    watcher.news, watcher.live = asyncio.Event(), True  # it may see the case, and is told of it where a signal was lost
    hub.add(asking.case_no, watcher)
    try:
        # Among the watchers before this look, so that nothing said in between is missed.
        newest = await look_ups.find(asking, now=here.clock.now()) or found
        if newest.version == found.version and not hub.closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watcher.news.wait(), patience)
            told = watcher.told
            if told is not None and told.version > found.version:
                return Found(told.version, told.closed, told.view)
            # The signal may have been lost.
            newest = await look_ups.find(asking, now=here.clock.now()) or found
        return newest
    finally:
        hub.remove(asking.case_no, watcher)


async def _nowhere(_: Message) -> None:
    """A long poll is answered once, at its end."""


async def _stream(scope: Scope, receive: Receive, send: Send) -> None:
    here = _here(scope)
    hub: Hub = here.parts["hub"]
    if hub.closed:
        raise Unavailable(retry_after=1)
    watcher = Watcher(send, version=_last_version(_header(scope, b"last-event-id")))
    look_ups: LookUps = here.parts["look_ups"]
    asking = await look_ups.asking(scope, scope["path_params"]["case_no"])
    # Among the watchers before the first look, so that nothing said in between is missed.
    hub.add(asking.case_no, watcher)
    try:
        found = await _found(here, asking, watcher, patience=here.settings.hold_seconds)
        await send({"type": "http.response.start", "status": 200, "headers": _EVENT_STREAM})
        _begin(asking.case_no, found, watcher)
        while (await receive())["type"] != "http.disconnect":
            pass
    finally:
        hub.remove(asking.case_no, watcher)


async def _found(here: Context[Any, Any], asking: Asking, watcher: Watcher, *, patience: float) -> Found:
    """The case, waited for a little: this projection may be some milliseconds behind the 201 that gave the number.

    A wrong code waits as long as an unknown number, or the wait would tell one from the other.
    """
    look_ups: LookUps = here.parts["look_ups"]
    # Listening before the first look, so that what is said while it is under way is not missed.
    watcher.news = asyncio.Event()
    found = await look_ups.find(asking, now=here.clock.now())
    if found is None and look_ups.plausible(asking):
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        while found is None and loop.time() < deadline and not watcher.ended:
            # The signal may be lost, so look again now and then without one.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(watcher.news.wait(), min(1.0, deadline - loop.time()))
            watcher.news.clear()
            found = look_ups.opened(asking, watcher.told) or await look_ups.find(asking, now=here.clock.now())
    watcher.news = None
    if watcher.ended:
        raise Unavailable(retry_after=1)
    if found is None:
        raise await look_ups.refused(asking, now=here.clock.now())
    return found


def _begin(case_no: str, found: Found, watcher: Watcher) -> None:
    """What the client does not have yet, and from now on whatever comes; nothing is awaited in between."""
    first = b"retry: 2000\n\n"
    if found.version != watcher.version:
        first += chunk_of(case_no, found.version, found.closed, found.view)
    watcher.begin(found.version, first)


def _last_version(given: bytes | None) -> int:
    return int(given) if given and given.isdigit() and len(given) <= _LONGEST_VERSION else 0


@routes.get(
    "/progress/{case_no}",
    response_model=ProgressView,
    responses={304: {"description": "Nothing newer than `If-None-Match`"}},
)
@answered_by(_look_up)
async def show_progress(
    case_no: CaseNo,
    x_lookup_code: LookUpCode = None,
    authorization: Authorization = None,
    if_none_match: Annotated[str | None, Header(alias="If-None-Match")] = None,
    wait: Annotated[int, Query(ge=0, le=_LONGEST_WAIT, description="Seconds; only with `If-None-Match`")] = 0,
) -> None:
    """Where a case stands. A wrong number, a malformed one and a wrong code are the same 404.

    For clients that cannot stream: with `wait` and the version they have, they get the next one as soon as there is
    one, else 304 when the time is over.
    """


@routes.get(
    "/progress/{case_no}/stream",
    response_class=Response,
    responses={200: {"content": {"text/event-stream": {}}, "description": "Events `progress` and `closed`"}},
)
@answered_by(_stream)
async def watch_progress(
    case_no: CaseNo,
    x_lookup_code: LookUpCode = None,
    authorization: Authorization = None,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID", description="Version last seen")] = None,
) -> None:
    """Server-sent events: the case's view now and whenever it changes (`id` is its version), a comment as heartbeat."""


@routes.get("/progress", response_model=ProgressPage)
async def my_cases(
    here: Here,
    actor: Citizen,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> Response:
    """The citizen's own cases, newest first."""
    look_ups: LookUps = here.parts["look_ups"]
    rows = await look_ups.mine(_citizen_id(actor.id), after=after or _NEWEST, limit=limit + 1, now=here.clock.now())
    page = rows[:limit]
    following = f'"{page[-1][0]}"'.encode() if len(rows) > limit else b"null"
    body = b'{"items":[%s],"next":%s}' % (b",".join(view for _, view in page), following)
    return Response(body, media_type="application/json")


def _citizen_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise InvalidInput(fields=(FieldError("header/authorization", "names no citizen", "登录信息有误"),)) from None


PUBLIC = frozenset({"watch_progress", "show_progress"})
"""They check number and code, or a token, themselves."""
