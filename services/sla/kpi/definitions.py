"""What a KPI is, as data: what is counted, out of what, by which date, what is left out, and where the rule comes from."""

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlalchemy import Boolean, DateTime, Integer, Table

from services.sla.kpi.tables import case_facts, order_facts
from shared.errors import DomainError, NotFound

CATALOG = Path(__file__).parents[1] / "catalog"

Grain = Literal["case", "order"]
Kind = Literal["ratio", "mean", "median", "p90", "least"]
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{2,40}$")]
FACTS: Mapping[Grain, Table] = {"case": case_facts, "order": order_facts}


class KpisNotUsable(DomainError):
    """The KPI definitions cannot be used as they are given."""

    zh: ClassVar[str] = "指标定义有误，不能启用"


class UnknownKpi(NotFound):
    """There is no such KPI."""

    zh: ClassVar[str] = "没有这个指标"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Condition(_Data):
    """One test of one fact; exactly one of the tests is given."""

    fact: str
    known: bool | None = None
    """True when the fact must be there, False when it must not."""
    equals: bool | None = None
    one_of: tuple[str, ...] | None = None
    none_of: tuple[str, ...] | None = None
    """Also true where the fact is not known."""
    by: str | None = None
    """The fact that is an instant must be at or before this other one."""
    at_least: int | None = None

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        if len(self.model_fields_set - {"fact"}) != 1:
            raise ValueError(f"{self.fact}: give exactly one test")
        return self


class Share(_Data):
    """Rows for which all of this holds count so much; the first share that fits a row decides."""

    weight: Annotated[float, Field(ge=0, le=1)] = 1.0
    when: tuple[Condition, ...] = Field(min_length=1)


class Kpi(_Data):
    code: Code
    name: str
    grain: Grain
    kind: Kind = "ratio"
    date: str
    """The instant by which a row belongs to a period."""
    of: tuple[Condition, ...] = ()
    """The denominator: rows of the period for which all of this holds."""
    counts: tuple[Share, ...] = ()
    """The numerator; only of a ratio."""
    value: str | None = None
    """The number that is averaged; of every kind but a ratio."""
    excludes: tuple[str, ...] = ()
    """Names of exclusions."""
    better: Literal["higher", "lower"] = "higher"
    meaning: str
    source: str

    @model_validator(mode="after")
    def _fits(self) -> Self:
        table = FACTS[self.grain]
        if (self.kind == "ratio") != bool(self.counts) or (self.kind == "ratio") == (self.value is not None):
            raise ValueError(f"{self.code}: a ratio counts, every other kind has a value")
        conditions = (*self.of, *(one for share in self.counts for one in share.when))
        _must_fit(self.code, table, conditions)
        _must_be(self.code, table, self.date, DateTime)
        if self.value is not None:
            _must_be(self.code, table, self.value, Integer)
        return self


class Exclusion(_Data):
    """Rows that do not count, whatever became of them: an exemption stands beside the fact, which stays."""

    name: str
    when: tuple[Condition, ...] = Field(min_length=1)
    source: str


class KpiEdition(_Data):
    """All definitions in force from one day to another, both included."""

    edition: str
    valid_from: date
    valid_to: date | None
    exclusions: dict[str, Exclusion]
    kpis: tuple[Kpi, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({one.code for one in self.kpis}) != len(self.kpis):
            raise ValueError("two KPIs have the same code")
        for one in self.kpis:
            for name in one.excludes:
                if name not in self.exclusions:
                    raise ValueError(f"{one.code}: there is no exclusion {name}")
                _must_fit(f"{one.code} without {name}", FACTS[one.grain], self.exclusions[name].when)
        return self

    def __getitem__(self, code: str) -> Kpi:
        for one in self.kpis:
            if one.code == code:
                return one
        raise UnknownKpi(code)

    def without(self, kpi: Kpi) -> Iterable[tuple[Condition, ...]]:
        return (self.exclusions[name].when for name in kpi.excludes)


def _must_fit(of: str, table: Table, conditions: Iterable[Condition]) -> None:
    for one in conditions:
        for name in (one.fact, one.by) if one.by is not None else ():
            _must_be(of, table, name, DateTime)
        _must_be(
            of, table, one.fact, Boolean if one.equals is not None else Integer if one.at_least is not None else object
        )


def _must_be(of: str, table: Table, name: str, kind: type) -> None:
    if name not in table.c:
        raise ValueError(f"{of}: there is no fact {name} of a{'n order' if table is order_facts else ' case'}")
    if not issubclass(type(table.c[name].type), kind):
        raise ValueError(f"{of}: {name} is no {_KINDS[kind]}")  # noqa: TRY004  pydantic tells it with the others


_KINDS = {DateTime: "instant", Integer: "number", Boolean: "yes or no"}


class KpiBook:
    """Every edition there was; a period is judged by the one in force on its last day."""

    def __init__(self, editions: Iterable[KpiEdition]) -> None:
        self.editions = tuple(sorted(editions, key=lambda one: one.valid_from))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Every `kpis-*.yaml` of a folder; KpisNotUsable says which is wrong and where."""
        editions = []
        for path in sorted(folder.glob("kpis-*.yaml")):
            try:
                editions.append(KpiEdition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
            except (ValidationError, yaml.YAMLError) as error:
                raise KpisNotUsable(f"{path.name}: {error}") from error
        return cls(editions)

    def at(self, day: date) -> KpiEdition:
        """The first edition also for days before it: what was not defined then is counted as it was first defined."""
        return next((one for one in reversed(self.editions) if one.valid_from <= day), self.editions[0])


@lru_cache(maxsize=1)
def shipped_kpis() -> KpiBook:
    return KpiBook.load(CATALOG)
