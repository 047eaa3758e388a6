"""Owns what was thought of every request and what a person decided: how good a version is, and what it can learn from."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.classifier import Classification

COLUMNS = ("case_id", "judged_at", "version", "edition", "method", "category_code", "confidence", "queued")

# What a dispatcher decides last is what counts; a case that came before anything was judged has no row, and needs none.
_DECIDED = text("""
UPDATE judgements SET decided_code = :code, decided_by = :by, decided_at = :now WHERE case_id = :case_id
""")
# A judgement is confirmed or overridden only where a person looked; what was filed without one counts as neither.
_QUALITY = text("""
SELECT version,
  count(*) AS cases,
  count(*) FILTER (WHERE method = 'explicit') AS explicit,
  count(*) FILTER (WHERE method = 'rules' AND NOT queued) AS by_rules,
  count(*) FILTER (WHERE method = 'learned' AND NOT queued) AS by_model,
  count(*) FILTER (WHERE queued) AS queued,
  count(decided_code) AS decided,
  count(*) FILTER (WHERE decided_code = category_code) AS confirmed,
  count(*) FILTER (WHERE decided_code <> category_code) AS overridden,
  min(judged_at) AS first_at, max(judged_at) AS last_at
FROM judgements WHERE judged_at >= :since AND judged_at <= :until GROUP BY version ORDER BY max(judged_at) DESC
""")
# Words of cases that were blanked teach nothing.
_DECIDED_CASES = text("""
SELECT c.case_id, c.title, c.text, j.decided_code AS label FROM judgements j JOIN cases c ON c.case_id = j.case_id
WHERE j.decided_code IS NOT NULL AND c.text <> '' AND j.case_id > :after ORDER BY j.case_id LIMIT :most
""")


def row(case_id: UUID, found: Classification, *, version: str, edition: str, now: datetime) -> tuple[object, ...]:
    """What `COLUMNS` hold. `category_code` is the best guess, also where it was not good enough."""
    best = found.category_code or (found.candidates[0].category_code if found.candidates else None)
    return case_id, now, version, edition, found.method, best, found.confidence, found.queued


async def decided(connection: AsyncConnection, case_id: UUID, code: str, *, by: str, now: datetime) -> None:
    await connection.execute(_DECIDED, {"case_id": case_id, "code": code, "by": by, "now": now})


async def quality(connection: AsyncConnection, *, since: datetime, until: datetime) -> Sequence[RowMapping]:
    """Per version, the one that judged last first."""
    return (await connection.execute(_QUALITY, {"since": since, "until": until})).mappings().all()


async def decided_cases(connection: AsyncConnection, *, page: int = 1000) -> list[tuple[str, str, str]]:
    """Title, text and category of every case a person decided, read page by page."""
    found: list[tuple[str, str, str]] = []
    given: dict[str, Any] = {"after": UUID(int=0), "most": page}
    while rows := (await connection.execute(_DECIDED_CASES, given)).all():
        found += [(one.title, one.text, one.label) for one in rows]
        given["after"] = rows[-1].case_id
    return found
