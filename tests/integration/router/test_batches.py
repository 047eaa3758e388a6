"""Many requests at once: one transaction, and none lost or doubled."""

from services.router.app import MANIFEST
from shared.ids import new_id
from shared.worker import relay_of
from tests.integration.router.desk import House, submitted


async def test_a_batch_is_filed_in_the_order_of_its_events_and_once_each(house: House) -> None:
    cases = [new_id() for _ in range(60)]
    for number, case_id in enumerate(cases):
        await house.say(case_id, submitted(case_no=f"PS2609140{number:05d}00"))
    await house.hear()
    for case_id in cases:
        assert await house.kinds(case_id) == ["case.classified", "case.filed", "order.dispatched"]
    feed = await house.rows("SELECT position FROM feed WHERE unit_code = 'PS-S01' ORDER BY position")
    assert [row.position for row in feed] == list(range(1, 61))


async def test_an_event_that_is_seen_again_does_nothing(house: House) -> None:
    case_id = new_id()
    said = await house.say(case_id, submitted())
    await house.hear()
    await house.context.bus.jetstream.publish(house.context.bus.name(said.type), said.to_json())
    await house.hear()
    assert len(await house.emitted(case_id)) == 3
    relay = relay_of(MANIFEST, house.context)
    assert await relay.run_once() is False
    await relay.close()
