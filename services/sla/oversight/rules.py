"""The rules of oversight as data: the ladder of warnings, what may be asked for and by whom, the levels of supervision."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.events.router import Outcome
from contracts.events.sla import Card, ClockKind, SupervisionLevel
from services.sla.hours import SHENZHEN
from services.sla.limits import CATALOG, Code
from services.sla.workdays import Limit, Unit
from shared.errors import DomainError

FIRST_RUNG = 101
"""Below are shares of the limit, in percent."""
Reasons = Annotated[dict[str, str], Field(min_length=1)]
"""Codes with what they mean, in Chinese."""
Roles = Annotated[tuple[str, ...], Field(min_length=1)]


class OversightRulesNotUsable(DomainError):
    """The rules of oversight cannot be used as they are given."""

    zh: ClassVar[str] = "督办规则有误，不能启用"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(_Data):
    """So much time, in one of the four units; none at all is the first moment that counts."""

    amount: int = Field(ge=0, le=400)
    unit: Unit

    @cached_property
    def limit(self) -> Limit:
        return Limit(self.amount, self.unit)


class Rung(_Data):
    """A step of the ladder at a fixed distance from the due time, before or after it."""

    code: Code
    rung: int = Field(ge=FIRST_RUNG, le=32_000)
    clocks: tuple[ClockKind, ...] = Field(min_length=1)
    before: Span | None = None
    after: Span | None = None
    limits: tuple[int, int] | None = None
    """Least and most working days of a limit it is for; None for any, hours included."""
    card: Card | None = None
    urge: bool = False
    supervise: SupervisionLevel | None = None
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_side(self) -> Self:
        if (self.before is None) == (self.after is None):
            raise ValueError(f"rung {self.code} must be either before or after the due time")
        return self

    def fits(self, kind: ClockKind, amount: int, unit: Unit) -> bool:
        if kind not in self.clocks:
            return False
        return self.limits is None or (unit == "work_day" and self.limits[0] <= amount <= self.limits[1])


class UrgeRules(_Data):
    by: Roles
    supervise_at: int = Field(ge=2)
    """The urge with which the matter is supervised."""
    supervise: SupervisionLevel


class ExtensionRules(_Data):
    clocks: tuple[ClockKind, ...]
    ask: Roles
    times: int = Field(ge=1)
    """Granted at most so often for one order; what was refused does not count."""
    share: int = Field(ge=1, le=1000)
    """Each time at most so many percent of the first limit."""
    steps: tuple[Roles, ...] = Field(min_length=1)
    """Who decides, one after the other."""
    reasons: Reasons


class SuspensionRules(_Data):
    clocks: tuple[ClockKind, ...]
    ask: Roles
    approve: Roles
    times: int = Field(ge=1)
    longest_days: int = Field(ge=1, le=366)
    contact_every: Span
    reasons: Reasons


class Level(_Data):
    reply: Span
    next: SupervisionLevel | None


class SupervisionRules(_Data):
    order: Roles
    levels: dict[SupervisionLevel, Level]
    dissatisfied_twice: SupervisionLevel

    @model_validator(mode="after")
    def _complete(self) -> Self:
        order = get_args(SupervisionLevel)
        if missing := set(order) - set(self.levels):
            raise ValueError(f"levels missing: {', '.join(sorted(missing))}")
        for name, level in self.levels.items():
            if level.next is not None and order.index(level.next) <= order.index(name):
                raise ValueError(f"{level.next} is not heavier than {name}")
        return self


class AppealRules(_Data):
    ask: Roles
    within: Span
    """After closing."""
    reviews: tuple[Roles, Roles]
    grounds: Reasons


class CallbackRules(_Data):
    outcomes: tuple[Outcome, ...]
    """After which endings the citizen is called."""
    attempts: int = Field(ge=1)
    """So many calls that nobody answered are as good as one."""


class Oversight(_Data):
    """An edition of the rules, in force from one day to another, both included."""

    edition: Code
    name: str
    source: str
    valid_from: date
    valid_to: date | None
    silent: tuple[ClockKind, ...]
    ladder: tuple[Rung, ...]
    urge: UrgeRules
    extension: ExtensionRules
    suspension: SuspensionRules
    supervision: SupervisionRules
    appeal: AppealRules
    notices: dict[Literal["inform", "inform_result"], tuple[str, ...]]
    callback: CallbackRules
    urgent_hours: dict[Literal["work_hour", "work_day", "calendar_day"], int]

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        for values in ([rung.code for rung in self.ladder], [rung.rung for rung in self.ladder]):
            if len(set(values)) != len(values):
                raise ValueError("two rungs of the ladder have the same code or number")
        if any(not rung.clocks or set(rung.clocks) & set(self.silent) for rung in self.ladder):
            raise ValueError("a rung is for a clock that is silent")
        return self

    def __hash__(self) -> int:
        return hash(self.edition)

    def rungs(self, kind: ClockKind, amount: int, unit: Unit) -> tuple[Rung, ...]:
        return _rungs(self, kind, amount, unit)

    def urgent(self, limit: Limit) -> Limit:
        """The same limit counted without a break: an emergency, or a repair that comes first."""
        if limit.unit == "urgent_hour":
            return limit
        return Limit(limit.amount * self.urgent_hours[limit.unit], "urgent_hour")


@lru_cache(maxsize=4096)
def _rungs(oversight: Oversight, kind: ClockKind, amount: int, unit: Unit) -> tuple[Rung, ...]:
    return tuple(rung for rung in oversight.ladder if rung.fits(kind, amount, unit))


class OversightBook:
    """Every edition there was, without a gap or an overlap between them; a rung's number means the same in all."""

    def __init__(self, editions: Iterable[Oversight]) -> None:
        self.editions = tuple(sorted(editions, key=lambda edition: edition.valid_from))
        if not self.editions:
            raise OversightRulesNotUsable("there are no editions")
        for earlier, later in pairwise(self.editions):
            if earlier.valid_to is None or (later.valid_from - earlier.valid_to).days != 1:
                raise OversightRulesNotUsable(f"{later.edition} does not begin the day after {earlier.edition} ends")
        self._rungs: dict[int, Rung] = {}
        for rung in (rung for edition in self.editions for rung in edition.ladder):
            if self._rungs.setdefault(rung.rung, rung).code != rung.code:
                raise OversightRulesNotUsable(f"rung {rung.rung} is {self._rungs[rung.rung].code} and {rung.code}")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Every `oversight-*.yaml` of a folder; OversightRulesNotUsable says which is wrong and where."""
        editions = []
        for path in sorted(folder.glob("oversight-*.yaml")):
            try:
                editions.append(Oversight.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
            except (ValidationError, yaml.YAMLError) as error:
                raise OversightRulesNotUsable(f"{path.name}: {error}") from error
        return cls(editions)

    def at(self, instant: datetime) -> Oversight:
        """The edition in force that day in Shenzhen; before the first one, the first."""
        day = instant.astimezone(SHENZHEN).date()
        return next((edition for edition in reversed(self.editions) if edition.valid_from <= day), self.editions[0])

    def rung(self, no: int) -> Rung | None:
        return self._rungs.get(no)


@lru_cache(maxsize=1)
def shipped_oversight() -> OversightBook:
    """The editions the service ships with."""
    return OversightBook.load(CATALOG)
