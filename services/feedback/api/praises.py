"""Praise, counted for the unit it was for."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel
from sqlalchemy import func, select

from services.feedback.tables import praises
from shared.actors import Here, requires
from shared.errors import Forbidden
from shared.tokens import Actor

routes = APIRouter(tags=["praises"])

_ALL_UNITS = ("supervisor", "leader", "analyst", "dispatcher", "admin")
Reader = Annotated[Actor, Depends(requires("unit_manager", "handler", *_ALL_UNITS, kind="staff"))]


class PraiseCount(BaseModel):
    unit_code: str
    total: int
    rating: int
    callback: int
    request: int
    """Letters of praise."""


@routes.get("/praises")
async def count_praises(
    here: Here,
    reader: Reader,
    unit_code: Annotated[str, Query(min_length=1, max_length=40)],
    since: datetime | None = None,
) -> PraiseCount:
    """How often a unit was thanked: by its own people, and by those who answer for all units."""
    if unit_code not in reader.units and not reader.has(*_ALL_UNITS):
        raise Forbidden("this is another unit's")
    query = (
        select(praises.c.source, func.count().label("times"))
        .where(praises.c.unit_code == unit_code)
        .group_by(praises.c.source)
    )
    if since is not None:
        query = query.where(praises.c.given_at >= since)
    async with here.begin() as tx:
        found = await tx.connection.execute(query)
        counted = {row.source: int(row.times) for row in found}
    by_source = {source: counted.get(source, 0) for source in ("rating", "callback", "request")}
    return PraiseCount(unit_code=unit_code, total=sum(counted.values()), **by_source)
