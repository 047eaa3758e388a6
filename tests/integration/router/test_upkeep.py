"""What is dropped when its time has come, and what is not."""

from datetime import timedelta

from sqlalchemy import text

from services.router import upkeep
from services.router.upkeep import Upkeep
from services.router.webhooks import Courier
from tests.integration.router.desk import House, Person
from tests.integration.router.endpoints import Endpoint, deliver, deliveries, register


async def keep_up(house: House) -> int:
    """Until there is no more to do; answers how many rounds that took."""
    loop, rounds = Upkeep(house.context), 1
    while await loop.run_once():
        rounds += 1
    await loop.close()
    return rounds


async def test_the_feed_keeps_three_months_and_its_positions_go_on(house: House, department: Person) -> None:
    await house.submit()
    house.clock.advance(days=89)
    await house.submit()
    await keep_up(house)
    assert len((await department.get("/feed")).json()["items"]) == 2
    house.clock.advance(days=2)
    await keep_up(house)
    page = (await department.get("/feed")).json()
    assert (len(page["items"]), page["next"]) == (1, "PS-S01.2")
    house.clock.advance(days=90)
    await keep_up(house)
    await house.submit()
    rows = await house.rows("SELECT position FROM feed")
    assert [row.position for row in rows] == [3]


async def test_what_was_delivered_is_kept_a_month_and_what_waits_as_long_as_the_feed(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    await deliver(courier)
    await house.submit()
    endpoint.statuses = [410]
    await deliver(courier)
    await house.submit()
    house.clock.advance(days=29)
    await keep_up(house)
    assert len(await deliveries(department, webhook_id)) == 3
    house.clock.advance(days=2)
    await keep_up(house)
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["suspended"]
    house.clock.advance(days=60)
    await keep_up(house)
    assert await deliveries(department, webhook_id) == []


async def test_a_message_whose_event_is_no_longer_kept_is_given_up(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    async with house.context.begin() as tx:
        await tx.connection.execute(text("DELETE FROM feed"))
    await deliver(courier)
    (one,) = await deliveries(department, webhook_id)
    assert (one["state"], one["attempts"], endpoint.got) == ("dead", 1, [])


async def test_kept_answers_are_dropped_after_two_days(house: House, unit: Person) -> None:
    order = await house.lead(await house.submit())
    await unit.did(f"/orders/{order}/sign")
    await unit.did(f"/orders/{order}/progress", {"public_note": "已派人"}, **{"Idempotency-Key": "n-1"})
    house.clock.advance(hours=47)
    await keep_up(house)
    assert len(await house.rows("SELECT 1 FROM kept_answers")) == 1
    house.clock.advance(hours=2)
    await keep_up(house)
    assert await house.rows("SELECT 1 FROM kept_answers") == []


async def test_much_goes_in_small_batches(house: House) -> None:
    old = house.clock.now() - timedelta(days=3)
    async with house.context.begin() as tx:
        await tx.connection.execute(
            text(
                "INSERT INTO kept_answers (actor_id, key, digest, created_at) "
                "SELECT 'a', n::text, '', :old FROM generate_series(1, :n) n"
            ),
            {"old": old, "n": 2 * upkeep.BATCH + 1},
        )
    assert await keep_up(house) == 3
    assert await house.rows("SELECT 1 FROM kept_answers") == []
