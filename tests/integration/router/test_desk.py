"""The desk's doors: the queue, returns, who sees what, and what a stale view is told."""

import asyncio
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import GARBAGE, House, Person

VAGUE = {"category_code": None, "type_code": None, "title": "", "text": "事情就是这样，希望能够重视一下，给个说法"}
NONSENSE = {"category_code": None, "type_code": None, "title": "", "text": "测试一下"}


async def test_what_no_rule_can_decide_waits_with_its_candidates_and_reasons(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(**VAGUE)
    assert await house.kinds(case_id) == ["case.classified"]
    said = (await house.emitted(case_id))[0].data
    assert said.queued
    assert said.category_code is None
    page = (await dispatcher.get("/desk/queue")).json()
    assert [line["case_id"] for line in page["items"]] == [str(case_id)]
    assert len(page["items"][0]["candidates"]) <= 5
    assert page["items"][0]["reasons"]


async def test_the_dispatchers_choice_files_and_dispatches(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(**VAGUE)
    view = await dispatcher.did(
        f"/desk/cases/{case_id}/classification", {"category_code": GARBAGE, "area_code": "440310002"}
    )
    assert view["state"] == "handling"
    assert [order["unit_code"] for order in view["orders"]] == ["PS-S02"]
    said = await house.emitted(case_id)
    assert [event.type for event in said[1:]] == ["case.classified.v1", "case.filed.v1", "order.dispatched.v1"]
    assert said[1].data.method == "dispatcher"
    assert (await dispatcher.get("/desk/queue")).json()["items"] == []


async def test_the_dispatcher_may_name_the_units(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(**VAGUE)
    choice = {"category_code": GARBAGE, "lead_unit_code": "PS-D01", "co_unit_codes": ["PS-S03", "PS-D01"]}
    await dispatcher.did(f"/desk/cases/{case_id}/classification", choice)
    orders = await house.orders(case_id)
    assert [(order.role, order.unit_code) for order in orders] == [("lead", "PS-D01"), ("co", "PS-S03")]


async def test_a_choice_outside_the_catalogue_names_the_field_and_changes_nothing(
    house: House, dispatcher: Person
) -> None:
    case_id = await house.submit(**VAGUE)
    answer = await dispatcher.post(f"/desk/cases/{case_id}/classification", {"category_code": "9999999"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/category_code"
    assert await house.kinds(case_id) == ["case.classified"]


async def test_nonsense_is_closed_with_a_reason_from_the_list(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(**NONSENSE)
    refused = await dispatcher.post(f"/desk/cases/{case_id}/close", {"reason_code": "because"})
    assert refused.json()["type"] == "urn:huying:problem:reason-unknown"
    view = await dispatcher.did(f"/desk/cases/{case_id}/close", {"reason_code": "no_content"})
    assert (view["outcome"], view["closing_reason_code"]) == ("not_accepted", "no_content")
    assert (await house.emitted(case_id))[-1].data.outcome == "not_accepted"


async def test_praise_takes_its_own_short_process_to_its_unit(house: House) -> None:
    case_id = await house.submit(type_code="praise", text="感谢环卫工人把巷口的垃圾清得干干净净")
    filed = (await house.emitted(case_id))[1].data
    assert (filed.process_code, filed.photo_required) == ("praise", False)


async def test_a_return_is_agreed_to_by_sending_the_order_to_another_unit(
    house: House, unit: Person, dispatcher: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/return", {"reason_code": "wrong_area", "legal_basis": "该处位于马峦街道辖区"})
    waiting = (await dispatcher.get("/desk/returns")).json()["items"]
    assert [(line["order_id"], line["reason_zh"]) for line in waiting] == [(str(order), "属地不符")]
    moved = await dispatcher.did(f"/orders/{order}/redispatch", {"unit_code": "PS-S02"})
    assert (moved["unit_code"], moved["state"]) == ("PS-S02", "dispatched")
    returned, disputed, redispatched, dispatched, settled = (await house.emitted(case_id))[-5:]
    assert returned.type == "order.returned.v1"
    assert (disputed.data.added, settled.data.removed) == (("return_disputed",), ("return_disputed",))
    assert redispatched.data.new_order_id == dispatched.data.order_id == UUID(moved["order_id"])
    assert (await unit.get(f"/orders/{order}")).status_code == 404
    assert (await unit.get("/orders")).json()["items"] == []


async def test_a_refused_return_goes_on_where_it_was_and_cannot_be_tried_again(
    house: House, unit: Person, dispatcher: Person
) -> None:
    order = await house.lead(await house.submit())
    await unit.did(f"/orders/{order}/sign")
    back = {"reason_code": "wrong_duty", "legal_basis": "不属于本单位职责"}
    await unit.did(f"/orders/{order}/return", back)
    kept = await dispatcher.did(f"/orders/{order}/return/rejection", {"note": "目录已明确由街道处置"})
    assert kept["state"] == "signed"
    again = await unit.post(f"/orders/{order}/return", back)
    assert (again.status_code, again.json()["type"]) == (409, "urn:huying:problem:return-cap-reached")


async def test_a_return_after_its_window_is_refused(house: House, unit: Person) -> None:
    order = await house.lead(await house.submit())
    house.clock.advance(days=3)
    answer = await unit.post(f"/orders/{order}/return", {"reason_code": "wrong_area", "legal_basis": "辖区不符"})
    assert answer.json()["type"] == "urn:huying:problem:return-window-over"


async def test_a_dispatchers_own_error_is_marked(house: House, dispatcher: Person) -> None:
    case_id = await house.submit()
    await dispatcher.did(f"/orders/{await house.lead(case_id)}/redispatch", {"unit_code": "PS-D01", "own_error": True})
    assert (await house.emitted(case_id))[-2].data.own_error


async def test_another_unit_neither_sees_nor_signs_the_order(house: House, person: People) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    stranger = person("unit_manager", "handler", units=("PS-S02",))
    assert (await stranger.get(f"/orders/{order}")).status_code == 404
    assert (await stranger.post(f"/orders/{order}/sign")).status_code == 404
    assert (await stranger.get(f"/desk/cases/{case_id}")).status_code == 404
    assert (await stranger.get("/orders", unit="PS-S01")).status_code == 403
    assert (await person("admin").get(f"/orders/{order}")).status_code == 403


async def test_the_desk_sees_an_order_but_does_not_do_the_units_work(house: House, dispatcher: Person) -> None:
    order = await house.lead(await house.submit())
    answer = await dispatcher.post(f"/orders/{order}/sign")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:huying:problem:role-missing")


async def test_of_two_who_sign_at_once_one_is_too_late(house: House, unit: Person) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    answers = await asyncio.gather(*(unit.post(f"/orders/{order}/sign") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await house.kinds(case_id)).count("order.signed") == 1


async def test_the_accused_unit_is_passed_over_and_learns_nothing(
    house: House, unit: Person, dispatcher: Person, person: People
) -> None:
    case_id = await house.submit(accused_unit_code="PS-S01")
    assert [order.unit_code for order in await house.orders(case_id)] == ["PS-C00"]
    party = person("dispatcher", "unit_manager", units=("PS-S01",))
    for somebody in (unit, party):
        assert (await somebody.get(f"/desk/cases/{case_id}")).status_code == 404
        assert (await somebody.get("/desk/cases")).json()["items"] == []
        assert (await somebody.get("/orders")).json()["items"] == []
    dispatched = (await house.emitted(case_id))[-1].data
    assert "坪山街道" not in str(dispatched.reasons)
    order = await house.lead(case_id)
    answer = await dispatcher.post(f"/orders/{order}/redispatch", {"unit_code": "PS-S01"})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:huying:problem:unit-is-party")


async def test_a_confidential_case_shows_its_unit_only_what_the_work_needs(
    house: House, unit: Person, dispatcher: Person
) -> None:
    case_id = await house.submit(confidential=True)
    theirs = (await unit.get(f"/desk/cases/{case_id}")).json()
    assert theirs["text"]
    assert (theirs["channel_code"], theirs["log"], theirs["reasons"]) == (None, [], [])
    ours = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert (ours["channel_code"], len(ours["log"])) == ("wechat_pingshan", 3)


async def test_who_acts_on_a_stale_view_is_told_what_has_changed(house: House, unit: Person, person: People) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    seen = (await unit.get(f"/orders/{order}")).headers["etag"]
    colleague = person("handler", units=("PS-S01",))
    await colleague.did(f"/orders/{order}/sign", **{"If-Match": seen})
    answer = await unit.post(f"/orders/{order}/contact", {"method": "phone"}, **{"If-Match": seen})
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:huying:problem:stale")
    assert [change["action"] for change in answer.json()["changed"]] == ["sign"]
    fresh = (await unit.get(f"/orders/{order}")).headers["etag"]
    assert (await unit.post(f"/orders/{order}/contact", {"method": "phone"}, **{"If-Match": fresh})).is_success
    odd = await unit.post(f"/orders/{order}/contact", {"method": "phone"}, **{"If-Match": "yesterday"})
    assert odd.status_code == 422


async def test_a_result_without_its_photo_is_refused(house: House, unit: Person) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    result = {"public_reply": "已处理", "photo_ids": []}
    bare = await unit.post(f"/orders/{order}/resolve", result)
    assert bare.json()["type"] == "urn:huying:problem:photo-missing"
    await house.photo(case_id, order)
    foreign = await unit.post(f"/orders/{order}/resolve", {**result, "photo_ids": [str(new_id())]})
    assert (foreign.status_code, foreign.headers["retry-after"]) == (409, "1")


async def test_a_progress_note_sent_twice_under_one_key_is_told_once(house: House, unit: Person) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    note = {"public_note": "已安排清运车辆", "internal_note": "三号车"}
    for _ in range(2):
        await unit.did(f"/orders/{order}/progress", note, **{"Idempotency-Key": "a-1"})
    assert (await house.kinds(case_id)).count("order.progressed") == 1
    other = await unit.post(f"/orders/{order}/progress", {"public_note": "另一条"}, **{"Idempotency-Key": "a-1"})
    assert other.json()["type"] == "urn:huying:problem:key-reused"


async def test_an_internal_note_is_no_news(house: House, unit: Person) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    await unit.did(f"/orders/{order}/progress", {"internal_note": "等待车辆"})
    assert "order.progressed" not in await house.kinds(case_id)


async def test_the_future_and_the_time_before_the_order_are_no_times_of_contact(house: House, unit: Person) -> None:
    order = await house.lead(await house.submit())
    await unit.did(f"/orders/{order}/sign")
    for at in ("2026-09-14T02:00:01Z", "2026-09-14T01:59:59Z"):
        answer = await unit.post(f"/orders/{order}/contact", {"method": "phone", "at": at})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/at")


async def test_every_view_says_what_may_be_done_and_why_not(house: House, unit: Person) -> None:
    order = await house.lead(await house.submit())
    view = (await unit.get(f"/orders/{order}")).json()
    actions = {(one["action"], one["outcome"]): one for one in view["allowed_actions"]}
    assert actions["sign", None]["allowed"]
    assert actions["resolve", None]["allowed"] is False
    assert actions["resolve", None]["reason_zh"] == "当前状态不能进行此操作"
    assert actions["redispatch", None]["reason_zh"] == "您的岗位不能进行此操作"


async def test_the_log_is_a_chain_that_nobody_rewrites(house: House, unit: Person, dispatcher: Person) -> None:
    case_id = await house.submit()
    await unit.did(f"/orders/{await house.lead(case_id)}/sign")
    view = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert [entry["action"] for entry in view["log"]] == ["classify", "dispatch", "sign"]
    assert view["log_broken_at"] is None
    with pytest.raises(Exception, match="append-only"):
        await house.rows("UPDATE case_log SET actor = 'nobody' RETURNING 1")
    async with house.context.begin() as tx:
        await tx.connection.execute(text("ALTER TABLE case_log DISABLE TRIGGER ALL"))
    await house.rows("UPDATE case_log SET actor = 'nobody' WHERE seq = 2 RETURNING 1")
    assert (await dispatcher.get(f"/desk/cases/{case_id}")).json()["log_broken_at"] == 2


async def test_a_state_that_is_none_is_refused(unit: Person) -> None:
    refused = await unit.get("/orders", state="nonsense")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "query/state"
    assert (await unit.get("/orders", state="signed")).status_code == 200


async def test_cases_are_listed_newest_first_in_pages(house: House, dispatcher: Person) -> None:
    made = [await house.submit() for _ in range(3)]
    first = (await dispatcher.get("/desk/cases", limit=2, state="handling")).json()
    second = (await dispatcher.get("/desk/cases", limit=2, after=first["next"])).json()
    seen = [line["case_id"] for line in first["items"] + second["items"]]
    assert seen == [str(case) for case in reversed(made)]
    assert second["next"] is None
