"""平战一体: an emergency reorders the queue, makes orders urgent, calls the roster, ends by itself, and is on record."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.events.intake import Place
from contracts.events.router import EmergencyDeclared, EmergencyLifted, OrderDispatched
from services.router.upkeep import Upkeep
from tests.integration.router.conftest import People
from tests.integration.router.desk import START, House, Person

WATER = "0202002"
"""道路积水: urgent in a flood."""
HERE, ELSEWHERE = "440310001001", "440310005001"


@pytest.fixture
def leader(person: People) -> Person:
    return person("leader")


def flood(until: datetime = START + timedelta(hours=10), areas: tuple[str, ...] = ("440310001",)) -> dict[str, Any]:
    reason = "气象台发布暴雨红色预警"
    return {"theme_code": "flood", "area_codes": list(areas), "reason": reason, "until": until.isoformat()}


def wet(area: str, **more: Any) -> dict[str, Any]:
    place = Place(address="某路口", area_code=area)
    return {"category_code": WATER, "title": "路面积水", "text": "路口积水很深", "place": place, **more}


async def dispatched(house: House, case_id: Any) -> OrderDispatched:
    data = [event.data for event in await house.emitted(case_id) if event.type == OrderDispatched.TYPE]
    assert isinstance(data[0], OrderDispatched)
    return data[0]


async def test_new_orders_of_its_categories_in_its_areas_are_urgent_and_say_why(house: House, leader: Person) -> None:
    before = await dispatched(house, await house.submit(**wet(HERE)))
    await leader.did("/emergencies", flood())
    inside = await dispatched(house, await house.submit(**wet(HERE)))
    outside = await dispatched(house, await house.submit(**wet(ELSEWHERE)))
    other = await dispatched(house, await house.submit())
    assert [said.urgent for said in (before, inside, outside, other)] == [False, True, False, False]
    assert [reason.text for reason in inside.reasons if reason.kind == "emergency"] == ["暴雨内涝"]


async def test_it_stands_first_in_the_queue_through_all_its_pages(
    house: House, leader: Person, dispatcher: Person
) -> None:
    dull = [await house.submit(type_code="invalid") for _ in range(2)]
    pressing = [await house.submit(type_code="invalid", **wet(HERE)) for _ in range(3)]
    await leader.did("/emergencies", flood())
    seen: list[str] = []
    flags: list[bool] = []
    after: dict[str, str] = {}
    while True:
        page = (await dispatcher.get("/desk/queue", limit=2, **after)).json()
        seen += [line["case_id"] for line in page["items"]]
        flags += [line["emergency"] for line in page["items"]]
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert seen == [str(case_id) for case_id in (*pressing, *dull)]
    assert flags == [True] * 3 + [False] * 2


async def test_it_is_lifted_when_its_end_comes_and_said_so(house: House, leader: Person, person: People) -> None:
    made = await leader.did("/emergencies", flood())
    house.clock.advance(hours=10)
    assert not (await dispatched(house, await house.submit(**wet(HERE)))).urgent
    await Upkeep(house.context).run_once()
    row = (await leader.get(f"/emergencies/{made['emergency_id']}")).json()
    assert (row["on"], row["lifted_by"], row["lift_reason"]) == (False, "system", "到期自动解除")
    said = [event.data for event in await house.emitted() if event.type.startswith("emergency.")]
    assert [type(one) for one in said] == [EmergencyDeclared, EmergencyLifted]
    record = (await person("audit_admin").get("/staff/audit", subject=made["emergency_id"])).json()["items"]
    assert [entry["action"] for entry in record] == ["emergency.lifted", "emergency.declared"]
    assert record[1]["actor"] == "leader"


async def test_somebody_lifts_it_once_with_a_reason(house: House, leader: Person) -> None:
    place = f"/emergencies/{(await leader.did('/emergencies', flood()))['emergency_id']}/lift"
    lifted = await leader.did(place, {"reason": "预警解除"})
    assert (lifted["on"], lifted["lifted_by"]) == (False, "leader")
    assert (await leader.post(place, {"reason": "预警解除"})).status_code == 409
    assert not (await dispatched(house, await house.submit(**wet(HERE)))).urgent
    assert (await leader.get("/emergencies", only_on=True)).json()["items"] == []
    assert len((await leader.get("/emergencies")).json()["items"]) == 1


async def test_it_must_be_listed_short_enough_and_declared_by_who_may(leader: Person, dispatcher: Person) -> None:
    assert (await dispatcher.post("/emergencies", flood())).status_code == 403
    for wrong in (
        flood(until=START + timedelta(hours=73)),
        flood(until=START - timedelta(hours=1)),
        flood(areas=("440310099",)),
        {**flood(), "theme_code": "invasion"},
    ):
        assert (await leader.post("/emergencies", wrong)).status_code == 422


async def test_it_calls_the_roster_and_names_who_is_missing(house: House, leader: Person, dispatcher: Person) -> None:
    (account,) = await house.rows("SELECT account_id FROM accounts")
    shifts = {"shifts": [{"shift": "day", "account_ids": [str(account.account_id)]}]}
    put = await dispatcher.http.put("/duties/PS-C00/2026-09-14", json=shifts, headers=dispatcher.headers)
    assert put.status_code == 200, put.text
    made = await leader.did("/emergencies", flood())
    assert [(line["unit_code"], line["people"][0]["name"]) for line in made["on_duty"]] == [("PS-C00", "分拨员")]
    assert "PS-D03" in made["nobody"]
    themes = (await leader.get("/emergencies/themes")).json()
    assert {theme["code"] for theme in themes["items"]} >= {"typhoon", "flood", "outage"}
