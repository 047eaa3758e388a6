"""Builds a service's ASGI application and its context from its manifest."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import apikeys, health, metrics, problems
from shared.bus import Bus
from shared.clock import clock_from
from shared.context import Context
from shared.db import Database, Tx
from shared.ended import EndedFeed
from shared.express import Express
from shared.loops import Runner
from shared.manifest import Manifest
from shared.oidc import OidcVerifier
from shared.settings import ServiceSettings
from shared.tokens import Actor, TokenVerifier


@asynccontextmanager
async def open_context[S: ServiceSettings, T: Tx](
    manifest: Manifest[S, T], settings: S
) -> AsyncIterator[Context[S, T]]:
    """Everything a process of this service holds, closed in the reverse order."""
    async with AsyncExitStack() as stack:
        db = Database(settings.database_url.get_secret_value(), schema=manifest.name, pool=settings.database_pool)
        stack.push_async_callback(db.close)
        bus = Bus(
            settings.nats_url,
            name=manifest.name,
            prefix=settings.bus_prefix,
            replicas=settings.stream_replicas,
            max_age_days=settings.stream_max_age_days,
        )
        bus.start()
        stack.push_async_callback(bus.close)
        db.on_events = Waker(bus, manifest.name)
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=10))

        async def find(hashed: str) -> Actor | None:
            async with db.begin(Tx) as tx:
                return await apikeys.look_up(tx.connection, hashed)

        context = Context(
            settings=settings,
            db=db,
            bus=bus,
            clock=clock_from(settings.clock),
            tokens=TokenVerifier(settings.token_keys),
            keys=apikeys.KeyVerifier(find) if manifest.api_keys else None,
            oidc=OidcVerifier(settings.oidc_issuer, settings.oidc_audience, http) if settings.oidc_issuer else None,
            http=http,
            make_tx=manifest.tx,
        )
        if manifest.parts is not None:
            context.parts = await stack.enter_async_context(manifest.parts(context))
        yield context


def create_app[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S | None = None) -> FastAPI:
    """The service's HTTP door. Without settings only its OpenAPI can be read, not served."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_context(manifest, settings or manifest.settings()) as context:
            app.state.context = context
            # Whichever clock the context has by then: tests put their own in.
            feed = EndedFeed(context.bus, context.ended, lambda: context.clock.now())  # noqa: PLW0108
            runners = [Runner(loop) for loop in (feed, *manifest.api_loops(context))]
            for runner in runners:
                runner.start()
            # Start-up garbage is not worth a pause in the middle of a request.
            gc.collect()
            gc.freeze()
            gc.set_threshold(20_000, 50, 100)
            try:
                yield
            finally:
                for runner in runners:
                    await runner.stop()

    app = FastAPI(
        title=manifest.title,
        version="1",
        lifespan=lifespan,
        responses=problems.EVERYWHERE,
        openapi_url=f"/{manifest.name}/openapi.json",
        docs_url=f"/{manifest.name}/docs",
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    problems.install(app)
    app.add_middleware(Measured, service=manifest.name)
    for routes in manifest.routes:
        app.include_router(routes, prefix="/v1")
    app.include_router(health.routes(manifest.name, manifest.readiness), prefix=f"/{manifest.name}")
    return app


def create_door[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S | None = None) -> Express:
    """What a server serves: the application, with the short way for its hot routes."""
    return Express(create_app(manifest, settings), manifest.routes, service=manifest.name)


class Waker:
    """Tells the relay that there is something to carry; commits that follow one another closely share one message."""

    DELAY = 0.002

    def __init__(self, bus: Bus, service: str) -> None:
        self._bus, self._subject = bus, f"wake.{service}"
        self._sending: asyncio.Task[None] | None = None

    async def __call__(self) -> None:
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send())

    async def _send(self) -> None:
        await asyncio.sleep(self.DELAY)
        self._sending = None
        await self._bus.signal(self._subject)


class Measured:
    """Times every request, and refuses NUL bytes in addresses, which PostgreSQL could not store."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app, self._service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
            response = problems.answer(400, kind="http-400", title=problems.TITLES[400][0], zh=problems.TITLES[400][1])
            await response(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            metrics.observe(self._service, scope, status, time.perf_counter() - started)
