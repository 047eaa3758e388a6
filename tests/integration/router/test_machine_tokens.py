"""A department's key changed for a token that other services accept too."""

import json
from datetime import UTC, datetime

import httpx

from services.router.app import MANIFEST
from shared import apikeys
from shared.tokens import TokenVerifier
from tests.integration.router.conftest import People
from tests.integration.router.desk import KEY, House, Person, bearer


async def test_a_key_is_changed_for_a_token_that_says_the_same_of_its_holder(house: House, department: Person) -> None:
    answer = await department.post("/staff/tokens")
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    made = answer.json()
    assert (made["roles"], made["units"]) == (["department"], ["PS-S01", "PS-S02"])
    assert datetime.fromisoformat(made["expires_at"]) == datetime(2026, 9, 14, 3, 0, tzinfo=UTC)
    elsewhere = TokenVerifier(json.dumps({"keys": [KEY.as_dict(private=False)]}))
    actor = elsewhere.verify(made["token"], now=house.clock.now())
    assert (actor.id, actor.kind) == ("坪山街道业务系统", "machine")
    assert (actor.roles, actor.units) == ({"department"}, {"PS-S01", "PS-S02"})


async def test_the_token_acts_as_the_key_does_for_an_hour(
    house: House, http: httpx.AsyncClient, department: Person
) -> None:
    token = (await department.did("/staff/tokens"))["token"]
    order = await house.lead(await house.submit())
    system = Person(http, bearer(token))
    assert (await system.did(f"/orders/{order}/sign"))["state"] == "signed"
    house.clock.advance(hours=1)
    assert (await system.get(f"/orders/{order}")).status_code == 401


async def test_a_token_is_not_changed_for_another_one(
    http: httpx.AsyncClient, department: Person, dispatcher: Person, person: People
) -> None:
    token = (await department.did("/staff/tokens"))["token"]
    again = await Person(http, bearer(token)).post("/staff/tokens")
    assert (again.status_code, again.json()["type"]) == (403, "urn:huying:problem:api-key-needed")
    assert (await dispatcher.post("/staff/tokens")).status_code == 403
    assert (await person("department").post("/staff/tokens")).status_code == 403
    assert (await http.post("/staff/tokens")).status_code == 401


async def test_a_machine_that_is_no_department_gets_no_token(house: House, http: httpx.AsyncClient) -> None:
    async with house.context.begin() as tx:
        key = await apikeys.create(tx.connection, name="热线", roles=["operator_system"], units=[])
    assert (await Person(http, bearer(key)).post("/staff/tokens")).status_code == 403


def test_the_door_is_not_a_public_one() -> None:
    assert "open_machine_session" not in MANIFEST.public
