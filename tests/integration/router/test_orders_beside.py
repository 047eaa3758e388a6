"""Co-orders, sub-orders, disputes, tasks and short ends, through the doors of the real desk."""

from typing import Any
from uuid import UUID

import pytest

from contracts.events.feedback import PhotoTaken
from contracts.events.intake import Place
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person, submitted

APPROVED = {"outcome": "approve", "closing_condition_met": True}
DONE = {"public_reply": "垃圾已于当日清运完毕，路面已冲洗", "handling_note": "派员一次"}
DISPUTE = {"argument": "三家单位均称不属其职责"}


async def resolved(house: House, unit: Person, case_id: UUID, order: str | UUID) -> None:
    await unit.did(f"/orders/{order}/sign")
    photo = await house.photo(case_id, order)
    await unit.did(f"/orders/{order}/resolve", {**DONE, "photo_ids": [str(photo)]})


async def log_of(dispatcher: Person, case_id: UUID) -> list[str]:
    return [entry["action"] for entry in (await dispatcher.get(f"/desk/cases/{case_id}")).json()["log"]]


async def test_a_case_is_answered_when_all_mandatory_orders_are_approved(
    house: House, unit: Person, dispatcher: Person, reviewer: Person, person: People
) -> None:
    case_id = await house.submit()
    lead = await house.lead(case_id)
    must = await dispatcher.did(f"/orders/{lead}/co-orders", {"unit_code": "PS-D01"})
    may = await dispatcher.did(f"/orders/{lead}/co-orders", {"unit_code": "PS-D05", "mandatory": False})
    assert (must["role"], must["mandatory"], may["mandatory"]) == ("co", True, False)
    again = await dispatcher.post(f"/orders/{lead}/co-orders", {"unit_code": "PS-D01"})
    assert (again.status_code, again.json()["type"]) == (422, "urn:huying:problem:same-unit")
    await resolved(house, unit, case_id, lead)
    await reviewer.did(f"/orders/{lead}/review", APPROVED)
    assert "case.replied" not in await house.kinds(case_id)
    await resolved(house, person("unit_manager", "handler", units=("PS-D01",)), case_id, must["order_id"])
    await reviewer.did(f"/orders/{must['order_id']}/review", {"outcome": "approve"})
    said = await house.emitted(case_id)
    assert [event.type.removesuffix(".v1") for event in said[-2:]] == ["order.cancelled", "case.replied"]
    assert (str(said[-2].data.order_id), said[-2].data.cause) == (may["order_id"], "ended")


async def test_an_approval_confirms_the_closing_condition(house: House, unit: Person, reviewer: Person) -> None:
    case_id = await house.submit()
    lead = await house.lead(case_id)
    await resolved(house, unit, case_id, lead)
    shown = (await reviewer.get(f"/orders/{lead}")).json()
    assert shown["standard"]["closing_condition"]
    refused = await reviewer.post(f"/orders/{lead}/review", {"outcome": "approve"})
    assert (refused.status_code, refused.json()["type"]) == (422, "urn:huying:problem:closing-condition-open")
    await reviewer.did(f"/orders/{lead}/review", APPROVED)


async def test_what_is_given_on_comes_back_to_who_gave_it(house: House, person: People, reviewer: Person) -> None:
    case_id = await house.submit(place=Place(address="不详"))
    lead = await house.lead(case_id)
    centre = person("unit_manager", "handler", units=("PS-C00",))
    street = person("handler", "unit_manager", units=("PS-S03",))
    await centre.did(f"/orders/{lead}/sign")
    first = await centre.did(f"/orders/{lead}/sub-orders", {"unit_code": "PS-S02"})
    await centre.did(f"/orders/{first['order_id']}/take-back")
    sub = (await centre.did(f"/orders/{lead}/sub-orders", {"unit_code": "PS-S03"}))["order_id"]
    photo = await house.photo(case_id, lead)
    early = await centre.post(f"/orders/{lead}/resolve", {**DONE, "photo_ids": [str(photo)]})
    assert early.json()["type"] == "urn:huying:problem:children-not-done"
    await resolved(house, street, case_id, sub)
    own = await street.post(f"/orders/{sub}/acceptance", {"outcome": "approve"})
    assert own.status_code == 403
    await centre.did(f"/orders/{sub}/acceptance", {"outcome": "approve"})
    await centre.did(f"/orders/{lead}/resolve", {**DONE, "photo_ids": [str(photo)]})
    await reviewer.did(f"/orders/{lead}/review", APPROVED)
    given = [event.data for event in await house.emitted(case_id) if event.type == "order.dispatched.v1"]
    assert [(one.role, one.parent_order_id) for one in given] == [("lead", None), ("sub", lead), ("sub", lead)]
    assert (await house.kinds(case_id))[-1] == "case.replied"


async def test_the_lead_that_has_begun_moves_only_by_a_ruling(
    house: House, unit: Person, dispatcher: Person, person: People
) -> None:
    case_id = await house.submit()
    lead = await house.lead(case_id)
    await unit.did(f"/orders/{lead}/sign")
    refused = await dispatcher.post(f"/orders/{lead}/redispatch", {"unit_code": "PS-D01", "own_error": True})
    assert refused.json()["type"] == "urn:huying:problem:lead-fixed"
    ruling = await dispatcher.did(f"/orders/{lead}/referral", DISPUTE)
    assert (ruling["cause"], ruling["temporary_unit_code"], ruling["order_id"]) == ("lead_moved", "PS-S01", str(lead))
    panel = person("ruling_panel")
    verdict = {"lead_unit_code": "PS-D01", "co_unit_codes": ["PS-S01"], "grounds": "按三定方案由城管部门主办"}
    await panel.did(f"/rulings/{ruling['ruling_id']}/decision", verdict)
    orders = await house.orders(case_id)
    assert [(one.role, one.unit_code, one.state) for one in orders] == [
        ("lead", "PS-S01", "redispatched"),
        ("lead", "PS-D01", "dispatched"),
        ("co", "PS-S01", "dispatched"),
    ]
    named = person("unit_manager", units=("PS-D01",))
    back = await named.post(
        f"/orders/{orders[1].order_id}/return", {"reason_code": "wrong_duty", "legal_basis": "三定方案"}
    )
    assert back.json()["type"] == "urn:huying:problem:designated-by-ruling"
    twice = await panel.post(f"/rulings/{ruling['ruling_id']}/decision", verdict)
    assert twice.json()["type"] == "urn:huying:problem:no-ruling-pending"


@pytest.fixture
async def ruled(house: House, dispatcher: Person, person: People) -> dict[str, Any]:
    """Returned as often as may be, disputed, and decided: from now on such cases here go to PS-D01."""
    case_id = await house.submit(case_no="PS26091400000177")
    for unit in ("PS-S01", "PS-D02"):
        order = await house.lead(case_id)
        body = {"reason_code": "unclear_ownership", "legal_basis": "权属登记"}
        bare = await person("unit_manager", units=(unit,)).post(f"/orders/{order}/return", body)
        assert bare.json()["type"] == "urn:huying:problem:evidence-missing"
        await person("unit_manager", units=(unit,)).did(f"/orders/{order}/return", {**body, "evidence": "附宗地图"})
        await dispatcher.did(f"/orders/{order}/redispatch", {"unit_code": "PS-D02" if unit == "PS-S01" else "PS-D03"})
    order = await house.lead(case_id)
    ruling = await person("unit_manager", units=("PS-D03",)).did(f"/orders/{order}/dispute", DISPUTE)
    assert (ruling["cause"], ruling["temporary_unit_code"]) == ("returned_too_often", "PS-S01")
    acting = (await house.orders(case_id))[-1]
    assert (acting.unit_code, acting.temporary, acting.state) == ("PS-S01", True, "dispatched")
    verdict = {
        "lead_unit_code": "PS-D01",
        "grounds": "公共区域垃圾清运由城管部门统筹",
        "words": ["垃圾"],
        "propose_row": True,
    }
    decided: dict[str, Any] = await person("ruling_panel").did(f"/rulings/{ruling['ruling_id']}/decision", verdict)
    return decided


async def test_a_ruling_is_a_precedent_that_later_dispatches_follow_and_cite(
    house: House, ruled: dict[str, Any], dispatcher: Person, person: People
) -> None:
    async with house.context.begin() as tx:
        await tx.rulebook.refresh(tx.connection)
    case_id = await house.submit()
    classified, _, dispatched = await house.emitted(case_id)
    assert dispatched.data.unit_code == "PS-D01"
    assert [reason.kind for reason in dispatched.data.reasons] == ["precedent"]
    assert any("PS26091400000177" in reason.text for reason in classified.data.reasons)
    shown = (await dispatcher.get(f"/desk/cases/{case_id}")).json()["precedents"]
    assert [one["ruling_id"] for one in shown] == [ruled["ruling_id"]]
    elsewhere = await house.submit(place=Place(area_code="440310002"))
    assert (await house.orders(elsewhere))[0].unit_code == "PS-S02"
    rows = (await person("ruling_panel").get("/rulings/proposed-rows")).json()
    assert rows["csv"] == "street_cleaning,440310001,PS-D01,,裁决 PS26091400000177"
    found = await dispatcher.get("/rulings/precedents", category_code="0101001", area_code="440310001001")
    assert [one["lead_unit_code"] for one in found.json()["items"]] == ["PS-D01"]
    house.context.parts["rulebook"].open(None)


async def test_returns_and_the_dispatchers_own_errors_are_counted_apart(
    house: House, ruled: dict[str, Any], dispatcher: Person
) -> None:
    del ruled
    wrong = await house.lead(await house.submit(place=Place(area_code="440310002")))
    await dispatcher.did(f"/orders/{wrong}/redispatch", {"unit_code": "PS-D03", "own_error": True})
    await house.submit(place=Place(area_code="440310003"))
    since, until = "2026-09-01T00:00:00Z", "2026-10-01T00:00:00Z"
    figures = (await dispatcher.get("/desk/dispatch-accuracy", since=since, until=until)).json()
    counted = {name: figures[name] for name in ("dispatched", "own_error", "returned", "ruled", "otherwise", "stayed")}
    assert counted == {"dispatched": 3, "own_error": 1, "returned": 1, "ruled": 0, "otherwise": 0, "stayed": 1}
    assert figures["rate"] == 0.3333


async def test_a_hazard_is_repaired_first_and_accounted_for_after(
    house: House, dispatcher: Person, reviewer: Person, person: People
) -> None:
    case_id = await house.submit(category_code=None, title="", text="路面塌陷了一个大坑，人行道塌了")
    lead = (await house.orders(case_id))[0]
    assert lead.urgent
    assert (await house.emitted(case_id))[2].data.urgent
    assert not (await dispatcher.get(f"/desk/cases/{case_id}")).json()["orders"][0]["photo_required"]
    people = person("unit_manager", "handler", units=(lead.unit_code,))
    for order in await house.orders(case_id):
        mine = person("unit_manager", "handler", units=(order.unit_code,))
        await mine.did(f"/orders/{order.order_id}/sign")
        await mine.did(f"/orders/{order.order_id}/resolve", DONE)
        await reviewer.did(f"/orders/{order.order_id}/review", APPROVED)
    await reviewer.did(f"/desk/cases/{case_id}/close", {})
    assert (await house.kinds(case_id))[-2:] == ["case.closed", "task.assigned"]
    [task] = (await people.get("/tasks", state="open")).json()["items"]
    assert (task["kind"], task["due_at"]) == ("account", None)
    await people.did(f"/tasks/{task['task_id']}/finding", {"outcome": "done", "note": "责任单位已确认承担费用"})


async def test_a_result_is_checked_on_the_spot_before_it_is_approved(
    house: House, unit: Person, reviewer: Person, person: People
) -> None:
    case_id = await house.submit()
    lead = await house.lead(case_id)
    await resolved(house, unit, case_id, lead)
    task = await reviewer.did(f"/desk/cases/{case_id}/tasks", {"kind": "check", "instruction": "看看是否清干净"})
    assert (task["unit_code"], task["outcomes"]) == ("PS-S01", ["passed", "failed"])
    waits = await reviewer.post(f"/orders/{lead}/review", APPROVED)
    assert waits.json()["type"] == "urn:huying:problem:tasks-not-done"
    grid = person("grid_officer", units=("PS-S01",))
    finding = {"outcome": "failed", "note": "仍有残留"}
    bare = await grid.post(f"/tasks/{task['task_id']}/finding", finding)
    assert bare.json()["type"] == "urn:huying:problem:photo-missing"
    photo = PhotoTaken(
        photo_id=new_id(),
        order_id=UUID(task["task_id"]),
        kind="near",
        sha256="ef" * 32,
        taken_at=house.clock.now(),
    )
    await house.told(case_id, photo)
    await grid.did(f"/tasks/{task['task_id']}/finding", {**finding, "photo_ids": [str(photo.photo_id)]})
    failed = await reviewer.post(f"/orders/{lead}/review", APPROVED)
    assert failed.json()["type"] == "urn:huying:problem:check-failed"
    await reviewer.did(f"/orders/{lead}/review", {"outcome": "send_back", "note": "现场仍有残留"})


async def test_some_requests_are_verified_on_the_spot_before_they_are_filed(
    house: House, dispatcher: Person, person: People
) -> None:
    case_id = await house.submit(category_code="0510002", text="楼下小店里面住了七八个人，还在里面做饭")
    assert await house.kinds(case_id) == ["case.classified", "task.assigned"]
    choice = {"category_code": "0510002"}
    early = await dispatcher.post(f"/desk/cases/{case_id}/classification", choice)
    assert early.json()["type"] == "urn:huying:problem:verification-pending"
    [task] = (await person("grid_officer", units=("PS-S01",)).get("/tasks")).json()["items"]
    stranger = await person("grid_officer", units=("PS-S02",)).get(f"/tasks/{task['task_id']}")
    assert stranger.status_code == 404
    await dispatcher.did(f"/tasks/{task['task_id']}/cancellation")
    await dispatcher.did(f"/desk/cases/{case_id}/classification", choice)
    guard = await dispatcher.did(f"/desk/cases/{case_id}/tasks", {"kind": "guard", "unit_code": "PS-S01"})
    await person("handler", units=("PS-S01",)).did(f"/tasks/{guard['task_id']}/finding", {"outcome": "done"})
    assert (await house.kinds(case_id))[-2:] == ["task.assigned", "task.done"]


async def test_a_termination_is_asked_for_refused_asked_again_and_approved_with_a_reason_for_the_citizen(
    house: House, unit: Person, dispatcher: Person
) -> None:
    case_id = await house.submit()
    lead = await house.lead(case_id)
    await unit.did(f"/orders/{lead}/sign")
    asked = {"reason_code": "matter_gone", "public_reason": "现场垃圾已由居民自行清理", "note": "两次到场"}
    shown = await unit.did(f"/orders/{lead}/termination", asked)
    assert (shown["state"], shown["ending"]["reason_zh"][:4]) == ("ending", "诉求事项")
    await dispatcher.did(f"/orders/{lead}/termination/decision", {"outcome": "reject", "note": "请再到现场核实"})
    assert (await house.orders(case_id))[0].state == "signed"
    await unit.did(f"/orders/{lead}/termination", asked)
    await dispatcher.did(f"/orders/{lead}/termination/decision", {"outcome": "approve", "note": "同意"})
    closed = (await house.emitted(case_id))[-1].data
    assert (closed.outcome, closed.public_reason) == (
        "terminated",
        "诉求事项已不存在，无需继续办理。现场垃圾已由居民自行清理",
    )


async def test_praise_is_known_and_a_suggestion_adopted(house: House, unit: Person) -> None:
    praise = await house.submit(type_code="praise", text="感谢环卫工人把巷口的垃圾清得干干净净")
    await unit.did(f"/orders/{await house.lead(praise)}/acknowledgement")
    assert (await house.kinds(praise))[-2:] == ["order.signed", "case.closed"]
    assert (await house.emitted(praise))[-1].data.outcome == "praised"
    idea = await house.submit(type_code="suggestion", text="建议在巷口多放两个垃圾桶")
    lead = await house.lead(idea)
    await unit.did(f"/orders/{lead}/sign")
    sent = await unit.post(f"/orders/{lead}/resolve", DONE)
    assert sent.status_code == 409
    await unit.did(f"/orders/{lead}/progress", {"public_note": "正在研究增设点位"})
    reply = {"outcome": "adopt", "public_reply": "已采纳，本周内增设两个垃圾桶"}
    await unit.did(f"/orders/{lead}/conclusion", reply)
    said = await house.emitted(idea)
    assert [event.type for event in said[-3:]] == [
        "order.resolved.v1",
        "case.replied.v1",
        "case.closed.v1",
    ]
    assert said[-1].data.outcome == "adopted"


async def test_everything_beside_an_order_is_in_the_log_and_survives_a_reload(
    house: House, dispatcher: Person, ruled: dict[str, Any]
) -> None:
    case_id = UUID(ruled["case_id"])
    assert [one for one in await log_of(dispatcher, case_id) if one in {"dispute", "rule"}] == ["dispute", "rule"]
    case = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert case["log_broken_at"] is None
    assert case["rulings"] == [(await dispatcher.get(f"/rulings/{ruled['ruling_id']}")).json()]
    assert submitted().case_no
