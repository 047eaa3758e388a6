"""挂账: a matter that has to wait for a promised day, with approval, once, and with a word to the citizen meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from uuid import UUID

from services.sla.oversight.deciding import Decision, must_be_of, must_have
from services.sla.oversight.extensions import AskedAlready, NoSuchReason, NothingToDecide
from services.sla.oversight.rules import SuspensionRules
from services.sla.stopwatch import Clock
from services.sla.workdays import Calendar
from shared.errors import Conflict, DomainError
from shared.ids import new_id
from shared.tokens import Actor

type SuspensionState = Literal["asked", "running", "refused", "over"]
PROMISED, BY_RULE = "promised_day", ""


class SuspendedAlready(Conflict):
    """A case is suspended once."""

    zh: ClassVar[str] = "该诉求已挂账过，不能再次挂账"


class PromisedTooFar(DomainError):
    """The promised day must lie ahead, and no further than the rules allow."""

    zh: ClassVar[str] = "承诺日期须晚于当前时间，且不超过规定的最长期限"


class NotSuspended(Conflict):
    """The case is not suspended."""

    zh: ClassVar[str] = "该诉求不在挂账状态"


class WorkIsOver(Conflict):
    """Nothing of this order is being timed any more."""

    zh: ClassVar[str] = "该工单已不在计时，不能挂账"


@dataclass(slots=True, kw_only=True)
class Suspension:
    suspension_id: UUID
    case_id: UUID
    order_id: UUID
    unit_code: str
    state: SuspensionState
    reason_code: str
    reason: str
    public_reason: str
    evidence: list[str]
    promised_at: datetime
    asked_by: str
    asked_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    note: str | None = None
    next_contact_at: datetime | None = None
    contacts: list[Decision] = field(default_factory=list)
    """Each word with the citizen meanwhile."""
    resumed_at: datetime | None = None
    resumed_by: str | None = None
    """`promised_day` when the promised day came."""

    def may_decide(self, by: Actor, rules: SuspensionRules) -> None:
        must_have(by, rules.approve)
        if self.state != "asked":
            raise NothingToDecide

    def decide(
        self, by: Actor, rules: SuspensionRules, calendar: Calendar, at: datetime, *, agreed: bool, note: str
    ) -> None:
        self.may_decide(by, rules)
        if agreed and self.promised_at <= at:
            raise PromisedTooFar
        self.decided_by, self.decided_at, self.note = by.id, at, note
        self.state = "running" if agreed else "refused"
        if agreed:
            self._next_contact(rules, calendar, at)

    def may_contact(self, by: Actor, rules: SuspensionRules) -> None:
        must_be_of(by, self.unit_code, *rules.ask, "handler")
        if self.state != "running":
            raise NotSuspended

    def contacted(self, by: Actor, rules: SuspensionRules, calendar: Calendar, at: datetime, note: str) -> None:
        """The citizen was told how it stands."""
        self.may_contact(by, rules)
        self.contacts = [*self.contacts, Decision(by=by.id, at=at, agreed=True, note=note)]
        self._next_contact(rules, calendar, at)

    def contact_missed(self, rules: SuspensionRules, calendar: Calendar, at: datetime) -> None:
        self._next_contact(rules, calendar, at)

    def _next_contact(self, rules: SuspensionRules, calendar: Calendar, at: datetime) -> None:
        self.next_contact_at = min(calendar.due(at, rules.contact_every.limit).at, self.promised_at)

    def may_resume(self, by: Actor, rules: SuspensionRules) -> None:
        if by.has(*rules.approve, "admin"):
            pass
        else:
            must_be_of(by, self.unit_code, *rules.ask)
        if self.state != "running":
            raise NotSuspended

    def resume(self, at: datetime, by: str) -> None:
        if self.state != "running":
            raise NotSuspended
        self.state, self.resumed_at, self.resumed_by, self.next_contact_at = "over", at, by, None


def may_ask(clock: Clock, before: Iterable[Suspension], rules: SuspensionRules, by: Actor) -> None:
    must_be_of(by, clock.unit_code, *rules.ask)
    if not clock.running:
        raise WorkIsOver
    had = 0
    for each in before:
        if each.state == "asked":
            raise AskedAlready
        had += each.state in ("running", "over")
    if had >= rules.times:
        raise SuspendedAlready


def ask(
    case_id: UUID,
    clock: Clock,
    before: Iterable[Suspension],
    rules: SuspensionRules,
    *,
    promised_at: datetime,
    reason_code: str,
    reason: str,
    public_reason: str,
    evidence: Iterable[str],
    by: Actor,
    now: datetime,
) -> Suspension:
    may_ask(clock, before, rules, by)
    if reason_code not in rules.reasons:
        raise NoSuchReason
    if not now < promised_at <= now + timedelta(days=rules.longest_days):
        raise PromisedTooFar
    assert clock.order_id is not None
    assert clock.unit_code is not None
    return Suspension(
        suspension_id=new_id(),
        case_id=case_id,
        order_id=clock.order_id,
        unit_code=clock.unit_code,
        state="asked",
        reason_code=reason_code,
        reason=reason,
        public_reason=public_reason,
        evidence=list(evidence),
        promised_at=promised_at,
        asked_by=by.id,
        asked_at=now,
    )
