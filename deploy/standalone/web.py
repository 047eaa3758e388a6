"""All services behind one port: one ASGI application that sends each path to the service that owns it."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from fastapi import FastAPI
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import problems
from shared.app import create_door
from shared.manifest import Manifest


class OnePort:
    """Routes by the first path segment after `/v1/` (`Manifest.paths`), or by the service's own name."""

    def __init__(self, manifests: Sequence[Manifest[Any, Any]], *, extra: Mapping[str, ASGIApp], home: str) -> None:
        """`extra`: further applications by their first path segment; `home`: the page at `/`."""
        self._apps: list[FastAPI] = []
        self._by_path: dict[str, ASGIApp] = {}
        self._by_name: dict[str, ASGIApp] = dict(extra)
        for manifest in manifests:
            app = create_door(manifest)
            self._apps.append(app.app)
            self._by_name[manifest.name] = app
            self._by_path.update(dict.fromkeys(manifest.paths, app))
        self._home = home

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        await self.owner(scope["path"])(scope, receive, send)

    def owner(self, path: str) -> ASGIApp:
        """The application that answers this path."""
        parts = path.split("/", 3)
        app = self._by_path.get(parts[2]) if len(parts) > 2 and parts[1] == "v1" else self._by_name.get(parts[1])  # noqa: PLR2004
        if app is not None:
            return app
        return self._home_page if path == "/" else _nowhere

    async def _home_page(self, scope: Scope, receive: Receive, send: Send) -> None:
        await HTMLResponse(self._home)(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        async with AsyncExitStack() as stack:
            await receive()
            try:
                for app in self._apps:
                    await stack.enter_async_context(app.router.lifespan_context(app))
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    title, zh = problems.TITLES[404]
    response: Response = problems.answer(404, kind="http-404", title=title, zh=zh)
    await response(scope, receive, send)
