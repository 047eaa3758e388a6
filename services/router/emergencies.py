"""Owns the kinds of emergency (`catalog/emergencies.yaml`) and the declared ones in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.emergency import Emergency
from services.router.tables import cases, emergencies
from services.router.units import Places

SHIPPED = Path(__file__).parent / "catalog" / "emergencies.yaml"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Theme(_Data):
    code: Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]
    zh: str
    most_hours: int = Field(ge=1, le=720)
    urgent: tuple[Annotated[str, Field(pattern=r"^[0-9]{4}(?:[0-9]{3})?$")], ...] = Field(min_length=1)
    duty: tuple[str, ...]

    def categories(self, known: Mapping[str, object]) -> tuple[str, ...]:
        """Of an edition's categories those that are listed, or stand under a listed subclass."""
        return tuple(code for code in known if code in self.urgent or code[:4] in self.urgent)


class EmergencyRules(_Data):
    declared_by: tuple[str, ...]
    themes: tuple[Theme, ...]

    def theme(self, code: str) -> Theme | None:
        return next((theme for theme in self.themes if theme.code == code), None)

    def title(self, code: str) -> str:
        theme = self.theme(code)
        return theme.zh if theme is not None else code


@lru_cache(maxsize=1)
def emergency_rules() -> EmergencyRules:
    """What ships, read once; a wrong file stops the start."""
    return EmergencyRules.model_validate(yaml.safe_load(SHIPPED.read_text(encoding="utf-8")))


def emergency_of(row: RowMapping) -> Emergency:
    return Emergency(
        row["emergency_id"],
        row["theme_code"],
        emergency_rules().title(row["theme_code"]),
        frozenset(row["area_codes"]),
        frozenset(row["category_codes"]),
        row["until"],
    )


async def add(connection: AsyncConnection, row: Mapping[str, Any]) -> None:
    await connection.execute(insert(emergencies).values(**row))


async def load(connection: AsyncConnection, emergency_id: UUID, *, lock: bool = False) -> RowMapping | None:
    query = select(emergencies).where(emergencies.c.emergency_id == emergency_id)
    return (await connection.execute(query.with_for_update() if lock else query)).mappings().one_or_none()


async def lift(connection: AsyncConnection, emergency_id: UUID, *, by: str, reason: str, now: datetime) -> None:
    here = emergencies.c.emergency_id == emergency_id
    change = update(emergencies).where(here).values(lifted_by=by, lifted_at=now, lift_reason=reason)
    await connection.execute(change)


async def listed(
    connection: AsyncConnection, *, only_on: bool, before: UUID | None, limit: int
) -> Sequence[RowMapping]:
    """Newest first."""
    query = select(emergencies).order_by(emergencies.c.emergency_id.desc()).limit(limit)
    if only_on:
        query = query.where(emergencies.c.lifted_at.is_(None))
    if before is not None:
        query = query.where(emergencies.c.emergency_id < before)
    return (await connection.execute(query)).mappings().all()


async def not_lifted(connection: AsyncConnection) -> list[Emergency]:
    query = select(emergencies).where(emergencies.c.lifted_at.is_(None)).order_by(emergencies.c.emergency_id)
    return [emergency_of(row) for row in (await connection.execute(query)).mappings()]


async def over(connection: AsyncConnection, now: datetime) -> list[UUID]:
    """Those whose end has come and that nobody has lifted; locked."""
    query = select(emergencies.c.emergency_id).where(emergencies.c.lifted_at.is_(None), emergencies.c.until <= now)
    return list((await connection.execute(query.with_for_update(skip_locked=True))).scalars())


def waiting_for(on: Sequence[Emergency], places: Places) -> ColumnElement[bool] | None:
    """Which cases of the queue an emergency is about, by what their citizen chose or the classifier thinks likeliest."""
    likeliest = cases.c.candidates[0]["category_code"].astext
    parts = []
    for one in on:
        about = or_(cases.c.said_category.in_(one.categories), likeliest.in_(one.categories))
        inside = [area.code for area in places if {area.code, places.subdistrict_of(area.code)} & one.areas]
        parts.append(and_(about, cases.c.area_code.in_(inside)) if one.areas else about)
    return or_(*parts) if parts else None
