"""The outbox and its relay: what was committed is on the stream once per id, whatever dies in between."""

from typing import Any
from uuid import UUID

import pytest

from contracts.events.intake import CitizenErased
from shared.cloudevents import EventReader
from shared.db import Tx
from shared.ids import new_id
from tests.integration.shared.conftest import Toys


async def test_a_committed_event_is_published_with_its_id(toys: Toys, case_id: UUID) -> None:
    [said] = await toys.say(case_id, 1)
    relay = toys.relay()
    await relay.run_once()
    message = await toys.bus.jetstream.get_last_msg(toys.bus.name("INTAKE"), toys.bus.name("citizen.erased.v1"))
    assert (message.headers or {})["Nats-Msg-Id"] == str(said.id)
    assert message.data is not None
    assert EventReader([CitizenErased]).read(message.data) == said
    await relay.close()


async def test_a_rolled_back_event_is_never_published(toys: Toys, case_id: UUID) -> None:
    with pytest.raises(LookupError):
        await fail_after_saying(toys, case_id)
    relay = toys.relay()
    await relay.run_once()
    assert await toys.stream_size() == 0
    await relay.close()


async def fail_after_saying(toys: Toys, case_id: UUID) -> None:
    async with toys.talker.begin(Tx) as tx:
        await tx.flush()
        raise LookupError


async def test_a_crash_between_publishing_and_marking_publishes_nothing_twice(toys: Toys, case_id: UUID) -> None:
    """INVARIANT: one message per event id. Breaks when the message id is not the event's."""
    await toys.say(case_id, 1, 2, 3)
    relay = toys.relay()
    await relay.run_once()
    await toys.rows("UPDATE outbox SET published_at = NULL, stream_sequence = NULL RETURNING position")
    await relay.run_once()
    assert await toys.stream_size() == 3
    assert await toys.rows("SELECT 1 FROM outbox WHERE published_at IS NULL") == []
    await relay.close()


async def test_of_two_relays_only_one_leads_and_the_other_takes_over(toys: Toys, case_id: UUID) -> None:
    first, second = toys.relay(), toys.relay()
    await toys.say(case_id, 1)
    await first.run_once()
    await toys.say(case_id, 2)
    await second.run_once()
    assert await toys.stream_size() == 1
    await first.close()
    await second.run_once()
    assert await toys.stream_size() == 2
    await second.close()


async def test_a_stream_that_was_wiped_is_filled_again(toys: Toys, case_id: UUID) -> None:
    relay = toys.relay()
    await toys.say(case_id, 1, 2)
    await relay.run_once()
    await toys.bus.jetstream.delete_stream(toys.bus.name("INTAKE"))
    toys.bus.epoch += 1
    await relay.run_once()
    assert await toys.stream_size() == 2
    await relay.close()


async def test_a_stream_that_went_back_gets_what_it_lost(toys: Toys, case_id: UUID) -> None:
    """INVARIANT: a power cut at the bus loses nothing. Breaks when the relay trusts an ack to be an fsync."""
    relay = toys.relay()
    await toys.say(case_id, 1, 2, 3, 4)
    await relay.run_once()
    stream = toys.bus.name("INTAKE")
    # What a power cut leaves: the stream as it was some seconds ago. A stream with fewer messages and an older last
    # sequence cannot be made through the API, so the relay's own memory is moved ahead instead.
    await toys.rows("UPDATE stream_marks SET last_sequence = 6 RETURNING stream")
    await toys.rows("UPDATE outbox SET stream_sequence = stream_sequence + 2 RETURNING position")
    await toys.bus.jetstream.purge_stream(stream)
    toys.bus.epoch += 1
    relay2 = toys.relay()
    await relay.close()
    await relay2.run_once()
    left: list[Any] = await toys.rows("SELECT 1 FROM outbox WHERE published_at IS NULL")
    assert left == []
    # Rows the relay remembers beyond the stream's last sequence (5 and 6) were put on it again; the server's own
    # window still knows their ids, so they count as published without being stored twice.
    assert await toys.rows("SELECT max(stream_sequence) FROM outbox") == [(4,)]
    await relay2.close()


async def test_what_was_published_since_the_last_comparison_counts_too(toys: Toys, case_id: UUID) -> None:
    """The mark is written at comparisons only; what came after it stands in the rows themselves."""
    relay = toys.relay()
    await toys.say(case_id, 1)
    await relay.run_once()
    await toys.say(case_id, 2, 3)
    await relay.run_once()
    await relay.close()
    assert await toys.rows("SELECT last_sequence FROM stream_marks") == [(0,)]
    await toys.rows("UPDATE outbox SET stream_sequence = stream_sequence + 2 RETURNING position")
    toys.bus.epoch += 1
    again = toys.relay()
    await again.run_once()
    assert await toys.rows("SELECT max(stream_sequence) FROM outbox") == [(3,)]
    await again.close()


async def test_published_rows_are_kept_for_the_retention_and_then_pruned(toys: Toys) -> None:
    await toys.say(new_id(), 1)
    relay = toys.relay()
    await relay.run_once()
    await toys.rows("UPDATE outbox SET published_at = now() - interval '2 hours' RETURNING position")
    await relay.close()
    fresh = toys.relay()
    await fresh.run_once()
    assert await toys.rows("SELECT 1 FROM outbox") == []
    await fresh.close()
