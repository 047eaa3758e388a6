"""What the other services say about a case, with everything the reply does not look at filled in."""

from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from contracts.events.intake import CaseSubmitted, CaseSupplemented, CaseUrged, CaseWithdrawn, CitizenErased
from contracts.events.router import (
    CaseClosed,
    CaseFiled,
    CaseMerged,
    CaseNotAccepted,
    CaseReplied,
    CaseReworked,
    CaseUnmerged,
    Node,
    OrderCancelled,
    OrderContacted,
    OrderDispatched,
    OrderProgressed,
    OrderRedispatched,
    OrderResolved,
    OrderReturned,
    OrderSigned,
    StandardLimit,
)
from contracts.events.sla import (
    ClockBreached,
    ClockExtended,
    ClockPaused,
    ClockRecomputed,
    ClockResumed,
    ClockStarted,
    MovedClock,
    StartedClock,
    WorkingSpan,
)
from contracts.numbers import case_number, code_hash
from shared.ids import new_id

START = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
"""18:00 in Shenzhen."""
CODE = "K7M2PQ4X"
LEAD = ("PS-CG", "区城管局")
OTHER = ("PS-SW", "区水务局")
SIMPLE = ("registered", "accepted", "dispatched", "handling", "closed")
GENERAL = (
    "registered",
    "accepted",
    "dispatched",
    "signed",
    "delegated",
    "handling",
    "resolved",
    "reviewed",
    "closed",
)

type Unit = tuple[str, str]


def number(serial: int = 1) -> str:
    return case_number(serial, START, prefix="PS")


def submitted(serial: int = 1, *, citizen_id: UUID | None = None, key: bytes = b"k" * 32, **more: Any) -> CaseSubmitted:
    case_no = number(serial)
    values: dict[str, Any] = {
        "case_no": case_no,
        "look_up_hash": code_hash(CODE, case_no, key).hex(),
        "channel_code": "wechat_pingshan",
        "origin_channel_code": "wechat_pingshan",
        "citizen_id": citizen_id,
        "anonymous": citizen_id is None,
        "text": "巷口垃圾三天没人清",
        "type_code": "complaint",
        "received_at": START,
        **more,
    }
    return CaseSubmitted(**values)


def filed(process: tuple[str, ...] = GENERAL, **more: Any) -> CaseFiled:
    values: dict[str, Any] = {
        "edition": "2019",
        "category_code": "0101001",
        "category_name": "暴露垃圾",
        "type_code": "complaint",
        "grade": "B",
        "process_code": "general" if process is GENERAL else "simple",
        "nodes": tuple(Node(key=key, label=key) for key in process),
        "area_code": None,
        "photo_required": True,
        "limit": StandardLimit(amount=5, unit="work_day"),
        **more,
    }
    return CaseFiled(**values)


def dispatched(
    order_id: UUID, unit: Unit = LEAD, *, turn: int = 1, role: Literal["lead", "co"] = "lead"
) -> OrderDispatched:
    return OrderDispatched(order_id=order_id, role=role, unit_code=unit[0], unit_name=unit[1], round=turn)


def signed(order_id: UUID, unit: Unit = LEAD) -> OrderSigned:
    return OrderSigned(order_id=order_id, unit_code=unit[0], unit_name=unit[1])


def contacted(order_id: UUID, unit: Unit = LEAD) -> OrderContacted:
    return OrderContacted(order_id=order_id, unit_code=unit[0], unit_name=unit[1])


def progressed(order_id: UUID, note: str, unit: Unit = LEAD) -> OrderProgressed:
    return OrderProgressed(order_id=order_id, unit_code=unit[0], unit_name=unit[1], public_note=note)


def resolved(order_id: UUID, unit: Unit = LEAD) -> OrderResolved:
    return OrderResolved(order_id=order_id, unit_code=unit[0], unit_name=unit[1], photo_ids=())


def returned(order_id: UUID, unit: Unit = LEAD) -> OrderReturned:
    return OrderReturned(order_id=order_id, unit_code=unit[0], reason_code="not_our_duty")


def redispatched(order_id: UUID, new_order_id: UUID, unit: Unit = LEAD, to: Unit = OTHER) -> OrderRedispatched:
    return OrderRedispatched(
        order_id=order_id, new_order_id=new_order_id, from_unit_code=unit[0], to_unit_code=to[0], own_error=False
    )


def replied(order_id: UUID, *photo_ids: UUID, turn: int = 1, unit: Unit = LEAD) -> CaseReplied:
    return CaseReplied(
        order_id=order_id,
        unit_code=unit[0],
        unit_name=unit[1],
        public_reply="垃圾已清运，并增加了每日巡查。",
        photo_ids=photo_ids,
        round=turn,
    )


def reworked(turn: int = 2, cause: Any = "dissatisfied") -> CaseReworked:
    return CaseReworked(round=turn, cause=cause)


def closed(outcome: Any = "satisfied", turn: int = 1) -> CaseClosed:
    return CaseClosed(outcome=outcome, round=turn)


SPAN = WorkingSpan(first_day=date(2026, 11, 24), days="1111001", windows=("09:00-12:00", "14:00-18:00"))
"""Tuesday to Monday."""


def promised(
    due_at: datetime = DUE, *, kind: Any = "total", provisional: bool = False, span: WorkingSpan | None = SPAN
) -> ClockStarted:
    clock = StartedClock(
        clock_id=new_id(),
        kind=kind,
        order_id=None,
        unit_code=None,
        started_at=START,
        due_at=due_at,
        amount=5,
        unit="work_day",
        rule_code="category",
        calendar="2026",
        provisional=provisional,
        span=span if kind == "total" else None,
    )
    return ClockStarted(clocks=(clock,))


def breached(kind: Any = "total") -> ClockBreached:
    return ClockBreached(clock_id=new_id(), kind=kind, order_id=None, unit_code=None, due_at=DUE)


def _moved(kind: Any, due_at: datetime) -> tuple[MovedClock, ...]:
    return (MovedClock(clock_id=new_id(), kind=kind, order_id=None, from_due_at=DUE, due_at=due_at, span=SPAN),)


def extended(due_at: datetime = DUE + timedelta(days=3), *, kind: Any = "total", times: int = 1) -> ClockExtended:
    return ClockExtended(clocks=_moved(kind, due_at), public_reason="等待材料到货", times=times)


def recomputed(due_at: datetime = DUE + timedelta(days=1), *, kind: Any = "total") -> ClockRecomputed:
    return ClockRecomputed(clocks=_moved(kind, due_at), calendar="2026-2", reason="holidays published")


def paused(promised_at: datetime = DUE + timedelta(days=90)) -> ClockPaused:
    return ClockPaused(
        clock_ids=(new_id(),),
        promised_at=promised_at,
        next_contact_at=DUE + timedelta(days=30),
        public_reason="须待雨季结束后施工",
    )


def resumed(due_at: datetime = DUE + timedelta(days=100)) -> ClockResumed:
    return ClockResumed(clocks=_moved("total", due_at))


def urged(times: int = 1) -> CaseUrged:
    return CaseUrged(urge_id=new_id(), by="citizen", channel_code="wechat_pingshan", times=times, received_at=START)


def supplemented(text: str = "在三号楼下") -> CaseSupplemented:
    return CaseSupplemented(
        supplement_id=new_id(), by="citizen", channel_code="wechat_pingshan", text=text, received_at=START
    )


def withdrawn(reason_code: str = "solved") -> CaseWithdrawn:
    return CaseWithdrawn(by="citizen", reason_code=reason_code, received_at=START)


def erased(citizen_id: UUID) -> CitizenErased:
    return CitizenErased(citizen_id=citizen_id)


def merged(kind: Any = "same_fact") -> CaseMerged:
    return CaseMerged(master_case_id=new_id(), master_case_no=number(99), kind=kind)


def unmerged() -> CaseUnmerged:
    return CaseUnmerged(master_case_id=new_id())


def not_accepted(*, handed_over: bool = False) -> CaseNotAccepted:
    return CaseNotAccepted(
        reason_code="litigation",
        public_reason="属于诉讼事项。",
        right_channel="请向人民法院提出",
        handed_over=handed_over,
    )


def cancelled(order_id: UUID, cause: Any = "ended", unit: Unit = LEAD) -> OrderCancelled:
    return OrderCancelled(order_id=order_id, unit_code=unit[0], cause=cause)
