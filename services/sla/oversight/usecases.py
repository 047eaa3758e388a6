"""One function per verb of oversight: load, decide, save; everything happens under the lock of the case's row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, cast
from uuid import UUID

from contracts.events.sla import OrderUrged, SupervisionLevel
from services.sla.board import Urger
from services.sla.domain import CaseClocks, CaseNotTimed
from services.sla.firing import Alarm
from services.sla.oversight import appeals, extensions, records, suspensions
from services.sla.oversight.appeals import Appeal, Mark
from services.sla.oversight.deciding import must_have
from services.sla.oversight.extensions import Extension, Wish
from services.sla.oversight.supervisions import NotHeavier, Supervision
from services.sla.oversight.suspensions import PROMISED, Suspension
from services.sla.stopwatch import Clock
from services.sla.store import SlaTx
from shared.errors import NotFound
from shared.ids import new_id
from shared.tokens import Actor


class OrderNotTimed(NotFound):
    """No clock of this order is known here."""

    zh: ClassVar[str] = "没有该工单的计时记录"


async def timed(tx: SlaTx, case_id: UUID) -> CaseClocks:
    """The case, locked; CaseNotTimed when nothing was ever timed of it."""
    case = await tx.case(case_id)
    if not case.sequence:
        raise CaseNotTimed
    return case


def work_of(case: CaseClocks, order_id: UUID) -> Clock:
    work = case.handling(order_id)
    if work is None:
        raise OrderNotTimed
    return work


async def held[R: (Extension, Suspension, Supervision, Appeal)](
    tx: SlaTx, kind: type[R], key: UUID
) -> tuple[R, CaseClocks]:
    """A request and its case, as they are under the lock."""
    known = await records.find(tx.connection, kind, key)
    case = await timed(tx, known.case_id)
    return await records.find(tx.connection, kind, key), case


async def ask_extension(tx: SlaTx, case_id: UUID, order_id: UUID, wish: Wish, *, by: Actor, now: datetime) -> Extension:
    """延期申请."""
    case = await timed(tx, case_id)
    work = work_of(case, order_id)
    before = [each for each in await records.of_case(tx.connection, Extension, case_id) if each.order_id == order_id]
    above = _above(case, work)
    asked = extensions.ask(
        case_id,
        work,
        wish,
        before,
        case.rules(now).extension,
        calendar=case.stopwatch.calendar,
        by=by,
        now=now,
        no_later_than=above.due_at if above else None,
    )
    tx.keep(asked)
    await _grant(tx, case, asked, now)
    return asked


def _above(case: CaseClocks, work: Clock) -> Clock | None:
    """The work of the unit that gave this order on: the lead's, which is the last to end of those that may."""
    if work.kind != "delegate":
        return None
    leads = [clock for clock in case.clocks if clock.kind == "handle" and clock.running]
    return max(leads, key=lambda clock: clock.due_at, default=None)


async def decide_extension(
    tx: SlaTx, extension_id: UUID, *, agreed: bool, note: str, by: Actor, now: datetime
) -> Extension:
    """延期审批, one step of it; with the last one the clocks move and the citizen is told."""
    asked, case = await held(tx, Extension, extension_id)
    asked.decide(by, case.rules(now).extension, now, agreed=agreed, note=note)
    tx.keep(asked)
    await _grant(tx, case, asked, now)
    return asked


async def _grant(tx: SlaTx, case: CaseClocks, asked: Extension, now: datetime) -> None:
    if asked.state == "granted":
        case.extend(asked.order_id, asked.due_at, now, public_reason=asked.public_reason, times=asked.times)
        tx.save(case, now)


async def withdraw_extension(tx: SlaTx, extension_id: UUID, *, by: Actor, now: datetime) -> Extension:
    asked, case = await held(tx, Extension, extension_id)
    asked.withdraw(by, case.rules(now).extension)
    tx.keep(asked)
    return asked


@dataclass(frozen=True, slots=True)
class Promise:
    """What a unit says of a matter that has to wait."""

    promised_at: datetime
    reason_code: str
    reason: str
    public_reason: str
    evidence: Sequence[str]


async def ask_suspension(
    tx: SlaTx, case_id: UUID, order_id: UUID, promise: Promise, *, by: Actor, now: datetime
) -> Suspension:
    """挂账申请."""
    case = await timed(tx, case_id)
    asked = suspensions.ask(
        case_id,
        work_of(case, order_id),
        await records.of_case(tx.connection, Suspension, case_id),
        case.rules(now).suspension,
        promised_at=promise.promised_at,
        reason_code=promise.reason_code,
        reason=promise.reason,
        public_reason=promise.public_reason,
        evidence=promise.evidence,
        by=by,
        now=now,
    )
    tx.keep(asked)
    return asked


async def decide_suspension(
    tx: SlaTx, suspension_id: UUID, *, agreed: bool, note: str, by: Actor, now: datetime
) -> Suspension:
    """挂账审批: the clocks stand still, and timers of their own wait for the promised day and the next word."""
    asked, case = await held(tx, Suspension, suspension_id)
    rules, calendar = case.rules(now).suspension, case.stopwatch.calendar
    asked.decide(by, rules, calendar, now, agreed=agreed, note=note)
    tx.keep(asked)
    if asked.state == "running":
        assert asked.next_contact_at is not None
        case.suspend(
            now,
            rules.clocks,
            promised_at=asked.promised_at,
            contact_at=asked.next_contact_at,
            reason=asked.public_reason,
        )
        tx.alarm(case.case_id, asked.suspension_id, "promised_day", asked.promised_at)
        _remind(tx, asked)
        tx.save(case, now)
    return asked


def _remind(tx: SlaTx, suspension: Suspension) -> None:
    at = suspension.next_contact_at
    # On the promised day itself the work goes on, and that is the word the citizen gets.
    tx.alarm(suspension.case_id, suspension.suspension_id, "contact_due", at if at != suspension.promised_at else None)


async def contact_meanwhile(tx: SlaTx, suspension_id: UUID, *, note: str, by: Actor, now: datetime) -> Suspension:
    """定期回告: the citizen was told how it stands."""
    running, case = await held(tx, Suspension, suspension_id)
    running.contacted(by, case.rules(now).suspension, case.stopwatch.calendar, now, note)
    tx.keep(running)
    _remind(tx, running)
    return running


async def resume(tx: SlaTx, suspension_id: UUID, *, by: Actor, now: datetime) -> Suspension:
    """恢复, before the promised day."""
    running, case = await held(tx, Suspension, suspension_id)
    running.may_resume(by, case.rules(now).suspension)
    _go_on(tx, running, case, now, by.id)
    return running


def _go_on(tx: SlaTx, running: Suspension, case: CaseClocks, now: datetime, by: str) -> None:
    running.resume(now, by)
    tx.keep(running)
    tx.alarm(case.case_id, running.suspension_id, "promised_day", None)
    tx.alarm(case.case_id, running.suspension_id, "contact_due", None)
    case.resume(now)
    tx.save(case, now)


async def urge(tx: SlaTx, case_id: UUID, *, note: str, by: Actor, now: datetime) -> Sequence[OrderUrged]:
    """催办 by staff; a citizen's comes through the register."""
    case = await timed(tx, case_id)
    rules = case.rules(now).urge
    must_have(by, rules.by)
    role = next((each for each in ("leader", "supervisor", "operator") if by.has(each)), "supervisor")
    said = case.urge(cast("Urger", role), now)
    tx.urged(case, said, urge_id=new_id(), by=cast("Urger", role), at=now, by_id=by.id, note=note)
    tx.save(case, now)
    return said


async def order_supervision(
    tx: SlaTx,
    case_id: UUID,
    *,
    level: SupervisionLevel,
    unit_code: str | None,
    order_id: UUID | None,
    instruction: str,
    by: Actor,
    now: datetime,
) -> Supervision:
    """督办, by a supervisor or a leader."""
    case = await timed(tx, case_id)
    must_have(by, case.rules(now).supervision.order)
    if order_id is not None:
        unit_code = work_of(case, order_id).unit_code
    cause: Literal["leader", "supervisor"] = "leader" if by.has("leader") else "supervisor"
    ordered = case.supervise(
        cause, level, now, by=by.id, order_id=order_id, unit_code=unit_code, instruction=instruction
    )
    tx.save(case, now)
    return ordered


async def answer(tx: SlaTx, supervision_id: UUID, *, text: str, by: Actor, now: datetime) -> Supervision:
    """The reply the unit owed; its deadline is kept."""
    owed, _ = await held(tx, Supervision, supervision_id)
    owed.answer(text, by, now)
    tx.keep(owed)
    tx.alarm(owed.case_id, owed.supervision_id, "reply_due", None)
    return owed


async def judge(tx: SlaTx, supervision_id: UUID, *, accepted: bool, note: str, by: Actor, now: datetime) -> Supervision:
    """The reply is enough, or the matter goes a level up; on the last level the unit answers again."""
    given, case = await held(tx, Supervision, supervision_id)
    rules = case.rules(now).supervision
    case.events.append(given.judge(by, rules, now, accepted=accepted, note=note))
    tx.keep(given)
    if not accepted:
        _heavier(tx, given, case, now)
    tx.save(case, now)
    return given


async def escalate(tx: SlaTx, supervision_id: UUID, *, instruction: str, by: Actor, now: datetime) -> Supervision:
    """升级督办 by hand: the next level, whatever the unit has answered so far."""
    given, case = await held(tx, Supervision, supervision_id)
    given.may_escalate(by, case.rules(now).supervision)
    heavier = _heavier(tx, given, case, now, by=by.id, instruction=instruction)
    tx.save(case, now)
    return heavier


def _heavier(
    tx: SlaTx, given: Supervision, case: CaseClocks, now: datetime, *, by: str = "", instruction: str = ""
) -> Supervision:
    """The next level of the rules takes over; above the last one the same is owed again, with a new deadline."""
    level = case.rules(now).supervision.levels[given.level]
    tx.keep(given)
    if level.next is None:
        if by:
            raise NotHeavier
        given.state, given.reply_due_at = "open", case.due(level.reply.limit, now)
        tx.alarm(case.case_id, given.supervision_id, "reply_due", given.reply_due_at)
        return given
    given.state = "escalated"
    tx.alarm(case.case_id, given.supervision_id, "reply_due", None)
    heavier = case.supervise(
        given.cause,
        level.next,
        now,
        by=by,
        order_id=given.order_id,
        unit_code=given.unit_code,
        instruction=instruction or given.instruction,
    )
    heavier.previous_id = given.supervision_id
    return heavier


async def appeal(
    tx: SlaTx,
    case_id: UUID,
    *,
    unit_code: str,
    ground_code: str,
    statement: str,
    evidence: Sequence[str],
    by: Actor,
    now: datetime,
) -> Appeal:
    """申诉, once, after closing."""
    case = await timed(tx, case_id)
    before = await records.of_case(tx.connection, Appeal, case_id)
    rules = case.rules(now).appeal
    appeals.may_ask(
        case.closed_at,
        case.clocks,
        before,
        rules,
        case.stopwatch.calendar,
        unit_code=unit_code,
        by=by,
        now=now,
    )
    asked = appeals.ask(
        case_id,
        unit_code,
        rules,
        ground_code=ground_code,
        statement=statement,
        evidence=evidence,
        by=by,
        now=now,
    )
    tx.keep(asked)
    return asked


async def review_appeal(
    tx: SlaTx, appeal_id: UUID, *, agreed: bool, note: str, mark: Mark | None, by: Actor, now: datetime
) -> Appeal:
    """One of the two reviews. The exemption stands beside the clocks; nothing of theirs is touched."""
    asked, case = await held(tx, Appeal, appeal_id)
    asked.review(by, case.rules(now).appeal, now, agreed=agreed, note=note, mark=mark)
    tx.keep(asked)
    if asked.exempt:
        tx.ledger.exempt(case.case_id, granted=True)
    return asked


async def hear_alarm(tx: SlaTx, alarm: Alarm, *, now: datetime) -> None:
    """What was to be looked at again then."""
    if alarm.kind == "reply_due":
        given, case = await held(tx, Supervision, alarm.about_id)
        if given.state == "open" and case.closed_at is None:
            _heavier(tx, given, case, now)
            tx.save(case, now)
        return
    running, case = await held(tx, Suspension, alarm.about_id)
    if running.state != "running":
        return
    if alarm.kind == "promised_day":
        _go_on(tx, running, case, now, PROMISED)
    else:
        running.contact_missed(case.rules(now).suspension, case.stopwatch.calendar, now)
        tx.keep(running)
        _remind(tx, running)
        case.urge("rule", now)
        tx.save(case, now)
