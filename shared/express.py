"""The short way in for the few routes that many callers use at once: past the framework's layers, to the same code.

A dozen nested layers (limits, error capture, exit stacks, dependency solving) cost a submission more than numbering,
sealing and writing it. A route that offers `express`, a plain ASGI application, is called directly; everything else,
and everything about OpenAPI, goes through FastAPI as always.
"""

import time
from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import metrics, problems

PREFIX = "/v1"


class Express:
    """Wraps a service's application; `routers` are its own, as the manifest has them."""

    def __init__(self, app: FastAPI, routers: Iterable[APIRouter], *, service: str) -> None:
        self.app, self._service = app, service
        self._routes: dict[str, list[tuple[Any, ASGIApp]]] = {}
        for router in routers:
            for route in router.routes:
                direct: ASGIApp | None = getattr(route, "express", None)
                if direct is not None:
                    segment = getattr(route, "path", "").split("/", 2)[1]
                    self._routes.setdefault(segment, []).append((route, direct))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path: str = scope["path"]
            parts = path.split("/", 3)
            if len(parts) > 2 and parts[1] == "v1" and "\x00" not in path:  # noqa: PLR2004
                for route, direct in self._routes.get(parts[2], ()):
                    match = route.path_regex.match(path[len(PREFIX) :])
                    if match is not None and scope["method"] in route.methods:
                        scope.update(app=self.app, route=route, path_params=match.groupdict())
                        await self._run(direct, scope, receive, send)
                        return
        await self.app(scope, receive, send)

    async def _run(self, direct: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        started, status = time.perf_counter(), 0

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await direct(scope, receive, watched)
        except Exception as error:
            if status:  # the answer has begun; the server closes the connection
                raise
            await problems.answer_to(error)(scope, receive, watched)
        finally:
            metrics.observe(self._service, scope, status, time.perf_counter() - started)
