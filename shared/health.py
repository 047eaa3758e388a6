"""`/healthz` (the process lives), `/readyz` (names the dependency that is down), `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import text

from shared.actors import Here
from shared.context import Context
from shared.db import Database


class Health(BaseModel):
    status: str
    now: str
    """What time the service thinks it is."""
    clock: str


class Readiness(BaseModel):
    status: str
    """`ready`, `degraded` (the bus is down: requests are accepted, news waits) or `down`."""
    database: str
    bus: str
    details: dict[str, str] = {}
    """What the service itself adds; never a reason to be down."""


async def database_state(db: Database) -> str:
    try:
        async with asyncio.timeout(2), db.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
    except Exception as error:
        return f"down: {type(error).__name__}"
    return "ok"


type Details = Callable[[Context[Any, Any]], Awaitable[Mapping[str, str]]]


async def details_of(readiness: Details | None, context: Context[Any, Any]) -> Mapping[str, str]:
    if readiness is None:
        return {}
    try:
        async with asyncio.timeout(2):
            return await readiness(context)
    except Exception as error:
        return {"details": f"not known: {type(error).__name__}"}


def routes(name: str, readiness: Details | None = None) -> APIRouter:
    door = APIRouter(tags=["health"])

    @door.get("/healthz", operation_id=f"{name}_healthz")
    async def healthz(here: Here) -> Health:
        return Health(status="ok", now=here.clock.now().isoformat(), clock=here.settings.clock)

    @door.get("/readyz", operation_id=f"{name}_readyz", response_model=Readiness, responses={503: {"model": Readiness}})
    async def readyz(here: Here) -> Response:
        database = await database_state(here.db)
        bus = "ok" if here.bus.connected else "down"
        status = "down" if database != "ok" else "ready" if bus == "ok" else "degraded"
        details = await details_of(readiness if database == "ok" else None, here)
        body = Readiness(status=status, database=database, bus=bus, details=dict(details))
        code = 503 if status == "down" else 200
        return Response(
            body.model_dump_json(),
            status_code=code,
            media_type="application/json",
            headers={"Retry-After": "2"} if code == 503 else None,  # noqa: PLR2004
        )

    @door.get("/metrics", operation_id=f"{name}_metrics", response_class=Response)
    async def show_metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return door
