"""What the other services say about a case, with everything the reply does not look at filled in."""

from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from contracts.events.intake import CaseSubmitted
from contracts.events.router import (
    CaseClosed,
    CaseFiled,
    CaseReplied,
    CaseReworked,
    Node,
    OrderContacted,
    OrderDispatched,
    OrderProgressed,
    OrderRedispatched,
    OrderResolved,
    OrderReturned,
    OrderSigned,
    StandardLimit,
)
from contracts.events.sla import ClockBreached, ClockStarted, StartedClock
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


def promised(due_at: datetime = DUE, *, kind: Any = "total", provisional: bool = False) -> ClockStarted:
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
    )
    return ClockStarted(clocks=(clock,))


def breached(kind: Any = "total") -> ClockBreached:
    return ClockBreached(clock_id=new_id(), kind=kind, order_id=None, unit_code=None, due_at=DUE)
