"""申诉: a unit says once, after a case is closed, that what counts against it should not; the facts stay as they are."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.sla.oversight.deciding import Decision, OtherUnitsMatter, must_be_another, must_be_of, must_have
from services.sla.oversight.extensions import NoSuchReason, NothingToDecide
from services.sla.oversight.rules import AppealRules
from services.sla.stopwatch import Clock
from services.sla.workdays import Calendar
from shared.errors import Conflict
from shared.ids import new_id
from shared.tokens import Actor

type AppealState = Literal["asked", "upheld", "dismissed"]
type Mark = Literal["reasonable", "unreasonable", "out_of_duty"]
"""合理诉求、不合理诉求、超职责: what the reviewers found of the request itself."""


class NotClosedYet(Conflict):
    """A unit appeals after the case is closed."""

    zh: ClassVar[str] = "诉求结案后方可申诉"


class AppealTooLate(Conflict):
    """The time to appeal is over."""

    zh: ClassVar[str] = "已超过申诉期限"


class AppealedAlready(Conflict):
    """A unit appeals once."""

    zh: ClassVar[str] = "本单位已就该诉求申诉过"


@dataclass(slots=True, kw_only=True)
class Appeal:
    appeal_id: UUID
    case_id: UUID
    unit_code: str
    state: AppealState
    ground_code: str
    statement: str
    evidence: list[str]
    asked_by: str
    asked_at: datetime
    reviews: list[Decision] = field(default_factory=list)
    mark: Mark | None = None
    exempt: bool = False
    """Whether the unit's figures leave this case out. The clocks themselves stay late."""
    exempt_at: datetime | None = None

    def may_review(self, by: Actor, rules: AppealRules) -> None:
        if self.state != "asked":
            raise NothingToDecide
        must_have(by, rules.reviews[len(self.reviews)])
        must_be_another(by, self.reviews)
        if self.unit_code in by.units and not by.has("admin"):
            raise OtherUnitsMatter("nobody reviews an appeal of their own unit")

    def review(
        self, by: Actor, rules: AppealRules, at: datetime, *, agreed: bool, note: str, mark: Mark | None
    ) -> None:
        """Both reviews are made whatever the first one says; the second decides (复核), the first is its advice."""
        self.may_review(by, rules)
        self.reviews = [*self.reviews, Decision(by=by.id, at=at, agreed=agreed, note=note)]
        self.mark = mark or self.mark
        if len(self.reviews) == len(rules.reviews):
            self.state = "upheld" if agreed else "dismissed"
            if agreed:
                self.exempt, self.exempt_at = True, at


def may_ask(
    closed_at: datetime | None,
    clocks: Iterable[Clock],
    before: Iterable[Appeal],
    rules: AppealRules,
    calendar: Calendar,
    *,
    unit_code: str,
    by: Actor,
    now: datetime,
) -> None:
    must_be_of(by, unit_code, *rules.ask)
    if not any(clock.unit_code == unit_code for clock in clocks):
        raise OtherUnitsMatter
    if closed_at is None:
        raise NotClosedYet
    if any(each.unit_code == unit_code for each in before):
        raise AppealedAlready
    if now > calendar.due(closed_at, rules.within.limit).at:
        raise AppealTooLate


def ask(
    case_id: UUID,
    unit_code: str,
    rules: AppealRules,
    *,
    ground_code: str,
    statement: str,
    evidence: Iterable[str],
    by: Actor,
    now: datetime,
) -> Appeal:
    """After `may_ask`."""
    if ground_code not in rules.grounds:
        raise NoSuchReason
    return Appeal(
        appeal_id=new_id(),
        case_id=case_id,
        unit_code=unit_code,
        state="asked",
        ground_code=ground_code,
        statement=statement,
        evidence=list(evidence),
        asked_by=by.id,
        asked_at=now,
    )
