"""Departments' endpoints: real requests to a real server, signatures checked by the standard's own library."""

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from services.router.webhooks import Courier
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person
from tests.integration.router.endpoints import Endpoint, deliver, deliveries, register


async def test_an_order_reaches_the_endpoint_signed_and_with_what_the_work_needs(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, secret = await register(department, endpoint)
    case_id = await house.submit()
    await deliver(courier)
    headers, body = endpoint.got[0]
    message = Webhook(secret).verify(body, headers)
    assert message["event"]["type"] == "huying.order.dispatched.v1"
    assert message["event"]["subject"] == str(case_id)
    assert message["order"]["text"] == "巷口的垃圾堆了三天没人拉，苍蝇乱飞"
    assert message["order"]["place"]["area_code"] == "440310001"
    assert not {"citizen_id", "channel_code"} & message["order"].keys()
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["delivered"]


async def test_a_changed_body_does_not_pass_the_signature(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    _, secret = await register(department, endpoint)
    await house.submit()
    await deliver(courier)
    headers, body = endpoint.got[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body + b" ", headers)


async def test_a_failed_delivery_waits_longer_and_longer_and_then_is_dead_until_replayed(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    endpoint.statuses = [500, 503, 302]
    await deliver(courier)
    house.clock.advance(seconds=10.9)  # 10 s and a half of the fifth that is jitter
    await deliver(courier)
    assert len(endpoint.got) == 1
    house.clock.advance(seconds=0.2)
    await deliver(courier)
    house.clock.advance(seconds=67)
    await deliver(courier)
    assert len(endpoint.got) == 3
    house.clock.advance(days=30)
    await deliver(courier)
    (dead,) = await deliveries(department, webhook_id, state="dead")
    assert (dead["attempts"], dead["last_status"]) == (3, 302)
    assert (await department.did(f"/webhooks/{webhook_id}/replay", {}))["count"] == 1
    await deliver(courier)
    assert len({headers["webhook-id"] for headers, _ in endpoint.got}) == 1
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["delivered"]


async def test_a_later_event_of_a_case_waits_for_the_earlier_one_and_other_cases_do_not(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    await register(department, endpoint)
    slow = await house.submit()
    endpoint.statuses = [500]
    await deliver(courier)
    await unit.did(f"/orders/{await house.lead(slow)}/sign")
    await house.submit()
    await deliver(courier)
    assert endpoint.types() == ["order.dispatched", "order.dispatched"]
    house.clock.advance(seconds=12)
    await deliver(courier)
    about = [message["event"] for message in endpoint.messages() if message["event"]["subject"] == str(slow)]
    assert [event["sequence"] for event in about] == [3, 3, 4]


async def test_an_endpoint_that_has_gone_is_asked_no_more_until_its_owner_says_so(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    endpoint.statuses = [410]
    await deliver(courier)
    await house.submit()
    await deliver(courier)
    assert len(endpoint.got) == 1
    (hook,) = (await department.get("/webhooks")).json()["items"]
    assert hook["disabled_because"] == "the endpoint answered 410 Gone"
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["suspended", "dead"]
    assert (await department.did(f"/webhooks/{webhook_id}/replay", {}))["count"] == 2
    await deliver(courier)
    assert len(endpoint.got) == 3
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["delivered", "delivered"]
    assert (await department.get("/webhooks")).json()["items"][0]["disabled_at"] is None


async def test_why_the_review_sent_the_work_back_reaches_the_unit_by_message_feed_and_view(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, reviewer: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await department.did(f"/orders/{order}/sign")
    photo = await house.photo(case_id, order)
    await department.did(
        f"/orders/{order}/resolve", {"public_reply": "垃圾已于当日清运完毕", "photo_ids": [str(photo)]}
    )
    await register(department, endpoint, event_types=["case.reviewed.v1"])
    await reviewer.did(f"/orders/{order}/review", {"outcome": "send_back", "note": "照片里看不到垃圾桶"})
    await deliver(courier)
    said = endpoint.messages()[0]
    assert said["event"]["data"]["outcome"] == "sent_back"
    about = {"outcome": "sent_back", "note": "照片里看不到垃圾桶"}
    assert about.items() <= said["order"]["review"].items()
    assert "by" not in said["order"]["review"]
    item = (await department.get("/feed")).json()["items"][-1]
    assert item["order"]["review"] == said["order"]["review"]
    view = (await department.get(f"/orders/{order}")).json()
    assert about.items() <= view["review"].items()
    assert "照片里看不到垃圾桶" not in str([event.data for event in await house.emitted(case_id)])


async def test_only_the_types_asked_for_come(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    await register(department, endpoint, event_types=["order.signed.v1"])
    await unit.did(f"/orders/{await house.lead(await house.submit())}/sign")
    await deliver(courier)
    assert endpoint.types() == ["order.signed"]


async def test_a_replaced_secret_signs_beside_the_new_one_for_a_day(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, old = await register(department, endpoint)
    new = (await department.did(f"/webhooks/{webhook_id}/secret"))["secret"]
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    headers, body = endpoint.got[0]
    assert Webhook(old).verify(body, headers) == Webhook(new).verify(body, headers)
    assert endpoint.types() == ["webhook.ping"]
    house.clock.advance(hours=25)
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    headers, body = endpoint.got[1]
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(body, headers)


async def test_an_endpoint_that_does_not_answer_is_tried_again(
    house: House, department: Person, courier: Courier
) -> None:
    webhook_id, _ = await register(department, Endpoint(url="http://127.0.0.1:9/closed"))
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    (one,) = await deliveries(department, webhook_id)
    assert (one["state"], one["last_error"]) == ("pending", "ConnectError")


async def test_a_delivery_taken_by_a_process_that_died_is_made_by_another(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await department.did(f"/webhooks/{webhook_id}/ping")
    claimed, _ = await courier._claim()
    assert len(claimed) == 1
    await deliver(courier)
    assert endpoint.got == []
    house.clock.advance(seconds=60)
    await deliver(courier)
    assert len(endpoint.got) == 1


async def test_a_webhook_of_another_unit_is_out_of_reach(
    department: Person, person: People, endpoint: Endpoint
) -> None:
    refused = await department.post("/webhooks", {"unit_code": "PS-D01", "url": endpoint.url})
    assert refused.status_code == 403
    admin = person("admin")
    made = await admin.did("/webhooks", {"unit_code": "PS-D01", "url": endpoint.url})
    webhook_id = made["webhook"]["webhook_id"]
    assert (await department.post(f"/webhooks/{webhook_id}/ping")).status_code == 404
    assert (await department.get("/webhooks")).json()["items"] == []
    assert (await person("dispatcher").get("/webhooks")).status_code == 403


async def test_the_same_registration_under_one_key_makes_one_webhook(department: Person, endpoint: Endpoint) -> None:
    body = {"unit_code": "PS-S01", "url": endpoint.url}
    first = await department.did("/webhooks", body, **{"Idempotency-Key": "r-1"})
    assert await department.did("/webhooks", body, **{"Idempotency-Key": "r-1"}) == first
    assert len((await department.get("/webhooks")).json()["items"]) == 1


async def test_an_unknown_event_type_and_a_bad_address_are_refused(department: Person) -> None:
    for more in ({"event_types": ["order.eaten.v1"]}, {"url": "ftp://x.example/"}, {"url": "http://a:b@127.0.0.1/"}):
        body = {"unit_code": "PS-S01", "url": "http://127.0.0.1/", **more}
        assert (await department.post("/webhooks", body)).status_code == 422


async def test_a_removed_webhook_gets_nothing_more(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    gone = await department.http.delete(f"/webhooks/{webhook_id}", headers=department.headers)
    assert gone.status_code == 204
    await house.submit()
    await deliver(courier)
    assert endpoint.got == []


async def test_the_feed_brings_each_units_events_in_order_page_by_page(
    house: House, department: Person, unit: Person
) -> None:
    order = await house.lead(await house.submit())
    await unit.did(f"/orders/{order}/sign")
    await house.submit(place={"area_code": "440310002"})
    await house.submit(place={"area_code": "440310003"})
    seen: list[tuple[str, str]] = []
    after = ""
    while page := (await department.get("/feed", after=after, limit=2)).json():
        seen += [(item["unit_code"], item["event"]["type"].split(".", 1)[1]) for item in page["items"]]
        if not page["items"]:
            break
        after = page["next"]
    assert seen == [
        ("PS-S01", "order.dispatched.v1"),
        ("PS-S01", "order.signed.v1"),
        ("PS-S02", "order.dispatched.v1"),
    ]


async def test_the_feed_says_nothing_of_an_order_that_was_taken_away(
    house: House, department: Person, dispatcher: Person
) -> None:
    order = await house.lead(await house.submit())
    await dispatcher.did(f"/orders/{order}/redispatch", {"unit_code": "PS-D01"})
    items = (await department.get("/feed")).json()["items"]
    assert [item["event"]["type"] for item in items] == [
        "huying.order.dispatched.v1",
        "huying.order.redispatched.v1",
    ]
    assert all("text" not in item["order"] for item in items)


async def test_a_departments_system_acts_for_its_unit(house: House, department: Person) -> None:
    order = await house.lead(await house.submit())
    signed = await department.did(f"/orders/{order}/sign")
    assert signed["state"] == "signed"
    assert (await department.get("/orders", state="signed")).json()["items"][0]["order_id"] == str(order)


async def test_a_cursor_of_somebody_else_is_refused(department: Person, http: httpx.AsyncClient) -> None:
    assert (await department.get("/feed", after="x.y")).status_code == 422
    assert (await http.get("/feed")).status_code == 401
