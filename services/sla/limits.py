"""The limit rules: editions of them, each in force for some time, and which rule gives a clock its limit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args
from zoneinfo import ZoneInfo

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.events.intake import CaseType
from contracts.events.sla import ClockKind
from services.sla.workdays import CountFrom, Limit, Unit
from shared.errors import DomainError

SHENZHEN = ZoneInfo("Asia/Shanghai")
CATALOG = Path(__file__).parent / "catalog"

Grade = Literal["A", "B", "C"]
Percent = Annotated[int, Field(ge=1, le=99)]
BEFORE_FILING: tuple[ClockKind, ...] = ("accept", "inform")
"""Clocks that may begin while a case has neither type nor grade."""
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


URGENT = "/urgent"
"""Behind the code of a rule whose limit is counted without a break this time."""


class LimitsNotUsable(DomainError):
    """The limit rules cannot be used as they are given."""

    zh: ClassVar[str] = "时限规则有误，不能启用"


class NoLimitsInForce(DomainError):
    """No limit rules were in force on that day."""

    zh: ClassVar[str] = "该日期没有生效的时限规则"


@dataclass(frozen=True, slots=True)
class Filing:
    """What the desk said of a case when it was filed; its limits follow from it for good."""

    filed_at: datetime
    type_code: CaseType
    grade: Grade
    amount: int
    unit: Unit
    """The limit of the case's standard, before the bounds of the edition."""


@dataclass(frozen=True, slots=True)
class Given:
    """A limit with the rule that gave it."""

    limit: Limit
    rule_code: str
    """`2019/standard`, with `/bounded` behind it where the standard's own limit was out of bounds."""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FixedLimit(_Data):
    amount: int
    unit: Unit
    count_from: CountFrom | None = None

    @cached_property
    def limit(self) -> Limit:
        return Limit(self.amount, self.unit, self.count_from)


class Rule(_Data):
    """One rule; an empty list of types or grades admits all."""

    code: Code
    clocks: tuple[ClockKind, ...] = Field(min_length=1)
    types: tuple[CaseType, ...] = ()
    grades: tuple[Grade, ...] = ()
    limit: FixedLimit | Literal["standard"]
    reason: str = Field(min_length=1)
    """For whoever asks why, in Chinese."""

    def fits(self, kind: ClockKind, type_code: CaseType | None, grade: Grade | None) -> bool:
        """A case that is not filed yet has neither type nor grade, and only what asks for none fits it."""
        return (
            kind in self.clocks
            and (not self.types or type_code in self.types)
            and (not self.grades or grade in self.grades)
        )


class Edition(_Data):
    """All limit rules in force from one day to another, both included."""

    edition: Code
    name: str
    source: str
    valid_from: date
    valid_to: date | None
    warnings: tuple[Percent, ...]
    """Shares of a limit, in percent, at which the unit is warned."""
    supervise_from_round: int = Field(ge=1)
    """From which round on a dissatisfied citizen's case is supervised (督办)."""
    within: dict[Unit, tuple[int, int]]
    """Least and most a standard's own limit may give, by unit."""
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.valid_to is not None and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        if len({rule.code for rule in self.rules}) != len(self.rules):
            raise ValueError("two rules have the same code")
        if any(a >= b for a, b in pairwise(self.warnings)):
            raise ValueError("warnings must rise")
        if missing := set(get_args(Unit)) - set(self.within):
            raise ValueError(f"within names no bounds for {', '.join(sorted(missing))}")
        for unit, bounds in self.within.items():
            least, most = (Limit(amount, unit).amount for amount in bounds)
            if least > most:
                raise ValueError(f"the bounds of {unit} are the wrong way round")
        filed = product(get_args(ClockKind), get_args(CaseType), get_args(Grade))
        for kind, type_code, grade in (*product(BEFORE_FILING, (None,), (None,)), *filed):
            self._rule(kind, type_code, grade)
        for rule in self.rules:
            if rule.limit != "standard":
                _ = rule.limit.limit
        return self

    def _rule(self, kind: ClockKind, type_code: CaseType | None, grade: Grade | None) -> Rule:
        for rule in self.rules:
            if rule.fits(kind, type_code, grade):
                return rule
        raise ValueError(f"no rule gives {kind} of {type_code or 'an unfiled case'}, grade {grade}, a limit")

    def limit(self, kind: ClockKind, filing: Filing | None) -> Given:
        """The limit of such a clock; only `BEFORE_FILING` have one before the case is filed."""
        if filing is None:
            return _given(self, kind, None, None, (1, "work_day"))
        return _given(self, kind, filing.type_code, filing.grade, (filing.amount, filing.unit))

    def work_out(
        self, kind: ClockKind, type_code: CaseType | None, grade: Grade | None, standard: tuple[int, Unit]
    ) -> Given:
        amount, unit = standard
        rule = self._rule(kind, type_code, grade)
        code = f"{self.edition}/{rule.code}"
        if rule.limit != "standard":
            return Given(rule.limit.limit, code)
        least, most = self.within[unit]
        bounded = min(max(amount, least), most)
        return Given(Limit(bounded, unit), code if bounded == amount else f"{code}/bounded")

    def __hash__(self) -> int:
        return hash(self.edition)


class LimitBook:
    """Every edition there was, without a gap or an overlap between them."""

    def __init__(self, editions: Iterable[Edition]) -> None:
        self.editions = tuple(sorted(editions, key=lambda edition: edition.valid_from))
        if not self.editions:
            raise LimitsNotUsable("there are no editions")
        for earlier, later in pairwise(self.editions):
            if earlier.valid_to is None or (later.valid_from - earlier.valid_to).days != 1:
                raise LimitsNotUsable(f"edition {later.edition} does not begin the day after {earlier.edition} ends")
        self._reasons = {
            f"{edition.edition}/{rule.code}": rule.reason for edition in editions for rule in edition.rules
        }

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Every `limits-*.yaml` of a folder; LimitsNotUsable says which is wrong and where."""
        editions = []
        for path in sorted(folder.glob("limits-*.yaml")):
            try:
                editions.append(Edition.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
            except (ValidationError, yaml.YAMLError, DomainError) as error:
                raise LimitsNotUsable(f"{path.name}: {error}") from error
        return cls(editions)

    def at(self, instant: datetime) -> Edition:
        """The edition in force that day in Shenzhen; NoLimitsInForce before the first or after a last that has ended."""
        day = instant.astimezone(SHENZHEN).date()
        for edition in reversed(self.editions):
            if edition.valid_from <= day and (edition.valid_to is None or day <= edition.valid_to):
                return edition
        raise NoLimitsInForce(f"on {day}")

    def explain(self, rule_code: str) -> str:
        """Why a clock has the limit it has, in Chinese; empty for a code of no known edition."""
        rule, bounded, _ = rule_code.removesuffix(URGENT).partition("/bounded")
        reason = self._reasons.get(rule, "")
        reason += "（该事项标准时限超出此范围，已按上下限调整）" if bounded and reason else ""
        return reason + ("；应急状态，按紧急工作时连续计算" if reason and rule_code.endswith(URGENT) else "")


@lru_cache(maxsize=4096)
def _given(
    edition: Edition, kind: ClockKind, type_code: CaseType | None, grade: Grade | None, standard: tuple[int, Unit]
) -> Given:
    return edition.work_out(kind, type_code, grade, standard)


@lru_cache(maxsize=1)
def shipped_limits() -> LimitBook:
    """The editions the service ships with."""
    return LimitBook.load(CATALOG)
