"""The rule data the desk judges by: one edition of the catalogue, the desk's own rules, and which days are worked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from contracts.events.intake import CaseType
from services.router.catalogue.entries import Standard
from services.router.catalogue.orders import OrderTable
from services.router.catalogue.tags import SetBy
from services.router.catalogue.whole import Catalogue
from services.router.domain.cases import Case
from services.router.domain.emergency import Alarm, Emergency
from services.router.tagger import Tagger
from services.router.units import FALLBACK
from shared.tokens import Actor

SHENZHEN = ZoneInfo("Asia/Shanghai")
SYSTEM = Actor(id="system", kind="machine", roles=frozenset({"system"}))
"""Who acts when a clock or a citizen's rating decides."""


@dataclass(frozen=True, slots=True)
class DeskRules:
    """What no edition of the catalogue says (`desk.yaml`)."""

    classify_roles: frozenset[str]
    not_accept_roles: frozenset[str]
    see_all_roles: frozenset[str]
    see_open_roles: frozenset[str]
    """Of those, who sees no confidential case."""
    department_acts_as: frozenset[str]
    photo_types: frozenset[CaseType]
    always_queued: frozenset[CaseType]


@dataclass(frozen=True)
class Rules:
    """Everything a decision on one case needs to know."""

    catalogue: Catalogue
    desk: DeskRules
    is_working_day: Callable[[date], bool]
    alarm: Alarm = field(default_factory=Alarm, compare=False)
    table: OrderTable = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", self.catalogue.orders)

    def table_of(self, case: Case) -> OrderTable:
        """The rows a case goes by: those of its process, in the edition it keeps."""
        return self.table.of_process(case.process_code)

    @cached_property
    def tagger(self) -> Tagger:
        return Tagger(self.catalogue.tags, max_chars=self.catalogue.classification.max_chars)

    def set_by(self, tag: str) -> SetBy:
        """Whether it is the rules or the system that set this tag, where no person does."""
        known = self.catalogue.tags.get(tag)
        return "system" if known is None or known.set_by == "system" else "rule"

    def roles_of(self, actor: Actor) -> frozenset[str]:
        """The actor's roles at the desk; a department's system stands for the people of its unit."""
        if actor.kind == "machine" and actor.has("department"):
            return actor.roles | self.desk.department_acts_as
        return actor.roles

    def is_party(self, unit_code: str, accused: str | None) -> bool:
        """True for the accused unit and whatever stands under it."""
        return accused is not None and self.catalogue.units.is_party(unit_code, accused)

    def unit_name(self, code: str) -> str:
        return self.catalogue.units[code].name if code in self.catalogue.units else code

    def photo_required(self, standard: Standard, type_code: CaseType) -> bool:
        return type_code in self.desk.photo_types and standard.photo_required

    def emergency(self, area_code: str | None, category_code: str | None, *, now: datetime) -> Emergency | None:
        """平战一体: the one that makes new orders of this category at this place urgent, if there is one."""
        return self.alarm.about(area_code, category_code, self.catalogue.places, now=now)

    def fallback(self, area_code: str | None, *, accused: str | None) -> str:
        """兜底: who acts for a place until it is known whose it is."""
        return self.catalogue.dispatch.resolve(FALLBACK, area_code, accused=accused).lead

    def return_until(self, dispatched_at: datetime) -> datetime:
        """The last instant an order may be returned: the end of the n-th working day after the day it came.

        Counted from the next day on, as 信访工作条例 and 山东's 2-working-day rule do; other units of time are elapsed.
        """
        window = self.table.returns.return_window
        if window.unit in ("urgent_hour", "work_hour"):
            return dispatched_at + timedelta(hours=window.amount)
        day, left = dispatched_at.astimezone(SHENZHEN).date(), window.amount
        while left > 0:
            day += timedelta(days=1)
            if window.unit == "calendar_day" or self.is_working_day(day):
                left -= 1
        return datetime.combine(day + timedelta(days=1), time(), tzinfo=SHENZHEN)
