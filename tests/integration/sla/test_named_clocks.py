"""The clocks of the desk, of units below units, and of what the citizen is owed to be told."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contracts.events.sla import CaseSupervised, ClockWarned, OrderUrged
from shared.ids import new_id
from tests.integration.sla.conftest import House
from tests.integration.sla.said import (
    approved,
    called_back,
    cancelled,
    closed,
    contacted,
    dispatched,
    dissatisfied,
    filed,
    merged,
    noticed,
    replied,
    resolved,
    reworked,
    sent_back,
    signed,
    submitted,
    unmerged,
    urged,
)


async def known(house: House, number: int = 1) -> UUID:
    """A case whose citizen can be told."""
    case_id = new_id()
    await house.told(case_id, submitted(case_no=f"PS26092800000{number:03d}", citizen_id=new_id()))
    return case_id


async def running(house: House, case_id: UUID) -> set[str]:
    rows = await house.rows("SELECT kind FROM clocks WHERE case_id = :case AND stopped_at IS NULL", case=case_id)
    return {row.kind for row in rows}


async def test_a_citizen_is_owed_to_be_told_until_the_notice_of_acceptance_is_sent(house: House) -> None:
    case_id = await known(house)
    await house.told(case_id, filed())
    assert await running(house, case_id) == {"inform", "total", "dispatch"}
    house.clock.advance(minutes=3)
    await house.told(case_id, noticed("accepted:1"))
    inform = await house.clock_of(case_id, "inform")
    assert (inform.stopped_at, inform.used_seconds) == (house.clock.now(), 180)


async def test_nobody_is_owed_a_notice_who_is_anonymous(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed(), dispatched(order), resolved(order), replied())
    kinds = {row.kind for row in await house.rows("SELECT kind FROM clocks")}
    assert kinds.isdisjoint({"inform", "inform_result"})


async def test_the_result_is_told_and_the_desk_dispatches_and_reviews_in_time(house: House) -> None:
    case_id, order = await known(house), new_id()
    await house.told(case_id, filed(), noticed("accepted:1"), dispatched(order), signed(order), contacted(order))
    assert await running(house, case_id) == {"total", "handle"}
    await house.told(case_id, resolved(order))
    assert await running(house, case_id) == {"total", "review"}
    await house.told(case_id, approved(order), replied())
    assert await running(house, case_id) == {"rate", "inform_result"}
    await house.told(case_id, noticed("replied:1"))
    assert await running(house, case_id) == {"rate"}


async def test_a_notice_heard_before_the_request_stops_the_clock_all_the_same(house: House) -> None:
    case_id = new_id()
    await house.say(case_id, submitted(citizen_id=new_id()))
    await house.say(case_id, filed())
    house.clock.advance(minutes=5)
    await house.say(case_id, noticed("accepted:1"))
    for stream in ("FEEDBACK", "ROUTER", "INTAKE"):
        await house.hear(stream)
    inform = await house.clock_of(case_id, "inform")
    assert inform.used_seconds == 300


async def test_a_review_that_sends_the_work_back_ends_itself_and_begins_again(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed(), dispatched(order), signed(order), contacted(order), resolved(order))
    await house.told(case_id, sent_back(order))
    assert await running(house, case_id) == {"total", "handle"}
    await house.told(case_id, resolved(order))
    assert await running(house, case_id) == {"total", "review"}


async def test_an_order_given_on_is_due_no_later_than_the_unit_that_gave_it_on(house: House, case_id: UUID) -> None:
    """The unit above has two of its five working days left."""
    lead, sub = new_id(), new_id()
    await house.told(case_id, filed(amount=5), dispatched(lead))
    above = await house.clock_of(case_id, "handle")
    house.clock.at = datetime(2026, 10, 8, 12, 0, tzinfo=UTC)
    await house.told(case_id, dispatched(sub, unit_code="PS-JD", role="sub", parent_order_id=lead))
    delegate = await house.clock_of(case_id, "delegate")
    assert delegate.due_at == above.due_at
    kinds = await house.rows("SELECT kind FROM clocks WHERE order_id = :sub ORDER BY kind", sub=sub)
    assert [row.kind for row in kinds] == ["delegate", "sign"]
    await house.told(case_id, resolved(sub))
    assert (await house.clock_of(case_id, "delegate")).stopped_at == house.clock.now()
    assert "handle" in await running(house, case_id)


async def test_a_cancelled_order_has_no_clocks_left(house: House, case_id: UUID) -> None:
    lead, sub = new_id(), new_id()
    await house.told(case_id, filed(), dispatched(lead), dispatched(sub, role="sub", parent_order_id=lead))
    await house.told(case_id, cancelled(sub))
    left = await house.rows("SELECT 1 FROM clocks WHERE order_id = :sub AND stopped_at IS NULL", sub=sub)
    assert left == []


async def test_urgent_work_counts_without_a_break(house: House, case_id: UUID) -> None:
    order = new_id()
    await house.told(case_id, filed(amount=2), dispatched(order, urgent=True))
    handle = await house.clock_of(case_id, "handle")
    assert (handle.amount, handle.unit, handle.rule_code) == (16, "urgent_hour", "2019/standard/urgent")
    assert (handle.due_at - handle.started_at).total_seconds() == 16 * 3600
    await house.told(case_id, resolved(order), sent_back(order))
    again = await house.rows("SELECT unit FROM clocks WHERE kind = 'handle' ORDER BY clock_id")
    assert [row.unit for row in again] == ["urgent_hour", "urgent_hour"]


async def test_a_merged_case_stands_still_and_one_taken_out_again_is_owed_its_first_due_time(
    house: House, case_id: UUID
) -> None:
    await house.told(case_id, filed(), dispatched(new_id()))
    due_at = (await house.clock_of(case_id, "total")).due_at
    house.clock.advance(hours=3)
    await house.told(case_id, merged())
    assert await running(house, case_id) == set()
    house.clock.advance(days=1)
    await house.told(case_id, unmerged())
    [total] = await house.rows("SELECT * FROM clocks WHERE stopped_at IS NULL")
    assert (total.kind, total.due_at) == ("total", due_at)


async def test_a_dissatisfied_ending_is_called_about_until_it_was_answered_or_tried_twice(house: House) -> None:
    for number, calls in enumerate(([called_back()], [called_back(reached=False), called_back(attempt=2)])):
        case_id, order = await known(house, number), new_id()
        await house.told(case_id, filed(), dispatched(order), resolved(order), replied(), dissatisfied())
        await house.told(case_id, reworked(), dispatched(order, turn=2), resolved(order), replied(turn=2))
        await house.told(case_id, dissatisfied(turn=2), closed("dissatisfied", turn=2))
        assert await running(house, case_id) == {"callback"}
        for call in calls:
            assert await running(house, case_id) == {"callback"}
            await house.told(case_id, call.model_copy(update={"round": 2}))
        assert await running(house, case_id) == set()


async def test_a_satisfied_ending_owes_no_call(house: House) -> None:
    case_id = await known(house)
    await house.told(case_id, filed(), dispatched(new_id()), replied(), closed("satisfied"))
    assert await running(house, case_id) == set()


async def test_the_ladder_urges_shows_the_cards_and_supervises_in_order_of_time(house: House, case_id: UUID) -> None:
    """Five working days, due on Saturday 10 October (worked), 18:00: three days before, one working day before, the
    next morning that is worked, and three working days later.
    """
    order = new_id()
    await house.told(case_id, filed(amount=5), dispatched(order))
    house.clock.advance(hours=1)
    await house.told(case_id, signed(order), contacted(order))
    heard: dict[str, datetime] = {}
    for event in await until(house, datetime(2026, 10, 16, 12, tzinfo=UTC)):
        if isinstance(event.data, ClockWarned) and event.data.kind == "handle":
            heard[event.data.step_code] = event.time
    assert heard == {
        "share-50": datetime(2026, 10, 8, 1, tzinfo=UTC),
        "urge-3-days": datetime(2026, 10, 7, 10, tzinfo=UTC),
        "share-80": datetime(2026, 10, 9, 8, 48, tzinfo=UTC),
        "yellow": datetime(2026, 10, 10, 0, tzinfo=UTC),
        "red": datetime(2026, 10, 12, 0, 0, 1, tzinfo=UTC),
        "order-overdue": datetime(2026, 10, 14, 10, tzinfo=UTC),
    }
    cards = {e.data.step_code: e.data.card for e in await house.emitted(ClockWarned) if e.data.card}
    assert cards == {"yellow": "yellow", "red": "red"}
    [urge] = await house.emitted(OrderUrged)
    assert (urge.data.by, urge.data.times, urge.data.unit_code) == ("rule", 1, "PS-CG")
    [first, *_] = await house.emitted(CaseSupervised)
    assert (first.data.cause, first.data.level, first.data.unit_code) == ("overdue", "order", "PS-CG")


async def until(house: House, at: datetime) -> list[Any]:
    """Let every timer fire at its own instant."""
    heard: list[Any] = []
    while (row := (await house.rows("SELECT min(due_at) AS at FROM timers"))[0]).at is not None and row.at <= at:
        heard += await house.tick_to(row.at)
    return heard


async def test_a_reply_nobody_gives_goes_up_level_by_level_and_stays_on_the_last(house: House, case_id: UUID) -> None:
    await house.told(case_id, filed(amount=5), dispatched(new_id()))
    house.clock.at = datetime(2026, 10, 14, 10, tzinfo=UTC)
    await house.tick(seconds=0)
    for _ in range(6):
        [due] = await house.rows("SELECT min(due_at) AS at FROM alarms")
        await house.tick_to(due.at)
    levels = [event.data.level for event in await house.emitted(CaseSupervised)]
    assert levels == ["order", "listed", "interview", "account"]
    rows = await house.rows("SELECT level, state FROM supervisions ORDER BY ordered_at")
    assert [tuple(row) for row in rows] == [
        ("order", "escalated"),
        ("listed", "escalated"),
        ("interview", "escalated"),
        ("account", "open"),
    ]
    sequences = [event.sequence for event in await house.emitted() if event.case_id == case_id]
    assert sequences == list(range(1, len(sequences) + 1))


async def test_a_citizen_who_urges_reaches_the_units_at_work_and_the_third_time_a_supervisor(
    house: House, case_id: UUID
) -> None:
    await house.told(case_id, filed(), dispatched(new_id()), dispatched(new_id(), unit_code="PS-SW", role="co"))
    for times in (1, 2, 3):
        await house.told(case_id, urged(times=times, received_at=house.clock.now()))
    said = [(event.data.unit_code, event.data.by, event.data.times) for event in await house.emitted(OrderUrged)]
    assert said == [(unit, "citizen", times) for times in (1, 2, 3) for unit in ("PS-CG", "PS-SW")]
    [supervised] = await house.emitted(CaseSupervised)
    assert (supervised.data.cause, supervised.data.level) == ("urged_often", "order")
    assert supervised.data.reply_due_at == datetime(2026, 9, 30, 10, tzinfo=UTC)
    kept = await house.rows("SELECT times FROM urges ORDER BY times")
    assert [row.times for row in kept] == [1, 2, 3]
