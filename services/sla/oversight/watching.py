"""What is recorded on a supervision as it goes, and what may be done about a case's time at all."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from pydantic import BaseModel

from services.sla.domain import CaseClocks, CaseNotTimed
from services.sla.oversight import appeals, extensions, records, suspensions
from services.sla.oversight.appeals import Appeal
from services.sla.oversight.deciding import Permission, must_have, permission
from services.sla.oversight.extensions import Extension
from services.sla.oversight.rules import SupervisionRules
from services.sla.oversight.supervisions import Supervision
from services.sla.oversight.suspensions import Suspension
from services.sla.oversight.usecases import held
from services.sla.oversight.views import ActionView
from services.sla.stopwatch import Clock
from services.sla.store import SlaTx
from services.sla.usecases import EVERYWHERE
from shared.tokens import Actor


class OrderActions(BaseModel):
    order_id: UUID
    unit_code: str | None
    kind: str
    allowed_actions: list[ActionView]


class ActionsView(BaseModel):
    case_id: UUID
    case_no: str | None
    allowed_actions: list[ActionView]
    orders: list[OrderActions]
    extension_reasons: dict[str, str]
    suspension_reasons: dict[str, str]
    appeal_grounds: dict[str, str]
    """What each code means, in Chinese."""


async def actions_of(tx: SlaTx, case_id: UUID, *, by: Actor, now: datetime) -> ActionsView:
    case = await tx.find(case_id)
    if case is None or not case.clocks:
        raise CaseNotTimed
    if not by.has(*EVERYWHERE) and not any(clock.unit_code in by.units for clock in case.clocks):
        raise CaseNotTimed
    longer = await records.of_case(tx.connection, Extension, case_id)
    waits = await records.of_case(tx.connection, Suspension, case_id)
    rules = case.rules(now)
    orders = []
    for work in _works(case):
        mine = [each for each in longer if each.order_id == work.order_id]
        actions = [
            permission("extend", _asking_longer(work, mine, case, by, now)),
            permission("suspend", _asking_to_wait(work, waits, case, by, now)),
        ]
        assert work.order_id is not None
        view = OrderActions(
            order_id=work.order_id,
            unit_code=work.unit_code,
            kind=work.kind,
            allowed_actions=ActionView.all(actions),
        )
        orders.append(view)
    before = await records.of_case(tx.connection, Appeal, case_id)
    own = [
        permission("urge", lambda: must_have(by, rules.urge.by)),
        permission("supervise", lambda: must_have(by, rules.supervision.order)),
        _appealing(case, before, by, now),
    ]
    return ActionsView(
        case_id=case_id,
        case_no=case.case_no,
        allowed_actions=ActionView.all(own),
        orders=orders,
        extension_reasons=rules.extension.reasons,
        suspension_reasons=rules.suspension.reasons,
        appeal_grounds=rules.appeal.grounds,
    )


def _works(case: CaseClocks) -> list[Clock]:
    found = (case.handling(order_id) for order_id in dict.fromkeys(c.order_id for c in case.clocks if c.order_id))
    return [work for work in found if work is not None]


def _asking_longer(
    work: Clock, before: list[Extension], case: CaseClocks, by: Actor, now: datetime
) -> Callable[[], None]:
    return lambda: extensions.may_ask(work, before, case.rules(now).extension, by, now)


def _asking_to_wait(
    work: Clock, before: Sequence[Suspension], case: CaseClocks, by: Actor, now: datetime
) -> Callable[[], None]:
    return lambda: suspensions.may_ask(work, before, case.rules(now).suspension, by)


def _appealing(case: CaseClocks, before: Sequence[Appeal], by: Actor, now: datetime) -> Permission:
    mine = sorted({c.unit_code for c in case.clocks if c.unit_code and c.unit_code in by.units})
    unit_code = mine[0] if mine else ""
    return permission(
        "appeal",
        lambda: appeals.may_ask(
            case.closed_at,
            case.clocks,
            before,
            case.rules(now).appeal,
            case.stopwatch.calendar,
            unit_code=unit_code,
            by=by,
            now=now,
        ),
    )


async def _record(
    tx: SlaTx, supervision_id: UUID, change: Callable[[Supervision, SupervisionRules], None]
) -> Supervision:
    given, case = await held(tx, Supervision, supervision_id)
    change(given, case.rules(given.ordered_at).supervision)
    tx.keep(given)
    return given


async def lift(tx: SlaTx, supervision_id: UUID, *, note: str, by: Actor, now: datetime) -> Supervision:
    given = await _record(tx, supervision_id, lambda it, rules: it.lift(by, rules, now, note))
    tx.alarm(given.case_id, given.supervision_id, "reply_due", None)
    return given


async def list_publicly(tx: SlaTx, supervision_id: UUID, *, title: str, by: Actor, now: datetime) -> Supervision:
    return await _record(tx, supervision_id, lambda it, rules: it.list_publicly(by, rules, now, title))


async def note_interview(tx: SlaTx, supervision_id: UUID, *, note: str, by: Actor, now: datetime) -> Supervision:
    return await _record(tx, supervision_id, lambda it, rules: it.note_interview(by, rules, now, note))


async def account(tx: SlaTx, supervision_id: UUID, *, text: str, by: Actor, now: datetime) -> Supervision:
    return await _record(tx, supervision_id, lambda it, rules: it.account(by, rules, now, text))
