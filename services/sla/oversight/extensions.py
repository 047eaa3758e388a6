"""延期: a unit asks for more time before its time is over, and two people one after the other agree or do not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from services.sla.oversight.deciding import Decision, must_be_another, must_be_of, must_have
from services.sla.oversight.rules import ExtensionRules
from services.sla.stopwatch import Clock
from services.sla.workdays import Calendar, Limit, Unit, epoch
from shared.errors import Conflict, DomainError
from shared.ids import new_id
from shared.tokens import Actor

type ExtensionState = Literal["asked", "granted", "refused", "withdrawn"]


class AskedTooLate(Conflict):
    """More time is asked for before the time is over, not after."""

    zh: ClassVar[str] = "须在到期前申请延期，该工单已经到期"


class ExtendedOftenEnough(Conflict):
    """The order has been extended as often as the rules allow."""

    zh: ClassVar[str] = "该工单的延期次数已达上限"


class AskedAlready(Conflict):
    """A request of this order waits to be decided."""

    zh: ClassVar[str] = "该工单已有待审批的申请"


class TooLong(DomainError):
    """That is more time than one extension may give."""

    zh: ClassVar[str] = "申请的延期时间超出规定上限"


class LongerThanTheUnitAbove(DomainError):
    """An order that was given on must be done before the unit that gave it on is due."""

    zh: ClassVar[str] = "二次分拨的工单不得超过上级承办单位的时限"


class NoSuchReason(DomainError):
    """The rules know no such reason."""

    zh: ClassVar[str] = "没有该理由代码"


class NothingToDecide(Conflict):
    """This request has been decided already."""

    zh: ClassVar[str] = "该申请已经办结"


class NotSuspendable(Conflict):
    """The time of this order is standing still."""

    zh: ClassVar[str] = "该工单处于挂账状态，不能申请延期"


@dataclass(slots=True, kw_only=True)
class Extension:
    extension_id: UUID
    case_id: UUID
    order_id: UUID
    unit_code: str
    state: ExtensionState
    amount: int
    unit: Unit
    reason_code: str
    reason: str
    """For those who decide."""
    public_reason: str
    """As the citizen reads it."""
    evidence: list[str]
    asked_by: str
    asked_at: datetime
    from_due_at: datetime
    due_at: datetime
    times: int
    """The how-manieth granted of this order it would be, or is."""
    decisions: list[Decision] = field(default_factory=list)

    def may_decide(self, by: Actor, rules: ExtensionRules) -> None:
        """The next step is open to whoever has its role and did not decide the one before."""
        if self.state != "asked":
            raise NothingToDecide
        step = len(self.decisions)
        must_have(by, rules.steps[step])
        if step == 0:
            must_be_of(by, self.unit_code, *rules.steps[0])
        else:
            must_be_another(by, self.decisions)

    def decide(self, by: Actor, rules: ExtensionRules, at: datetime, *, agreed: bool, note: str) -> None:
        self.may_decide(by, rules)
        self.decisions = [*self.decisions, Decision(by=by.id, at=at, agreed=agreed, note=note)]
        if not agreed:
            self.state = "refused"
        elif len(self.decisions) == len(rules.steps):
            self.state = "granted"

    def may_withdraw(self, by: Actor, rules: ExtensionRules) -> None:
        must_be_of(by, self.unit_code, *rules.ask)
        if self.state != "asked":
            raise NothingToDecide

    def withdraw(self, by: Actor, rules: ExtensionRules) -> None:
        self.may_withdraw(by, rules)
        self.state = "withdrawn"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a unit asks for."""

    limit: Limit
    reason_code: str
    reason: str
    public_reason: str
    evidence: Sequence[str]


def may_ask(clock: Clock, before: Iterable[Extension], rules: ExtensionRules, by: Actor, now: datetime) -> None:
    """Raises what keeps this unit from asking for more time now."""
    must_be_of(by, clock.unit_code, *rules.ask)
    if clock.paused:
        raise NotSuspendable
    if not clock.running or epoch(now) > epoch(clock.due_at):
        raise AskedTooLate
    granted = 0
    for each in before:
        if each.state == "asked":
            raise AskedAlready
        granted += each.state == "granted"
    if granted >= rules.times:
        raise ExtendedOftenEnough


def ask(
    case_id: UUID,
    clock: Clock,
    wish: Wish,
    before: Iterable[Extension],
    rules: ExtensionRules,
    *,
    calendar: Calendar,
    by: Actor,
    now: datetime,
    no_later_than: datetime | None = None,
) -> Extension:
    """The request, with the due time it would give. Whoever asks and has the first step's role has taken it thereby."""
    before = list(before)
    may_ask(clock, before, rules, by, now)
    if wish.reason_code not in rules.reasons:
        raise NoSuchReason
    assert clock.order_id is not None
    assert clock.unit_code is not None
    due_at = calendar.due(clock.due_at, wish.limit).at
    if longer_than_allowed(clock, wish.limit, rules, calendar):
        raise TooLong
    if no_later_than is not None and due_at > no_later_than:
        raise LongerThanTheUnitAbove
    asked = Extension(
        extension_id=new_id(),
        case_id=case_id,
        order_id=clock.order_id,
        unit_code=clock.unit_code,
        state="asked",
        amount=wish.limit.amount,
        unit=wish.limit.unit,
        reason_code=wish.reason_code,
        reason=wish.reason,
        public_reason=wish.public_reason,
        evidence=list(wish.evidence),
        asked_by=by.id,
        asked_at=now,
        from_due_at=clock.due_at,
        due_at=due_at,
        times=1 + sum(each.state == "granted" for each in before),
    )
    if by.has(*rules.steps[0]):
        asked.decide(by, rules, now, agreed=True, note="")
    return asked


def longer_than_allowed(clock: Clock, wanted: Limit, rules: ExtensionRules, calendar: Calendar) -> bool:
    """Compared in seconds as each unit counts them; a working day is as long as the working hours of one."""
    lengths = {
        "urgent_hour": 3600,
        "work_hour": 3600,
        "work_day": calendar.day_seconds,
        "calendar_day": calendar.day_seconds if clock.unit == "work_day" else 86_400,
    }
    return wanted.amount * lengths[wanted.unit] * 100 > clock.amount * lengths[clock.unit] * rules.share
