"""What the other services would say of a case, for a tour that plays them."""

from collections.abc import Sequence
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
    OrderResolved,
    OrderReturned,
    OrderSigned,
    StandardLimit,
)
from shared.cloudevents import Event
from shared.ids import new_id

UNIT = {"unit_code": "PS-CG", "unit_name": "区城管局"}


class Facts:
    """One case: its orders, and the facts of its life with the same ids throughout."""

    def __init__(self, case_no: str, title: str) -> None:
        self.case_id, self.case_no, self.title = new_id(), case_no, title
        self.lead, self.sub = new_id(), new_id()

    def submitted(self, at: Any, *, anonymous: bool = False) -> CaseSubmitted:
        return CaseSubmitted(
            case_no=self.case_no,
            look_up_hash="00",
            channel_code="hotline_12345",
            origin_channel_code="hotline_12345",
            citizen_id=None if anonymous else new_id(),
            anonymous=anonymous,
            text=self.title,
            received_at=at,
        )

    def filed(
        self, amount: int = 5, unit: Any = "work_day", *, type_code: Any = "complaint", grade: Any = "B"
    ) -> Event:
        return CaseFiled(
            edition="2026",
            category_code="0101001",
            category_name="市政设施",
            type_code=type_code,
            grade=grade,
            process_code="general",
            nodes=(),
            area_code=None,
            photo_required=False,
            limit=StandardLimit(amount=amount, unit=unit),
        )

    def dispatched(self, order: UUID | None = None, *, turn: int = 1, **more: Any) -> Event:
        given = {"role": "lead", **UNIT, **more}
        return OrderDispatched(order_id=order or self.lead, round=turn, **given)

    def given_on(self) -> Event:
        unit: dict[str, Any] = {"unit_code": "PS-JD-01", "unit_name": "马峦街道"}
        return self.dispatched(self.sub, role="sub", parent_order_id=self.lead, **unit)

    def begun(self) -> Sequence[Event]:
        """Signed, and the citizen spoken with."""
        return (OrderSigned(order_id=self.lead, **UNIT), OrderContacted(order_id=self.lead, **UNIT))

    def returned(self) -> Event:
        return OrderReturned(order_id=self.lead, unit_code=UNIT["unit_code"], reason_code="not_ours")

    def resolved(self, order: UUID | None = None) -> Event:
        return OrderResolved(order_id=order or self.lead, photo_ids=(), **UNIT)

    def reviewed(self, outcome: Any = "approved", *, turn: int = 1) -> Event:
        return CaseReviewed(order_id=self.lead, outcome=outcome, round=turn)

    def replied(self, *, turn: int = 1) -> Event:
        return CaseReplied(order_id=self.lead, public_reply="已办结", photo_ids=(), round=turn, **UNIT)

    def noticed(self, node: str) -> Event:
        return NoticeSent(notice_id=new_id(), node=node, channel="sms", template=node.partition(":")[0])

    def rated(self, *, satisfied: bool, turn: int = 1) -> Sequence[Event]:
        stars = 5 if satisfied else 1
        rating = RatingSubmitted(
            round=turn, speed=stars, result=stars, attitude=stars, system=stars, solved=satisfied, satisfied=satisfied
        )
        return (rating,) if satisfied else (rating, CitizenDissatisfied(round=turn))

    def reworked(self) -> Event:
        return CaseReworked(round=2, cause="dissatisfied")

    def closed(self, outcome: Any = "satisfied", *, turn: int = 1) -> Event:
        return CaseClosed(outcome=outcome, round=turn)

    def urged(self, times: int, at: Any) -> Event:
        return CaseUrged(urge_id=new_id(), by="citizen", channel_code="wechat_pingshan", times=times, received_at=at)

    def cancelled(self, order: UUID) -> Event:
        return OrderCancelled(order_id=order, unit_code="PS-JD-01", cause="taken_back")

    def merged(self, master: "Facts") -> Event:
        return CaseMerged(master_case_id=master.case_id, master_case_no=master.case_no, kind="same_fact")

    def unmerged(self, master: "Facts") -> Event:
        return CaseUnmerged(master_case_id=master.case_id)

    def called(self, *, turn: int = 2) -> Event:
        unit = UNIT["unit_code"]
        return CallbackRecorded(
            callback_id=new_id(), round=turn, unit_code=unit, method="phone", attempt=1, reached=True
        )
