"""A webhook's own life: removed, switched off by 410, switched on again; and where it may lead."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from standardwebhooks import Webhook

from services.router import signing
from services.router.app import MANIFEST, seed
from services.router.webhooks import Courier
from shared.main import migrate_and_seed
from tests.integration.router.desk import VAULT_KEY, House, Person, settings_for
from tests.integration.router.endpoints import Endpoint, deliver, deliveries, register


async def remove(department: Person, webhook_id: str) -> int:
    gone = await department.http.delete(f"/webhooks/{webhook_id}", headers=department.headers)
    return gone.status_code


async def switch_off(house: House, endpoint: Endpoint, courier: Courier) -> None:
    await house.submit()
    endpoint.statuses = [410]
    await deliver(courier)


async def test_a_removed_webhook_can_no_more_be_tried_replaced_or_replayed(
    department: Person, endpoint: Endpoint
) -> None:
    webhook_id, _ = await register(department, endpoint)
    assert await remove(department, webhook_id) == 204
    for deed, body in (("ping", None), ("secret", None), ("replay", {})):
        assert (await department.post(f"/webhooks/{webhook_id}/{deed}", body)).status_code == 404
    assert await remove(department, webhook_id) == 404
    assert (await department.get("/webhooks")).json()["items"][0]["disabled_because"] == "removed"


async def test_what_waits_for_a_removed_webhook_is_cancelled_and_what_was_sent_stays(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    await deliver(courier)
    await house.submit()
    await remove(department, webhook_id)
    await house.submit()
    await deliver(courier)
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["cancelled", "delivered"]
    assert len(endpoint.got) == 1


async def test_a_failure_that_comes_after_the_removal_brings_no_message_back(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await house.submit()
    endpoint.statuses = [410]
    real = courier._attempt

    async def removed_meanwhile(rows: Any, entries: Any) -> Any:
        outcomes = await real(rows, entries)
        await remove(department, webhook_id)
        return outcomes

    monkeypatch.setattr(courier, "_attempt", removed_meanwhile)
    await deliver(courier)
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["cancelled"]
    assert (await department.get("/webhooks")).json()["items"][0]["disabled_because"] == "removed"


async def test_a_ping_to_a_webhook_that_is_switched_off_says_why(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    await switch_off(house, endpoint, courier)
    refused = await department.post(f"/webhooks/{webhook_id}/ping")
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:huying:problem:webhook-switched-off"
    assert refused.json()["detail"] == "the endpoint answered 410 Gone"


async def test_a_replay_brings_in_order_what_happened_while_the_endpoint_was_away(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    webhook_id, _ = await register(department, endpoint)
    case_id = await house.submit()
    endpoint.statuses = [410]
    await deliver(courier)
    await unit.did(f"/orders/{await house.lead(case_id)}/sign")
    await unit.did(f"/orders/{await house.lead(case_id)}/contact", {"method": "phone"})
    states = [one["state"] for one in await deliveries(department, webhook_id)]
    assert states == ["suspended", "suspended", "dead"]
    later = house.clock.now().isoformat()
    await department.did(f"/webhooks/{webhook_id}/replay", {"since": later})
    await deliver(courier)
    assert endpoint.types() == ["order.dispatched", "order.dispatched", "order.signed", "order.contacted"]


async def test_what_waited_when_the_endpoint_went_away_waits_for_the_replay_too(
    house: House, department: Person, endpoint: Endpoint, courier: Courier, unit: Person
) -> None:
    webhook_id, _ = await register(department, endpoint)
    case_id = await house.submit()
    await unit.did(f"/orders/{await house.lead(case_id)}/sign")
    endpoint.statuses = [410]
    await deliver(courier)
    assert [one["state"] for one in await deliveries(department, webhook_id)] == ["suspended", "dead"]
    await department.did(f"/webhooks/{webhook_id}/replay", {})
    await deliver(courier)
    assert endpoint.types() == ["order.dispatched", "order.dispatched", "order.signed"]


async def test_a_ping_is_an_event_like_any_other(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, secret = await register(department, endpoint, event_types=["order.signed.v1"])
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    headers, body = endpoint.got[0]
    message = Webhook(secret).verify(body, headers)
    event = message["event"]
    assert message["order"] is None
    assert (event["specversion"], event["type"], event["source"]) == ("1.0", "huying.webhook.ping.v1", "/router")
    assert event["id"] == {name.lower(): value for name, value in headers.items()}["webhook-id"]
    assert event["time"].startswith("2026-09-14T02:00:00")
    assert event["data"] == {"webhook_id": webhook_id, "unit_code": "PS-S01"}


async def test_both_spellings_of_an_event_type_are_one(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    wanted = ["huying.order.dispatched.v1", "order.dispatched.v1", "huying.case.closed.v1"]
    await register(department, endpoint, event_types=wanted)
    (hook,) = (await department.get("/webhooks")).json()["items"]
    assert hook["event_types"] == ["case.closed.v1", "order.dispatched.v1"]
    await house.submit()
    await deliver(courier)
    assert endpoint.types() == ["order.dispatched"]


@pytest.mark.parametrize("name", ["order.eaten.v1", "huying.order.eaten.v1", "huying.huying.order.signed.v1", ""])
async def test_an_event_type_that_is_none_is_refused(department: Person, name: str) -> None:
    body = {"unit_code": "PS-S01", "url": "http://127.0.0.1/", "event_types": [name]}
    assert (await department.post("/webhooks", body)).status_code == 422


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/hook", "https://169.254.169.254/", "https://0.0.0.0/", "http://[fe80::1]/"]
)
async def test_an_address_no_message_could_go_to_is_refused_at_once(department: Person, url: str) -> None:
    refused = await department.post("/webhooks", {"unit_code": "PS-S01", "url": url})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/url"


async def test_no_secret_lies_in_the_clear(house: House, department: Person, endpoint: Endpoint) -> None:
    webhook_id, old = await register(department, endpoint)
    new = (await department.did(f"/webhooks/{webhook_id}/secret"))["secret"]
    (row,) = await house.rows("SELECT * FROM webhooks")
    for stored in (row.secret, row.old_secret):
        assert not any(secret.encode() in stored for secret in (old, new, "whsec_"))
    assert await house.rows("SELECT 1 FROM kept_answers WHERE answer::text LIKE '%whsec_%'") == []


async def test_secrets_from_before_are_encrypted_at_the_next_start_and_go_on_signing(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    webhook_id, _ = await register(department, endpoint)
    plain = signing.new_secret()
    async with house.context.begin() as tx:
        change = text("UPDATE webhooks SET secret = :secret, old_secret = :secret, old_secret_until = :until")
        until = house.clock.now() + timedelta(hours=1)
        await tx.connection.execute(change, {"secret": plain.encode(), "until": until})
    await seed(house.context)
    (row,) = await house.rows("SELECT secret, old_secret FROM webhooks")
    assert b"whsec_" not in row.secret + row.old_secret
    await department.did(f"/webhooks/{webhook_id}/ping")
    await deliver(courier)
    headers, body = endpoint.got[0]
    assert Webhook(plain).verify(body, headers)


async def test_a_new_key_takes_the_secrets_over(
    house: House, department: Person, endpoint: Endpoint, database: str
) -> None:
    await register(department, endpoint)
    ring = f"second:{'A' * 43}=,first:{VAULT_KEY}"
    await migrate_and_seed(MANIFEST, settings_for(database, vault_keys=ring, vault_current="second"))
    (row,) = await house.rows("SELECT secret FROM webhooks")
    assert row.secret[2:8] == b"second"


async def test_a_secret_no_key_opens_keeps_no_other_webhook_waiting(
    house: House, department: Person, endpoint: Endpoint, courier: Courier
) -> None:
    broken, _ = await register(department, endpoint)
    await register(department, endpoint)
    async with house.context.begin() as tx:
        await tx.connection.execute(
            text("UPDATE webhooks SET secret = '\\x0105' WHERE webhook_id = CAST(:broken AS uuid)"), {"broken": broken}
        )
    await house.submit()
    await deliver(courier)
    assert len(endpoint.got) == 1
    assert "cannot be read" in (await deliveries(department, broken))[0]["last_error"]
