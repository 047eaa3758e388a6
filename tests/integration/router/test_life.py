"""The whole life of a case at the desk, from the event that brings it to the one that closes it."""

from uuid import UUID

import pytest

from contracts.events.feedback import CitizenDissatisfied, RatingSubmitted
from contracts.events.sla import ClockBreached
from shared.ids import new_id
from tests.integration.router.desk import GARBAGE, START, House, Person, submitted


def rated(*, satisfied: bool, round_: int = 1) -> RatingSubmitted:
    stars = 5 if satisfied else 1
    return RatingSubmitted(
        round=round_, speed=stars, result=stars, attitude=stars, system=stars, solved=satisfied, satisfied=satisfied
    )


def breached(kind: str, order_id: UUID | None = None) -> ClockBreached:
    return ClockBreached(clock_id=new_id(), kind=kind, order_id=order_id, unit_code=None, due_at=START)


@pytest.fixture
async def replied(house: House, unit: Person, reviewer: Person) -> UUID:
    """A case that was handled, reviewed and answered."""
    case_id = await house.submit()
    await handle(house, unit, reviewer, case_id)
    return case_id


async def handle(house: House, unit: Person, reviewer: Person, case_id: UUID) -> UUID:
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    await unit.did(f"/orders/{order}/contact", {"method": "phone", "note": "已说明处理时间"})
    photo = await house.photo(case_id, order)
    await unit.did(
        f"/orders/{order}/resolve",
        {"public_reply": "垃圾已清运完毕", "handling_note": "派车一台次", "photo_ids": [str(photo)]},
    )
    await reviewer.did(f"/orders/{order}/review", {"outcome": "approve", "closing_condition_met": True})
    return order


async def test_a_request_is_filed_handled_answered_and_closed_when_its_citizen_is_content(
    house: House, replied: UUID
) -> None:
    await house.told(replied, rated(satisfied=True))
    assert await house.kinds(replied) == [
        "case.classified",
        "case.filed",
        "order.dispatched",
        "order.signed",
        "order.contacted",
        "order.resolved",
        "case.reviewed",
        "case.replied",
        "case.closed",
    ]
    said = await house.emitted(replied)
    assert [event.sequence for event in said] == list(range(1, 10))
    assert said[-1].data.outcome == "satisfied"
    assert said[7].data.public_reply == "垃圾已清运完毕"
    assert len(said[7].data.photo_ids) == 1


async def test_an_event_names_the_one_that_led_to_it(house: House) -> None:
    case_id = new_id()
    from_intake = await house.say(case_id, submitted())
    await house.hear()
    assert {event.causation_id for event in await house.emitted(case_id)} == {from_intake.id}


async def test_filing_carries_the_standard_and_the_nodes_the_citizen_reads(house: House) -> None:
    case_id = await house.submit()
    _, filed, dispatched = await house.emitted(case_id)
    assert filed.data.category_code == GARBAGE
    assert filed.data.photo_required
    assert filed.data.nodes[0].key == "registered"
    assert (dispatched.data.unit_code, dispatched.data.role, dispatched.data.round) == ("PS-S01", "lead", 1)


async def test_what_reaches_the_stream_is_what_the_outbox_held(house: House) -> None:
    case_id = await house.submit()
    await house.publish()
    info = await house.context.bus.jetstream.stream_info(house.context.bus.name("ROUTER"))
    assert info.state.messages == len(await house.emitted(case_id))


async def test_a_dissatisfied_citizen_gets_one_rework_by_the_same_lead_and_a_second_time_an_end(
    house: House, replied: UUID, unit: Person, reviewer: Person
) -> None:
    await house.told(replied, rated(satisfied=False), CitizenDissatisfied(round=1))
    assert (await house.kinds(replied))[-3:] == ["case.reworked", "order.dispatched", "case.tagged"]
    again = (await house.emitted(replied))[-2].data
    assert (again.unit_code, again.round) == ("PS-S01", 2)
    await handle(house, unit, reviewer, replied)
    await house.told(replied, CitizenDissatisfied(round=2))
    closed = (await house.emitted(replied))[-1]
    assert (closed.type, closed.data.outcome, closed.data.round) == ("case.closed.v1", "dissatisfied", 2)


async def test_a_rating_of_an_earlier_round_changes_nothing(house: House, replied: UUID) -> None:
    await house.told(replied, CitizenDissatisfied(round=1))
    before = await house.kinds(replied)
    await house.told(replied, rated(satisfied=True), CitizenDissatisfied(round=1))
    assert await house.kinds(replied) == before


async def test_an_order_nobody_signs_in_time_counts_as_signed(house: House) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await house.told(case_id, breached("sign", order), breached("handle", order))
    said = {event.type: event.data for event in (await house.emitted(case_id))[-2:]}
    assert said["order.signed.v1"].automatic
    assert said["case.tagged.v1"].added == ("overdue",)


async def test_a_reply_nobody_rates_in_time_closes_the_case(house: House, replied: UUID) -> None:
    await house.told(replied, breached("rate"))
    assert (await house.emitted(replied))[-1].data.outcome == "unrated"


async def test_a_citizen_who_speaks_after_the_time_for_rating_is_still_heard(house: House, replied: UUID) -> None:
    await house.told(replied, breached("rate"), CitizenDissatisfied(round=1))
    assert (await house.kinds(replied))[-3:] == ["case.reworked", "order.dispatched", "case.tagged"]


async def test_the_review_may_send_the_work_back_to_the_same_unit(house: House, unit: Person, reviewer: Person) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    photo = await house.photo(case_id, order)
    result = {"public_reply": "巷口的垃圾已清运完毕", "photo_ids": [str(photo)]}
    await unit.did(f"/orders/{order}/resolve", result)
    sent_back = await reviewer.did(f"/orders/{order}/review", {"outcome": "send_back", "note": "请补充处置前照片"})
    assert sent_back["state"] == "reworking"
    assert (await house.emitted(case_id))[-1].data.outcome == "sent_back"
    await unit.did(f"/orders/{order}/resolve", result)
    await reviewer.did(f"/orders/{order}/review", {"outcome": "approve", "closing_condition_met": True})
    assert (await house.kinds(case_id))[-1] == "case.replied"


async def test_a_closed_case_is_reopened_for_another_round_of_the_same_lead(
    house: House, replied: UUID, reviewer: Person
) -> None:
    await house.told(replied, rated(satisfied=True))
    view = await reviewer.did(f"/desk/cases/{replied}/reopen")
    assert (view["state"], view["round"]) == ("handling", 2)
    assert (await house.kinds(replied))[-2:] == ["case.reopened", "order.dispatched"]


async def test_a_case_is_closed_by_hand_when_its_citizen_says_nothing(
    house: House, replied: UUID, reviewer: Person
) -> None:
    view = await reviewer.did(f"/desk/cases/{replied}/close", {})
    assert (view["state"], view["outcome"]) == ("closed", "unrated")
