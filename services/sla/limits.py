"""The limit rules: editions of them, each in force for some time, and which rule gives a clock its limit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import pairwise, product
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.events.intake import CaseType
from contracts.events.sla import ClockKind
from services.sla.hours import SHENZHEN
from services.sla.workdays import CountFrom, Limit, Unit
from shared.errors import DomainError

CATALOG = Path(__file__).parent / "catalog"

Grade = Literal["A", "B", "C"]
Percent = Annotated[int, Field(ge=1, le=99)]
BEFORE_FILING: tuple[ClockKind, ...] = ("accept", "inform")
"""Clocks that may begin while a case has neither type nor grade."""
Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]

CategoryCode = Annotated[str, Field(pattern=r"^[0-9]{2,7}(/[0-9]{1,3})?$")]
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
    category_code: str = ""
    """Of the third level."""
    standard_no: int | None = None
    channel_code: str = ""
    groups: tuple[str, ...] = ()
    """Tags the case was filed with, as far as rules ask for them."""
    edition: str | None = None
    """The edition it is judged by for good; None: the one in force when it was filed."""


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


class Asked(NamedTuple):
    """All that a limit may depend on: which clock (the process node) of which case."""

    clock: ClockKind
    type_code: CaseType | None = None
    grade: Grade | None = None
    amount: int = 1
    unit: Unit = "work_day"
    category_code: str = ""
    standard_no: int | None = None
    channel_code: str = ""
    groups: tuple[str, ...] = ()
    emergency: bool = False

    @classmethod
    def of(cls, clock: ClockKind, filing: Filing | None, *, emergency: bool = False) -> "Asked":
        """A case that is not filed yet has nothing but its clock."""
        if filing is None:
            return cls(clock, emergency=emergency)
        return cls(
            clock,
            filing.type_code,
            filing.grade,
            filing.amount,
            filing.unit,
            filing.category_code,
            filing.standard_no,
            filing.channel_code,
            filing.groups,
            emergency,
        )


class Rule(_Data):
    """One rule; what it does not name it admits all of."""

    code: Code
    clocks: tuple[ClockKind, ...] = Field(min_length=1)
    """Process nodes."""
    types: tuple[CaseType, ...] = ()
    grades: tuple[Grade, ...] = ()
    categories: tuple[CategoryCode, ...] = ()
    """Of any level; a first-level code admits all below it. `0101001/2` is the second standard of that category."""
    sources: tuple[str, ...] = ()
    """Codes of the channel the citizen really used, or of the main channel."""
    groups: tuple[str, ...] = ()
    """Tags of the citizen's group; one of them is enough."""
    emergency: bool | None = None
    if_shorter: bool = False
    """Applies only where it gives no more time than the rules after it."""
    limit: FixedLimit | Literal["standard"]
    reason: str = Field(min_length=1)
    """For whoever asks why, in Chinese."""

    def against(self, asked: Asked) -> str | None:
        """What keeps the rule from being this clock's; None when it fits."""
        fits = {
            "clock": asked.clock in self.clocks,
            "type": not self.types or asked.type_code in self.types,
            "grade": not self.grades or asked.grade in self.grades,
            "category": not self.categories or self._covers(asked),
            "source": not self.sources or asked.channel_code in self.sources,
            "group": not self.groups or not set(self.groups).isdisjoint(asked.groups),
            "emergency": self.emergency is None or self.emergency == asked.emergency,
        }
        return next((what for what, fit in fits.items() if not fit), None)

    def _covers(self, asked: Asked) -> bool:
        category, standard = asked.category_code, f"{asked.category_code}/{asked.standard_no}"
        return bool(category) and any(standard == c or category.startswith(c) for c in self.categories)


class Overlay(_Data):
    """Rules that go before those of whatever edition is in force, while they are in force themselves."""

    overlay: Code
    name: str
    source: str
    valid_from: date
    valid_to: date | None = None
    rules: tuple[Rule, ...] = Field(min_length=1)


class Weighed(NamedTuple):
    """A rule that was looked at for a clock."""

    rule_code: str
    against: str | None
    """Why it was passed over; None for the one that gave the limit."""
    reason: str


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
    overlays: tuple[Overlay, ...] = ()
    """In force beside it; found by the book, not written in its file."""

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
            self._base(Asked(kind, type_code, grade))
        for rule in self.rules:
            if rule.limit != "standard":
                _ = rule.limit.limit
        return self

    def _base(self, asked: Asked) -> Rule:
        for rule in self.rules:
            if rule.against(asked) is None:
                return rule
        raise ValueError(f"no rule gives {asked.clock} of {asked.type_code}, grade {asked.grade}, a limit")

    @property
    def everything(self) -> Iterator[tuple[str, Rule]]:
        """All rules with their full codes, in the order in which they are asked."""
        for overlay in self.overlays:
            for rule in overlay.rules:
                yield f"{overlay.overlay}/{rule.code}", rule
        for rule in self.rules:
            yield f"{self.edition}/{rule.code}", rule

    def limit(self, kind: ClockKind, filing: Filing | None, *, emergency: bool = False) -> Given:
        """The limit of such a clock; only `BEFORE_FILING` have one before the case is filed."""
        return _given(self, Asked.of(kind, filing, emergency=emergency))

    def work_out(self, asked: Asked) -> tuple[Given, list[Weighed]]:
        """The limit, and every rule that was looked at before it was found."""
        weighed: list[Weighed] = []
        fitting = []
        for code, rule in self.everything:
            against = rule.against(asked)
            weighed.append(Weighed(code, against, rule.reason))
            if against is None:
                fitting.append((len(weighed) - 1, self._given(code, rule, asked)))
                if not rule.if_shorter:
                    break
        chosen = next(
            each
            for at, each in enumerate(fitting)
            if all(each[1].limit.nominal_hours <= later[1].limit.nominal_hours for later in fitting[at + 1 :])
        )
        passed_over = {at for at, _ in fitting} - {chosen[0]}
        return chosen[1], [
            each._replace(against="longer" if at < chosen[0] else "first") if at in passed_over else each
            for at, each in enumerate(weighed)
        ]

    def _given(self, code: str, rule: Rule, asked: Asked) -> Given:
        if rule.limit != "standard":
            return Given(rule.limit.limit, code)
        least, most = self.within[asked.unit]
        bounded = min(max(asked.amount, least), most)
        return Given(Limit(bounded, asked.unit), code if bounded == asked.amount else f"{code}/bounded")

    def __hash__(self) -> int:
        return hash(self.edition)


class LimitBook:
    """Every edition there was, without a gap or an overlap between them, and the overlays beside them."""

    def __init__(self, editions: Iterable[Edition], overlays: Iterable[Overlay] = ()) -> None:
        self.editions = tuple(sorted(editions, key=lambda edition: edition.valid_from))
        self.overlays = tuple(overlays)
        if not self.editions:
            raise LimitsNotUsable("there are no editions")
        for earlier, later in pairwise(self.editions):
            if earlier.valid_to is None or (later.valid_from - earlier.valid_to).days != 1:
                raise LimitsNotUsable(f"edition {later.edition} does not begin the day after {earlier.edition} ends")
        self.by_code = {edition.edition: edition for edition in self.editions}
        if len(self.by_code) < len(self.editions):
            raise LimitsNotUsable("two editions have the same code")
        everything = [
            (code, rule) for edition in self.editions for code, rule in self._with(edition, self.overlays).everything
        ]
        self._reasons = {code: rule.reason for code, rule in everything}
        self.groups = frozenset(group for _, rule in everything for group in rule.groups)
        self._composed: dict[tuple[str, tuple[str, ...]], Edition] = {}

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Every `limits-*.yaml` and `overlay-*.yaml` of a folder; LimitsNotUsable says which is wrong and where."""
        return cls(read_rules(folder, "limits", Edition), read_rules(folder, "overlay", Overlay))

    def followed_by(self, published: Iterable[Edition]) -> "LimitBook":
        """With editions published later: each ends the one before it the day before it begins."""
        editions = list(self.editions)
        for later in sorted(published, key=lambda edition: edition.valid_from):
            last = editions[-1]
            if later.valid_from <= last.valid_from:
                raise LimitsNotUsable(f"edition {later.edition} does not begin after {last.edition}")
            editions[-1] = last.model_copy(update={"valid_to": later.valid_from - timedelta(days=1)})
            editions.append(later)
        return LimitBook(editions, self.overlays)

    def at(self, instant: datetime) -> Edition:
        """The edition in force that day in Shenzhen; NoLimitsInForce before the first or after a last that has ended."""
        day = instant.astimezone(SHENZHEN).date()
        for edition in reversed(self.editions):
            if edition.valid_from <= day and (edition.valid_to is None or day <= edition.valid_to):
                return self._on(edition, day)
        raise NoLimitsInForce(f"on {day}")

    def judging(self, filing: Filing) -> Edition:
        """The edition a case keeps, whatever was published since."""
        edition = self.by_code.get(filing.edition or "")
        return self._on(edition, filing.filed_at.astimezone(SHENZHEN).date()) if edition else self.at(filing.filed_at)

    def overlays_on(self, day: date) -> tuple[Overlay, ...]:
        return tuple(
            each for each in self.overlays if each.valid_from <= day and (each.valid_to is None or day <= each.valid_to)
        )

    def _on(self, edition: Edition, day: date) -> Edition:
        overlays = self.overlays_on(day)
        if not overlays:
            return edition
        key = edition.edition, tuple(each.overlay for each in overlays)
        if key not in self._composed:
            self._composed[key] = self._with(edition, overlays)
        return self._composed[key]

    @staticmethod
    def _with(edition: Edition, overlays: tuple[Overlay, ...]) -> Edition:
        return edition.model_copy(update={"overlays": overlays})

    def groups_of(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Those tags that any rule asks for."""
        return tuple(sorted(self.groups.intersection(tags)))

    def explain(self, rule_code: str) -> str:
        """Why a clock has the limit it has, in Chinese; empty for a code of no known edition."""
        rule, bounded, _ = rule_code.removesuffix(URGENT).partition("/bounded")
        reason = self._reasons.get(rule, "")
        reason += "（该事项标准时限超出此范围，已按上下限调整）" if bounded and reason else ""
        return reason + ("；应急状态，按紧急工作时连续计算" if reason and rule_code.endswith(URGENT) else "")


def read_rules[M: BaseModel](folder: Path, kind: str, model: type[M]) -> list[M]:
    """Every `<kind>-*.yaml` of a folder."""
    found = []
    for path in sorted(folder.glob(f"{kind}-*.yaml")):
        try:
            found.append(model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (ValidationError, yaml.YAMLError, DomainError) as error:
            raise LimitsNotUsable(f"{path.name}: {error}") from error
    return found


@lru_cache(maxsize=8192)
def _given(edition: Edition, asked: Asked) -> Given:
    return edition.work_out(asked)[0]


@lru_cache(maxsize=1)
def shipped_limits() -> LimitBook:
    """The editions the service ships with."""
    return LimitBook.load(CATALOG)
