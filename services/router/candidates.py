"""Owns finding the cases a case may be merged with: one query over indexes, then the evidence for each that is left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncConnection

from contracts.events.intake import Place
from services.router.alike import Likeness, Request, keys_around, likeness
from services.router.catalogue.merging import Candidates
from services.router.domain.cases import Case

Why = Literal["same_citizen", "same_matter", "alike"]

# Three ways to a likely pair, each along an index and each with an end: the citizen's newest cases, the newest of the
# same category and area, and those that share the most keys. What is not open any more is no master and is left out
# last, where few rows are left.
_LIKELY = text("""
WITH met AS (
  SELECT case_id, keys FROM signatures WHERE keys && CAST(:keys AS bigint[]) LIMIT 2000
), alike AS (
  SELECT case_id, cardinality(ARRAY(SELECT unnest(keys) INTERSECT SELECT unnest(CAST(:keys AS bigint[])))) AS shared
  FROM met
), likely (case_id, why) AS (
  (SELECT case_id, 1 FROM cases WHERE citizen_id = :citizen ORDER BY case_id DESC LIMIT 50)
  UNION ALL
  (SELECT case_id, 2 FROM cases
   WHERE category_code = :category AND area_code = :area AND state = 'handling'
   ORDER BY case_id DESC LIMIT 100)
  UNION ALL
  (SELECT case_id, 3 FROM alike ORDER BY shared DESC, case_id DESC LIMIT 200)
)
SELECT c.case_id, c.case_no, c.state, c.citizen_id, c.title, c.text, c.place, c.area_code, c.received_at, c.category_code,
  c.accused_unit_code, c.confidential, c.edition, c.type_code, min(l.why) AS why
FROM likely l JOIN cases c USING (case_id)
WHERE c.case_id <> :case AND c.state <> 'closed' AND c.master_id IS NULL
  AND c.received_at BETWEEN :since AND :until
GROUP BY c.case_id
""")

# PostgreSQL cannot tell how rare a key is and takes hundreds of keys for a good part of the table.
_BY_INDEX = text("SET LOCAL enable_seqscan = off")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A case this one may be merged with; `same_citizen` says whether it would be a supplement or a follower."""

    row: RowMapping
    like: Likeness
    same_citizen: bool
    same_category: bool


async def find(
    connection: AsyncConnection, case: Case, rules: Candidates, *, recused: Sequence[str] = ()
) -> list[Candidate]:
    """The most alike first; none of an accused unit the asker belongs to."""
    await connection.execute(_BY_INDEX)
    asked = _asked(case, rules)
    this = _request(case.title, case.text, case.place, case.area_code, case.received_at)
    found = [
        _judged(case, this, row, rules)
        for row in (await connection.execute(_LIKELY, asked)).mappings()
        if row["accused_unit_code"] not in recused
    ]
    kept = [one for one in found if _likely(one, rules)]
    kept.sort(key=lambda one: (-one.like.score, one.row["case_id"]))
    return kept[: rules.most]


async def plan(connection: AsyncConnection, case: Case, rules: Candidates) -> list[str]:
    """How PostgreSQL would look for them, for whoever watches over it."""
    await connection.execute(_BY_INDEX)
    explained = await connection.execute(text(f"EXPLAIN {_LIKELY.text}"), _asked(case, rules))
    return list(explained.scalars())


def _asked(case: Case, rules: Candidates) -> dict[str, object]:
    window = timedelta(days=rules.time.window_days)
    return {
        "case": case.case_id,
        "keys": keys_around(case.title, case.text, case.received_at, rules),
        "citizen": case.citizen_id,
        "category": case.category_code,
        "area": case.area_code,
        "since": case.received_at - window,
        "until": case.received_at + window,
    }


def _judged(case: Case, this: Request, row: RowMapping, rules: Candidates) -> Candidate:
    place = Place.model_validate(row["place"])
    other = _request(row["title"], row["text"], place, row["area_code"], row["received_at"])
    return Candidate(
        row,
        likeness(this, other, rules),
        same_citizen=case.citizen_id is not None and row["citizen_id"] == case.citizen_id,
        same_category=case.category_code is not None and row["category_code"] == case.category_code,
    )


def _likely(one: Candidate, rules: Candidates) -> bool:
    near = one.same_citizen or (one.same_category and one.like.same_area is not None)
    return one.like.text >= rules.min_text / (2 if near else 1) and one.like.score >= rules.min_score


def _request(title: str, said: str, place: Place, area_code: str | None, at: datetime) -> Request:
    return Request(title=title, text=said, place=place, area_code=area_code, received_at=at)
