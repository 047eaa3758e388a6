"""Compression rounds: from what past cases really used, new limits by type and category, and what they would do."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from pathlib import Path
from statistics import fmean
from typing import Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contracts.events.intake import CaseType
from services.sla.limits import Asked, Edition, FixedLimit, Grade, Rule
from services.sla.workdays import HOUR, Calendar, Limit, Unit

Basis = Literal["average", "p50", "p90"]
FILE = Path(__file__).parent / "catalog" / "compression.yaml"


class CompressionRules(BaseModel):
    """What `compression.yaml` says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    basis: Basis
    at_least: int = Field(ge=1)
    least_hours: int = Field(ge=1)
    day_hours: int = Field(ge=1)


def shipped_rules() -> CompressionRules:
    return CompressionRules.model_validate(yaml.safe_load(FILE.read_text("utf-8")))


class PastCase(NamedTuple):
    """A case that has ended; without times it says only whether it was late."""

    type_code: CaseType
    category_code: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    late: bool | None = None
    grade: Grade = "B"
    amount: int = 7
    unit: Unit = "work_day"
    """The limit of its standard; a week of working days where that is not known."""

    def asked(self) -> Asked:
        return Asked("total", self.type_code, self.grade, self.amount, self.unit, self.category_code)


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the cases of one type and category used, and the limit that follows from it."""

    type_code: CaseType
    category_code: str
    """Empty: all categories of the type that have too few cases of their own."""
    cases: int
    timed: int
    """Those whose beginning and end are known."""
    late_share: float | None
    """As it was."""
    average: float | None
    p50: float | None
    p90: float | None
    """In office hours, like the others."""
    now: Limit
    """The longest of their limits."""
    proposed: Limit | None
    """None: no shorter one follows."""
    would_be_late: float | None
    """Share that would have been late under the proposed limit."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Past cases judged by two editions."""

    type_code: CaseType
    cases: int
    late_before: int
    late_after: int
    shorter: int
    """Cases whose limit ends earlier."""


def propose(
    cases: Iterable[PastCase], edition: Edition, calendar: Calendar, rules: CompressionRules, basis: Basis | None = None
) -> list[Proposal]:
    """By type and category, the most frequent first; categories with few cases are taken together."""
    rules = rules.model_copy(update={"basis": basis or rules.basis})
    groups: dict[tuple[CaseType, str], list[PastCase]] = {}
    for case in cases:
        groups.setdefault((case.type_code, case.category_code), []).append(case)
    for key in [key for key, found in groups.items() if key[1] and len(found) < rules.at_least]:
        groups.setdefault((key[0], ""), []).extend(groups.pop(key))
    made = [_proposal(key, found, edition, calendar, rules) for key, found in groups.items()]
    return sorted(made, key=lambda each: (-each.cases, each.type_code, each.category_code))


def _proposal(
    key: tuple[CaseType, str],
    cases: Sequence[PastCase],
    edition: Edition,
    calendar: Calendar,
    rules: CompressionRules,
) -> Proposal:
    limits = {asked: edition.work_out(asked)[0].limit for asked in {case.asked() for case in cases}}
    longest = max(limits.values(), key=lambda limit: limit.nominal_hours)
    used = sorted(hours for case in cases if (hours := used_hours(case, calendar)) is not None)
    told = [late for case in cases if (late := _late(case, limits[case.asked()], calendar)) is not None]
    figures = {"average": fmean(used), "p50": _share(used, 0.5), "p90": _share(used, 0.9)} if used else {}
    limit = _limit(figures[rules.basis], rules) if len(used) >= rules.at_least else None
    if limit is not None and limit.nominal_hours >= longest.nominal_hours:
        limit = None
    would_be_late = None
    if limit is not None:
        would_be_late = fmean(bool(_after(case, limit, calendar)) for case in cases if case.finished_at is not None)
    return Proposal(
        *key,
        len(cases),
        len(used),
        fmean(told) if told else None,
        figures.get("average"),
        figures.get("p50"),
        figures.get("p90"),
        longest,
        limit,
        would_be_late,
    )


def used_hours(case: PastCase, calendar: Calendar) -> float | None:
    """Office hours from coming in to the answer."""
    if case.started_at is None or case.finished_at is None:
        return None
    return calendar.elapsed(case.started_at, case.finished_at, "work_hour") / HOUR


def _after(case: PastCase, limit: Limit, calendar: Calendar) -> bool | None:
    if case.started_at is None or case.finished_at is None:
        return None
    return case.finished_at > calendar.due(case.started_at, limit).at


def _late(case: PastCase, limit: Limit, calendar: Calendar) -> bool | None:
    return case.late if case.late is not None else _after(case, limit, calendar)


def _share(values: Sequence[float], share: float) -> float:
    """The least value that so many are not above (nearest rank)."""
    return values[max(0, ceil(len(values) * share) - 1)]


def _limit(hours: float, rules: CompressionRules) -> Limit:
    if hours < rules.day_hours:
        return Limit(max(rules.least_hours, ceil(hours)), "work_hour")
    return Limit(ceil(hours / rules.day_hours), "work_day")


def edition_of(
    proposals: Iterable[Proposal], base: Edition, *, code: str, name: str, valid_from: date, basis: str
) -> Edition:
    """The next edition: the proposed limits before the rules there are, and never longer than what those give."""
    rules = [
        Rule(
            code=f"cut-{each.type_code}" + (f"-{each.category_code}" if each.category_code else ""),
            clocks=("handle", "total"),
            types=(each.type_code,),
            categories=(each.category_code,) if each.category_code else (),
            if_shorter=True,
            limit=FixedLimit(amount=each.proposed.amount, unit=each.proposed.unit),
            reason=f"按上一时期{each.timed}件实际用时（{basis}）压缩",
        )
        for each in sorted(proposals, key=lambda each: each.category_code == "")
        if each.proposed is not None
    ]
    changes = {"edition": code, "name": name, "valid_from": valid_from, "valid_to": None, "overlays": ()}
    made = base.model_copy(update={**changes, "rules": (*rules, *base.rules)})
    return Edition.model_validate(made.model_dump())


def simulate(cases: Iterable[PastCase], before: Edition, after: Edition, calendar: Calendar) -> list[Outcome]:
    """What two editions say of the same past cases, by type; cases without times are left out."""
    counted: dict[CaseType, list[int]] = {}
    limits: dict[Asked, tuple[Limit, Limit]] = {}
    for case in cases:
        if case.started_at is None or case.finished_at is None:
            continue
        asked = case.asked()
        if asked not in limits:
            limits[asked] = before.work_out(asked)[0].limit, after.work_out(asked)[0].limit
        dues = [calendar.due(case.started_at, limit).at for limit in limits[asked]]
        row = counted.setdefault(case.type_code, [0, 0, 0, 0])
        row[0] += 1
        row[1] += case.finished_at > dues[0]
        row[2] += case.finished_at > dues[1]
        row[3] += dues[1] < dues[0]
    return [Outcome(type_code, *row) for type_code, row in sorted(counted.items())]
