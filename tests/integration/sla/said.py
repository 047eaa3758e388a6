"""What the other services say, with everything the stopwatch does not look at filled in."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.events.feedback import CallbackRecorded, CitizenDissatisfied, NoticeSent, RatingSubmitted
from contracts.events.intake import CaseSubmitted, CaseUrged
from contracts.events.router import (
    CaseClosed,
    CaseFiled,
    CaseMerged,
    CaseReplied,
    CaseReviewed,
    CaseReworked,
    CaseUnmerged,
    OrderCancelled,
    OrderContacted,
    OrderDispatched,
    OrderRedispatched,
    OrderResolved,
    OrderSigned,
    StandardLimit,
)
from shared.ids import new_id

UNIT = {"unit_code": "PS-CG", "unit_name": "区城管局"}


LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)


def submitted(
    *, case_no: str = "PS26092800000188", received_at: datetime = LONG_AFTER, citizen_id: UUID | None = None
) -> CaseSubmitted:
    """`received_at` later than it is said means at the moment it is said."""
    return CaseSubmitted(
        case_no=case_no,
        look_up_hash="00",
        channel_code="wechat_pingshan",
        origin_channel_code="wechat_pingshan",
        citizen_id=citizen_id,
        text="巷口垃圾没人清",
        received_at=received_at,
    )


def filed(type_code: Any = "complaint", amount: int = 5, unit: Any = "work_day", grade: Any = "B") -> CaseFiled:
    return CaseFiled(
        edition="2019",
        category_code="0101001",
        category_name="暴露垃圾与道路保洁",
        type_code=type_code,
        grade=grade,
        process_code="general",
        nodes=(),
        area_code=None,
        photo_required=False,
        limit=StandardLimit(amount=amount, unit=unit),
    )


def dispatched(order_id: UUID, *, turn: int = 1, unit_code: str = "PS-CG", **more: Any) -> OrderDispatched:
    given: dict[str, Any] = {"role": "lead", "unit_name": "区城管局", **more}
    return OrderDispatched(order_id=order_id, unit_code=unit_code, round=turn, **given)


def signed(order_id: UUID) -> OrderSigned:
    return OrderSigned(order_id=order_id, **UNIT)


def contacted(order_id: UUID) -> OrderContacted:
    return OrderContacted(order_id=order_id, **UNIT)


def resolved(order_id: UUID) -> OrderResolved:
    return OrderResolved(order_id=order_id, **UNIT, photo_ids=())


def redispatched(order_id: UUID, new_order_id: UUID) -> OrderRedispatched:
    return OrderRedispatched(
        order_id=order_id, new_order_id=new_order_id, from_unit_code="PS-CG", to_unit_code="PS-SW", own_error=False
    )


def sent_back(order_id: UUID, *, turn: int = 1) -> CaseReviewed:
    return CaseReviewed(order_id=order_id, outcome="sent_back", round=turn)


def approved(order_id: UUID, *, turn: int = 1) -> CaseReviewed:
    return CaseReviewed(order_id=order_id, outcome="approved", round=turn)


def replied(*, turn: int = 1) -> CaseReplied:
    return CaseReplied(order_id=new_id(), **UNIT, public_reply="已清运", photo_ids=(), round=turn)


def reworked(*, turn: int = 2) -> CaseReworked:
    return CaseReworked(round=turn, cause="dissatisfied")


def closed(outcome: Any = "satisfied", *, turn: int = 1) -> CaseClosed:
    return CaseClosed(outcome=outcome, round=turn)


def cancelled(order_id: UUID, *, unit_code: str = "PS-CG", cause: Any = "taken_back") -> OrderCancelled:
    return OrderCancelled(order_id=order_id, unit_code=unit_code, cause=cause)


def merged() -> CaseMerged:
    return CaseMerged(master_case_id=new_id(), master_case_no="PS26092800000290", kind="same_fact")


def unmerged() -> CaseUnmerged:
    return CaseUnmerged(master_case_id=new_id())


def urged(*, times: int = 1, by: Any = "citizen", received_at: datetime) -> CaseUrged:
    return CaseUrged(urge_id=new_id(), by=by, channel_code="wechat_pingshan", times=times, received_at=received_at)


def noticed(node: str) -> NoticeSent:
    return NoticeSent(notice_id=new_id(), node=node, channel="sms", template=node.partition(":")[0])


def called_back(*, turn: int = 1, attempt: int = 1, reached: bool = True) -> CallbackRecorded:
    return CallbackRecorded(
        callback_id=new_id(), round=turn, unit_code="PS-CG", method="phone", attempt=attempt, reached=reached
    )


def rated(*, turn: int = 1, satisfied: bool = True) -> RatingSubmitted:
    return RatingSubmitted(round=turn, speed=5, result=5, attitude=5, system=5, solved=satisfied, satisfied=satisfied)


def dissatisfied(*, turn: int = 1) -> CitizenDissatisfied:
    return CitizenDissatisfied(round=turn)
