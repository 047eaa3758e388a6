"""Who sees which case: across units by their role, never the accused, confidential ones with a mark and a record."""

from typing import Any

import pytest

from services.router.people.roles import staff_rules
from services.router.rulebook import DESK, read_desk
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person
from tests.unit.router.test_units import CATALOGUE

ACROSS = ("leader", "supervisor", "discipline", "analyst", "callback_clerk", "ruling_panel", "filing_clerk", "reviewer")


async def acts(person: Person, case_id: Any, order_id: Any) -> list[int]:
    tried = [
        await person.post(f"/orders/{order_id}/sign"),
        await person.post(f"/orders/{order_id}/redispatch", {"unit_code": "PS-S02"}),
        await person.post(f"/desk/cases/{case_id}/classification", {"category_code": "0101001"}),
    ]
    return [answer.status_code for answer in tried]


@pytest.mark.parametrize("role", ["discipline", "analyst"])
async def test_who_only_reads_sees_cases_of_all_units_and_changes_none(house: House, person: People, role: str) -> None:
    case_id = await house.submit()
    me, order_id = person(role), await house.lead(case_id)
    assert (await me.get(f"/desk/cases/{case_id}")).status_code == 200
    assert (await me.get(f"/orders/{order_id}")).status_code == 200
    assert [line["case_id"] for line in (await me.get("/desk/cases")).json()["items"]] == [str(case_id)]
    assert await acts(me, case_id, order_id) == [403, 403, 403]


async def test_roles_that_see_across_units_are_let_in_and_others_see_nothing(house: House, person: People) -> None:
    case_id = await house.submit()
    for role in ACROSS:
        assert (await person(role).get(f"/desk/cases/{case_id}")).status_code == 200, role
    for role in ("grid_officer", "handler"):
        assert (await person(role, units=("PS-D02",)).get(f"/desk/cases/{case_id}")).status_code == 404
    for role in ("operator", "kb_editor", "system_admin", "security_admin", "audit_admin"):
        assert (await person(role).get(f"/desk/cases/{case_id}")).status_code == 403, role


async def test_nobody_of_the_accused_unit_or_below_it_sees_the_case_whatever_their_role(
    house: House, person: People
) -> None:
    case_id = await house.submit(accused_unit_code="PS-S01", text="坪山街道办事处不作为，垃圾没人清运")
    for role in ACROSS:
        for unit in ("PS-S01", "PS-W01", "PS-U01"):
            assert (await person(role, units=(unit,)).get(f"/desk/cases/{case_id}")).status_code == 404
    assert {order.unit_code for order in await house.orders(case_id)}.isdisjoint(CATALOGUE.units.under("PS-S01"))


async def test_an_analyst_finds_no_confidential_case_anywhere(house: House, person: People) -> None:
    case_id = await house.submit(confidential=True)
    analyst, order_id = person("analyst"), await house.lead(case_id)
    assert (await analyst.get(f"/desk/cases/{case_id}")).status_code == 404
    assert (await analyst.get(f"/orders/{order_id}")).status_code == 404
    assert (await analyst.get("/desk/cases")).json()["items"] == []
    assert (await analyst.get("/orders")).json()["items"] == []


async def test_a_confidential_case_carries_a_mark_and_every_look_at_it_is_kept(
    house: House, person: People, unit: Person, dispatcher: Person
) -> None:
    case_id, plain = await house.submit(confidential=True), await house.submit()
    seen = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert seen["watermark"] == "dispatcher PS-C00 2026-09-14 10:00:00 保密件，严禁外传"
    assert seen["orders"][0]["watermark"] == seen["watermark"]
    assert (await unit.get(f"/orders/{await house.lead(case_id)}")).json()["watermark"]
    assert (await dispatcher.get(f"/desk/cases/{plain}")).json()["watermark"] == ""
    for watcher in (person("audit_admin"), person("discipline")):
        kept = (await watcher.get("/staff/audit/case-reads", case_id=str(case_id))).json()["items"]
        assert [line["actor"] for line in kept] == ["staff:unit_manager-handler", "staff:dispatcher"]
    assert (await dispatcher.get("/staff/audit/case-reads")).status_code == 403
    assert len(await house.rows("SELECT * FROM case_reads")) == 2


async def test_a_unit_does_not_learn_how_an_anonymous_request_came(house: House, unit: Person) -> None:
    case_id = await house.submit(anonymous=True, citizen_id=None)
    assert (await unit.get(f"/desk/cases/{case_id}")).json()["channel_code"] is None


async def test_a_filing_clerk_files_what_waits(house: House, person: People) -> None:
    case_id = await house.submit(category_code=None, text="请管一管", title="")
    clerk = person("filing_clerk")
    assert [line["case_id"] for line in (await clerk.get("/desk/queue")).json()["items"]] == [str(case_id)]
    body = {"category_code": "0101001", "area_code": "440310001"}
    assert (await clerk.post(f"/desk/cases/{case_id}/classification", body)).status_code == 200


def test_no_rule_lets_anybody_act_whose_role_only_reads() -> None:
    reading = {role.code for role in staff_rules().roles if not role.acts}
    desk = read_desk(DESK)
    acting = {role for row in CATALOGUE.orders.actions for role in row.roles}
    assert reading.isdisjoint(acting | desk.classify_roles | desk.not_accept_roles)
