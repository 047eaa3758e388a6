"""The consumer: every event takes effect once, in order, and what cannot be applied is set aside."""

from uuid import UUID

from shared.errors import InvalidInput, NotFound
from shared.ids import new_id
from tests.integration.shared.conftest import Toys, until


async def test_events_take_effect_once_although_they_come_twice(toys: Toys, case_id: UUID) -> None:
    """INVARIANT: an effect per event id. Breaks when the cursor is not written with the effect."""
    said = await toys.say(case_id, 1, 2, 3)
    relay, consumer = toys.relay(), toys.consumer()
    await relay.run_once()
    for event in said:  # published again under another message id, as after a lost deduplication window
        await toys.bus.jetstream.publish(toys.bus.name(event.type), event.to_json())

    async def all_seen() -> bool:
        info = await toys.bus.jetstream.consumer_info(toys.bus.name("INTAKE"), "sla")
        return info.ack_floor is not None and info.ack_floor.stream_seq == 6

    await consumer.run_once()
    await until(consumer, all_seen)
    assert sorted(await toys.applied()) == sorted(event.id for event in said)
    await relay.close()
    await consumer.close()


async def test_an_event_that_comes_too_early_waits_for_the_one_before(toys: Toys, case_id: UUID) -> None:
    relay, consumer = toys.relay(), toys.consumer()
    second = await toys.say(case_id, 2)
    await relay.run_once()
    await consumer.run_once()
    assert await toys.applied() == []
    first = await toys.say(case_id, 1)
    await relay.run_once()

    async def both() -> bool:
        return len(await toys.applied()) == 2

    await until(consumer, both)
    assert set(await toys.applied()) == {first[0].id, second[0].id}
    await relay.close()
    await consumer.close()


async def test_events_outside_any_case_are_known_by_their_id(toys: Toys) -> None:
    said = await toys.say(new_id(), 0, 0)
    relay, consumer = toys.relay(), toys.consumer()
    await relay.run_once()
    await toys.bus.jetstream.publish(toys.bus.name(said[0].type), said[0].to_json())

    async def all_seen() -> bool:
        info = await toys.bus.jetstream.consumer_info(toys.bus.name("INTAKE"), "sla")
        return info.ack_floor is not None and info.ack_floor.stream_seq == 3

    await consumer.run_once()
    await until(consumer, all_seen)
    assert len(await toys.applied()) == 2
    await relay.close()
    await consumer.close()


async def test_what_cannot_be_decoded_is_parked_and_holds_up_nobody(toys: Toys, case_id: UUID) -> None:
    relay, consumer = toys.relay(), toys.consumer()
    await relay.run_once()
    await toys.bus.jetstream.publish(toys.bus.name("citizen.erased.v1"), b"\xff not json")
    await toys.say(case_id, 1)
    await relay.run_once()

    async def one() -> bool:
        return len(await toys.applied()) == 1

    await until(consumer, one)
    [parked] = await toys.rows("SELECT reason FROM parked", of="sla")
    assert parked.reason.startswith("undecodable")
    await relay.close()
    await consumer.close()


async def test_an_invalid_event_is_parked_and_can_be_replayed_once_the_fault_is_mended(toys: Toys) -> None:
    bad, good = new_id(), new_id()
    toys.failing = lambda event: InvalidInput("no such thing") if event.case_id == bad else None
    relay, consumer = toys.relay(), toys.consumer()
    await toys.say(bad, 1)
    await toys.say(good, 1)
    await relay.run_once()

    async def settled() -> bool:
        parked = await toys.rows("SELECT 1 FROM parked", of="sla")
        return len(parked) == 1 and len(await toys.applied()) == 1

    await until(consumer, settled)
    toys.failing = lambda _: None
    [parked] = await toys.rows("SELECT body FROM parked", of="sla")
    assert await consumer.replay(parked.body)
    assert len(await toys.applied()) == 2
    await relay.close()
    await consumer.close()


async def test_what_may_pass_is_tried_again(toys: Toys, case_id: UUID) -> None:
    tries: list[int] = []

    def fail_twice(_: object) -> Exception | None:
        tries.append(1)
        return NotFound() if len(tries) <= 2 else None

    toys.failing = fail_twice
    relay, consumer = toys.relay(), toys.consumer()
    await toys.say(case_id, 1)
    await relay.run_once()

    async def done() -> bool:
        return len(await toys.applied()) == 1

    await until(consumer, done)
    assert len(tries) == 3
    await relay.close()
    await consumer.close()


async def test_a_consumer_whose_server_was_wiped_starts_anew_and_repeats_nothing(toys: Toys, case_id: UUID) -> None:
    relay, consumer = toys.relay(), toys.consumer()
    await toys.say(case_id, 1)
    await relay.run_once()

    async def one() -> bool:
        return len(await toys.applied()) == 1

    await until(consumer, one)
    await toys.bus.jetstream.delete_stream(toys.bus.name("INTAKE"))
    toys.bus.epoch += 1
    await toys.say(case_id, 2)
    await relay.run_once()

    async def two() -> bool:
        return len(await toys.applied()) == 2

    await until(consumer, two)
    await relay.close()
    await consumer.close()
