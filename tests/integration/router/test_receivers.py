"""A receiver that is slow, failing or lying loses nothing and delays no other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.router.webhooks import Courier
from shared.clock import RealClock
from tests.integration.router.desk import House, Person
from tests.integration.router.endpoints import Endpoint, deliver, deliveries, listening, register
from tests.integration.router.liars import Answer, for_ever, lying, never, saying

type Couriers = Callable[..., Courier]


@pytest.fixture
async def couriers(house: House) -> AsyncIterator[Couriers]:
    """Couriers with other settings than the house's."""
    made: list[Courier] = []

    def courier(signed_at: Callable[[], datetime] | None = None, **settings: Any) -> Courier:
        context = replace(house.context, settings=house.context.settings.model_copy(update=settings))
        made.append(Courier(context, signed_at=signed_at or RealClock().now, random=lambda: 0.5))
        return made[-1]

    yield courier
    for one in made:
        await one.close()


async def pings(department: Person, webhook_id: str, count: int) -> None:
    for _ in range(count):
        await department.did(f"/webhooks/{webhook_id}/ping")


async def hook(department: Person, webhook_id: str) -> dict[str, Any]:
    items = (await department.get("/webhooks")).json()["items"]
    found: dict[str, Any] = next(one for one in items if one["webhook_id"] == webhook_id)
    return found


async def test_a_receiver_that_says_nothing_delays_no_other(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers
) -> None:
    courier = couriers(webhook_timeout_seconds=20)
    async with lying(never) as silent:
        slow, _ = await register(department, Endpoint(url=silent.url))
        await pings(department, slow, 30)
        good, _ = await register(department, endpoint)
        async with asyncio.timeout(10):
            for count in (1, 2, 3):
                await house.submit()
                while len(endpoint.got) < count:
                    await courier.run_once()
        assert silent.asked == 10
        assert {one["state"] for one in await deliveries(department, slow)} == {"pending"}
    await deliver(courier)
    assert [one["state"] for one in await deliveries(department, good)] == ["delivered"] * 3


@pytest.mark.parametrize(
    ("answer", "errors"),
    [
        (never, "TimeoutError"),
        (for_ever(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), "TimeoutError"),
        (for_ever(b"HTTP/1.1 200 OK\r\n", b"x-more: 1\r\n" * 1000), "RemoteProtocolError TimeoutError"),
        (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), "RemoteProtocolError"),
        (saying(b""), "RemoteProtocolError"),
        (saying(b"HTTP/1.1 2000 OK\r\n\r\n"), "RemoteProtocolError"),
    ],
)
async def test_what_is_no_answer_in_time_is_sent_again_until_it_arrives(  # noqa: PLR0917  two of them are the case
    department: Person, endpoint: Endpoint, couriers: Couriers, house: House, answer: Answer, errors: str
) -> None:
    courier = couriers(webhook_timeout_seconds=0.3)
    async with lying(answer) as liar:
        webhook_id, secret = await register(department, Endpoint(url=liar.url))
        await house.submit()
        await deliver(courier)
        (one,) = await deliveries(department, webhook_id)
        assert (one["state"], one["last_status"]) == ("pending", None)
        assert one["last_error"] in errors.split()
    moved = await department.http.patch(
        f"/webhooks/{webhook_id}", json={"url": endpoint.url}, headers=department.headers
    )
    assert moved.status_code == 200
    house.clock.advance(seconds=12)
    await deliver(courier)
    headers, body = endpoint.got[0]
    assert Webhook(secret).verify(body, headers)["event"]["id"] == one["message_id"]


async def test_the_body_of_an_answer_is_not_read_however_long_it_is(
    department: Person, couriers: Couriers, house: House
) -> None:
    endless = for_ever(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"4\r\nmore\r\n")
    async with lying(endless) as liar:
        webhook_id, _ = await register(department, Endpoint(url=liar.url))
        await house.submit()
        await deliver(couriers(webhook_timeout_seconds=2))
        assert [one["state"] for one in await deliveries(department, webhook_id)] == ["delivered"]


@pytest.mark.parametrize("where", ["{trap}", "//[", "http://[::1", "\x00", "/elsewhere"])
async def test_a_redirect_is_a_failure_and_nobody_goes_where_it_leads(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers, where: str
) -> None:
    location = where.format(trap=endpoint.url).encode()
    async with lying(saying(b"HTTP/1.1 307 Go\r\nlocation: " + location + b"\r\ncontent-length: 0\r\n\r\n")) as liar:
        webhook_id, _ = await register(department, Endpoint(url=liar.url))
        await house.submit()
        await deliver(couriers(webhook_timeout_seconds=2))
        (one,) = await deliveries(department, webhook_id)
        assert one["state"] == "pending"
        assert one["last_status"] in (307, None)  # a line no header may hold is no answer at all
        assert liar.asked == 1
    assert endpoint.got == []


async def test_every_attempt_has_the_same_id_and_its_own_time_and_signature(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers
) -> None:
    times = iter(datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=back) for back in (9, 6, 3))
    courier = couriers(signed_at=lambda: next(times))
    _, secret = await register(department, endpoint)
    await house.submit()
    endpoint.statuses = [500, 500]
    for _ in range(3):
        await deliver(courier)
        house.clock.advance(seconds=70)
    ids, stamps, signatures = (
        {headers[name] for headers, _ in endpoint.got}
        for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    assert (len(ids), len(stamps), len(signatures)) == (1, 3, 3)
    for headers, body in endpoint.got:
        assert Webhook(secret).verify(body, headers)


async def test_an_endpoint_that_keeps_failing_rests_and_comes_back_by_itself_with_nothing_lost(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers, unit: Person
) -> None:
    courier = couriers(webhook_circuit_failures=3, webhook_circuit_seconds=(60, 120))
    webhook_id, _ = await register(department, endpoint)
    cases = [await house.submit() for _ in range(4)]
    endpoint.statuses = [500] * 5
    await deliver(courier)
    assert len(endpoint.got) == 4
    state = await hook(department, webhook_id)
    assert (state["circuit"], state["failures"]) == ("open", 4)
    for case_id in cases:
        await unit.did(f"/orders/{await house.lead(case_id)}/sign")
    house.clock.advance(seconds=50)
    await deliver(courier)
    assert len(endpoint.got) == 4
    house.clock.advance(seconds=10)
    assert (await hook(department, webhook_id))["circuit"] == "half_open"
    await deliver(courier)
    assert len(endpoint.got) == 5
    assert (await hook(department, webhook_id))["circuit"] == "open"
    house.clock.advance(seconds=120)
    await deliver(courier)
    state = await hook(department, webhook_id)
    assert (state["circuit"], state["failures"], state["open_until"]) == ("closed", 0, None)
    assert {one["state"] for one in await deliveries(department, webhook_id)} == {"delivered"}
    for case_id in cases:
        said = [one["event"] for one in endpoint.messages() if one["event"]["subject"] == str(case_id)]
        assert [event["type"].split(".")[2] for event in said][-2:] == ["dispatched", "signed"]
        assert [event["sequence"] for event in said] == sorted(event["sequence"] for event in said)


async def test_only_one_worker_tries_an_endpoint_that_rests(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers
) -> None:
    settings = {"webhook_circuit_failures": 2, "webhook_retry_seconds": (1, 1, 1, 1)}
    one, other = couriers(**settings), couriers(**settings)
    webhook_id, _ = await register(department, endpoint)
    await pings(department, webhook_id, 6)
    endpoint.statuses = [500] * 6
    await deliver(one)
    house.clock.advance(seconds=61)
    await asyncio.gather(one._start_lanes(), other._start_lanes())
    await asyncio.gather(deliver(one), deliver(other))
    assert len(endpoint.got) == 7 + 5
    assert {one["state"] for one in await deliveries(department, webhook_id)} == {"delivered"}


async def test_a_ping_tries_an_endpoint_that_rests_and_a_replay_ends_its_rest(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers
) -> None:
    courier = couriers(webhook_circuit_failures=1)
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    endpoint.statuses = [500, 500]
    await deliver(courier)
    assert (await hook(department, webhook_id))["circuit"] == "open"
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    assert (len(endpoint.got), (await hook(department, webhook_id))["circuit"]) == (2, "open")
    body = {"states": ["pending"]}
    assert (await department.did(f"/webhooks/{webhook_id}/replay", body))["count"] == 2
    assert (await hook(department, webhook_id))["circuit"] == "closed"
    await deliver(courier)
    assert {one["state"] for one in await deliveries(department, webhook_id)} == {"delivered"}


async def test_a_name_with_several_addresses_is_reached_at_the_one_that_listens(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    await register(department, Endpoint(url=endpoint.url.replace("127.0.0.1", "localhost")))
    await house.submit()
    await deliver(courier)
    assert endpoint.got[0][0]["host"].startswith("localhost:")


async def test_the_log_is_filtered_by_time_type_case_and_state(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    webhook_id, _ = await register(department, endpoint)
    first = await house.submit()
    house.clock.advance(hours=1)
    between = house.clock.now().isoformat()
    second = await house.submit()
    await unit.did(f"/orders/{await house.lead(first)}/sign")
    await deliver(courier)

    async def found(**query: Any) -> list[tuple[str, str]]:
        return [(one["case_id"], one["event_type"]) for one in await deliveries(department, webhook_id, **query)]

    dispatched, signed = "order.dispatched.v1", "order.signed.v1"
    assert await found(event_type=signed) == [(str(first), signed)]
    assert await found(event_type=[f"huying.{signed}", dispatched], case_id=first) == [
        (str(first), signed),
        (str(first), dispatched),
    ]
    assert await found(until=between) == [(str(first), dispatched)]
    assert await found(since=between, state=["dead", "delivered"]) == [
        (str(first), signed),
        (str(second), dispatched),
    ]
    assert await found(state="dead") == []


async def test_a_replay_brings_what_its_filter_says_and_nothing_else(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    webhook_id, _ = await register(department, endpoint)
    first = await house.submit()
    house.clock.advance(hours=1)
    between = house.clock.now().isoformat()
    await unit.did(f"/orders/{await house.lead(first)}/sign")
    await house.submit()
    await deliver(courier)

    async def again(**body: Any) -> list[str]:
        endpoint.got.clear()
        count = (await department.did(f"/webhooks/{webhook_id}/replay", body))["count"]
        await deliver(courier)
        assert count == len(endpoint.got)
        return endpoint.types()

    assert await again() == []
    assert await again(until=between) == ["order.dispatched"]
    assert await again(since=between, event_types=["order.signed.v1"]) == ["order.signed"]
    assert sorted(await again(states=["delivered"], case_id=str(first))) == ["order.dispatched", "order.signed"]
    newest = (await deliveries(department, webhook_id))[0]["delivery_id"]
    assert len(await again(delivery_ids=[newest])) == 1
    assert await again(states=["dead"], since=between) == []


async def test_other_types_are_asked_for_without_another_secret(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    webhook_id, secret = await register(department, endpoint)
    path = f"/webhooks/{webhook_id}"
    answer = await department.http.patch(path, json={"event_types": ["order.signed.v1"]}, headers=department.headers)
    assert answer.json()["event_types"] == ["order.signed.v1"]
    await unit.did(f"/orders/{await house.lead(await house.submit())}/sign")
    await deliver(courier)
    assert endpoint.types() == ["order.signed"]
    headers, body = endpoint.got[0]
    assert Webhook(secret).verify(body, headers)
    refused = await department.http.patch(path, json={"url": "ftp://x.example/"}, headers=department.headers)
    assert refused.status_code == 422


async def test_an_endpoint_with_a_long_queue_and_one_with_a_short_one_take_turns(
    house: House, department: Person, endpoint: Endpoint, couriers: Couriers
) -> None:
    with listening() as busy:
        long, _ = await register(department, busy)
        await pings(department, long, 25)
        await register(department, endpoint)
        await house.submit()
        courier = couriers(webhook_lane=5)
        await courier.run_once()
        await courier.run_once()
        assert len(endpoint.got) == 1
        await deliver(courier)
        assert len(busy.got) == 26
