"""The roster: who is on duty now, who may put it up, and a unit's people."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.router.people.duty import duty_rules
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person

DAY = "2026-09-14"


async def put(person: Person, unit: str, **people: list[str]) -> Any:
    shifts = [{"shift": shift, "account_ids": ids} for shift, ids in people.items()]
    return await person.http.put(f"/duties/{unit}/{DAY}", json={"shifts": shifts}, headers=person.headers)


@pytest.fixture
async def somebody(house: House) -> str:
    (row,) = await house.rows("SELECT account_id FROM accounts")
    return str(row.account_id)


async def test_who_is_on_duty_changes_with_the_shift_and_the_night_goes_on_until_morning(
    house: House, dispatcher: Person, somebody: str
) -> None:
    assert (await put(dispatcher, "PS-S01", night=[somebody])).status_code == 200
    day = (await dispatcher.get("/duties/now", unit="PS-S01")).json()
    assert (day["shift"], day["nobody"]) == ("day", ["PS-S01"])
    house.clock.advance(hours=20)  # 06:00 of the next day
    night = (await dispatcher.get("/duties/now", unit="PS-S01")).json()
    assert (night["shift"], night["items"][0]["people"][0]["name"]) == ("night", "分拨员")
    assert datetime.fromisoformat(night["until"]).astimezone(UTC) == datetime(2026, 9, 15, 0, 30, tzinfo=UTC)


async def test_a_manager_puts_up_the_roster_of_the_unit_and_of_what_stands_under_it(
    unit: Person, person: People, somebody: str
) -> None:
    for code in ("PS-S01", "PS-W01", "PS-U01"):
        assert (await put(unit, code, day=[somebody])).status_code == 200
    for code in ("PS-S02", "PS-W06", "PS-C00"):
        assert (await put(unit, code, day=[somebody])).status_code == 403
    assert (await put(person("handler", units=("PS-S01",)), "PS-S01", day=[somebody])).status_code == 403


async def test_a_roster_names_shifts_people_and_units_that_exist(dispatcher: Person, somebody: str) -> None:
    assert (await put(dispatcher, "PS-S01", siesta=[somebody])).status_code == 422
    assert (await put(dispatcher, "PS-S01", day=[str(new_id())])).status_code == 422
    assert (await put(dispatcher, "PS-X99", day=[somebody])).status_code == 422
    assert (await dispatcher.get("/duties", first="2026-01-01", last="2026-12-31")).status_code == 422


async def test_a_day_is_put_up_anew_as_a_whole(dispatcher: Person, somebody: str) -> None:
    await put(dispatcher, "PS-S01", day=[somebody], night=[somebody])
    await put(dispatcher, "PS-S01", night=[somebody])
    found = (await dispatcher.get("/duties", first=DAY, last="2026-09-20")).json()["items"]
    assert [(line["day"], line["shift"]) for line in found] == [(DAY, "night")]


async def test_a_units_people_are_its_grants(house: House, person: People, dispatcher: Person, somebody: str) -> None:
    security = person("security_admin")
    for role in ("unit_manager", "grid_officer"):
        await security.did(f"/staff/accounts/{somebody}/grants", {"role": role, "unit_code": "PS-W01"})
    await put(dispatcher, "PS-W01", day=[somebody])
    desk = (await dispatcher.get("/units/PS-W01/people")).json()
    names = {key: [one["name"] for one in desk[key]] for key in ("managers", "handlers", "grid_officers", "on_duty")}
    assert names == {"managers": ["分拨员"], "handlers": [], "grid_officers": ["分拨员"], "on_duty": ["分拨员"]}
    assert (await dispatcher.get("/units/PS-X99/people")).status_code == 404


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_at_every_instant_one_shift_is_on_and_it_has_not_ended(now: datetime) -> None:
    turn = duty_rules().turn(now)
    assert now < turn.ends_at
    assert (turn.ends_at - now).total_seconds() <= 86400
    assert turn.day <= date(2027, 1, 1)
