"""What citizens add at the real desk: more words, an urge, a withdrawal; and what the desk does not accept."""

from typing import Any

import pytest

from contracts.events.intake import Attachment, CaseSupplemented, CaseUrged, CaseWithdrawn, CitizenErased, Place
from services.router import feed
from shared.ids import new_id
from tests.integration.router.desk import START, House, Person


def more_words(text: str = "今天又多了两堆", **more: Any) -> CaseSupplemented:
    values = {"supplement_id": new_id(), "by": "citizen", "channel_code": "wechat_pingshan", "received_at": START}
    return CaseSupplemented(**values, text=text, **more)


def urged(times: int = 1) -> CaseUrged:
    return CaseUrged(urge_id=new_id(), by="citizen", channel_code="hotline_12345", times=times, received_at=START)


def withdrawn() -> CaseWithdrawn:
    return CaseWithdrawn(by="citizen", reason_code="solved", received_at=START)


async def told_to(house: House, unit: str) -> list[dict[str, Any]]:
    async with house.context.begin() as tx:
        return [feed.message(entry) for entry in await feed.after(tx.connection, unit, 0, 100)]


async def test_more_words_reach_the_desk_the_unit_and_the_units_systems(
    house: House, dispatcher: Person, unit: Person
) -> None:
    case_id = await house.submit()
    photo = Attachment(attachment_id=new_id(), sha256="ab" * 32, media_type="image/jpeg", width=8, height=8)
    await house.told(case_id, more_words(attachments=(photo,)))
    for person in (dispatcher, unit):
        seen = (await person.get(f"/desk/cases/{case_id}")).json()
        assert [one["text"] for one in seen["supplements"]] == ["今天又多了两堆"]
        assert (seen["marks"], len(seen["supplements"][0]["attachments"])) == (["supplemented"], 1)
    order = (await unit.get(f"/orders/{await house.lead(case_id)}")).json()
    assert (order["supplements"], order["marks"]) == (1, ["supplemented"])
    last = (await told_to(house, "PS-S01"))[-1]
    assert (last["event"]["type"], last["event"]["data"]["text"]) == ("huying.case.supplemented.v1", "今天又多了两堆")
    assert last["order"]["order_id"] == str(await house.lead(case_id))


async def test_an_urge_is_counted_marked_and_told_to_the_unit(house: House, dispatcher: Person) -> None:
    case_id = await house.submit()
    await house.submit(case_no="PS26091400000285")
    await house.told(case_id, urged(), urged(2))
    seen = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert (seen["urges"], seen["marks"]) == (2, ["urged"])
    listed = (await dispatcher.get("/desk/cases", mark="urged")).json()["items"]
    assert [one["case_id"] for one in listed] == [str(case_id)]
    kinds = [one["event"]["type"] for one in await told_to(house, "PS-S01")]
    assert kinds.count("huying.case.urged.v1") == 2


async def test_a_withdrawn_case_ends_with_its_orders(house: House, dispatcher: Person, unit: Person) -> None:
    case_id = await house.submit()
    await house.told(case_id, withdrawn())
    assert (await house.kinds(case_id))[-2:] == ["order.cancelled", "case.closed"]
    assert (await house.emitted(case_id))[-1].data.outcome == "withdrawn"
    assert (await unit.get("/orders", state="dispatched")).json()["items"] == []
    again = await dispatcher.did(f"/desk/cases/{case_id}/reopen")
    assert (again["state"], again["orders"][-1]["state"]) == ("handling", "dispatched")


async def test_a_danger_is_not_withdrawn_and_the_desk_is_told(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(
        title="井盖缺失", text="路口井盖缺失，有人险些掉下去，存在安全隐患", category_code=None
    )
    tags = {row.tag for row in await house.rows("SELECT tag FROM case_tags WHERE case_id = :case", case=case_id)}
    assert tags & {"hazard", "repair_first"}
    await house.told(case_id, withdrawn())
    seen = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert (seen["state"] != "closed", seen["marks"]) == (True, ["withdrawal_asked"])
    assert [entry["action"] for entry in seen["log"]][-1] == "withdrawal_kept"


async def test_the_words_added_to_an_erased_citizens_case_go_with_it(house: House) -> None:
    citizen = new_id()
    case_id = await house.submit(citizen_id=citizen)
    await house.told(case_id, more_words(), withdrawn())
    await house.say(citizen, CitizenErased(citizen_id=citizen), loose=True)
    await house.hear()
    assert [row.text for row in await house.rows("SELECT text FROM supplements")] == [""]
    assert await house.rows("SELECT * FROM signatures WHERE case_id = :case", case=case_id) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("六联社区一栋居民楼着火了，有人被困在五楼", ["119"]),
        ("公园门口有人持刀正在打架，快来人", ["110"]),
        ("老人晕倒在路边叫不醒，没有呼吸", ["120"]),
    ],
)
async def test_a_present_danger_is_handed_over_the_moment_it_comes_in(
    house: House, dispatcher: Person, text: str, numbers: list[str]
) -> None:
    case_id = await house.submit(title="", text=text, category_code=None, type_code="help", place=Place())
    assert await house.kinds(case_id) == ["case.not_accepted", "case.closed"]
    refused = (await house.emitted(case_id))[0].data
    assert (refused.reason_code, refused.handed_over) == ("emergency", True)
    assert all(number in refused.public_reason and number in refused.right_channel for number in numbers)
    back = await dispatcher.did(f"/desk/cases/{case_id}/reopen")
    assert (back["state"], back["closing_reason_code"]) == ("queued", None)


@pytest.mark.parametrize(
    "text",
    [
        "去年我们楼着火了，现在消防通道还是被占",
        "建议增加消防设施，万一起火了没法救",
        "小区里经常有人打架，多次报警",
        "请问被车撞受伤了怎么申请赔偿",
    ],
)
async def test_what_was_is_feared_or_lasts_is_no_emergency(house: House, text: str) -> None:
    case_id = await house.submit(title="", text=text, category_code=None)
    assert "case.not_accepted" not in await house.kinds(case_id)


async def test_what_is_not_accepted_names_its_reason_and_the_right_channel(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(title="", text="请帮我看看这件事", category_code=None)
    reasons = (await dispatcher.get("/desk/reasons")).json()["not_accepted"]
    assert all(one["public_reason"] and one["right_channel"] for one in reasons)
    await dispatcher.did(f"/desk/cases/{case_id}/close", {"reason_code": "discipline"})
    said = (await house.emitted(case_id))[-2]
    assert said.type == "case.not_accepted.v1"
    assert "12388" in said.data.right_channel
    assert not said.data.handed_over


async def test_a_flawed_reply_is_refused_with_the_words_and_may_pass_with_a_reason_where_its_rule_allows(
    house: House, unit: Person, reviewer: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    draft = "垃圾已清运，但巷口不属于我街道管辖范围。"
    tried = await unit.did(f"/orders/{order}/reply-check", {"public_reply": draft})
    assert (tried["sendable"], [one["rule"] for one in tried["findings"]]) == (False, ["blame"])
    photo = await house.photo(case_id, order)
    await unit.did(f"/orders/{order}/resolve", {"public_reply": draft, "photo_ids": [str(photo)]})
    refused = await reviewer.post(f"/orders/{order}/review", {"outcome": "approve", "closing_condition_met": True})
    assert refused.status_code == 409
    [found] = refused.json()["findings"]
    assert (found["rule"], found["words"][0][:6], refused.json()["may_override"]) == ("blame", "不属于我街道", True)
    reason = "确属相邻街道辖区，已说明"
    await reviewer.did(
        f"/orders/{order}/review", {"outcome": "approve", "override_reason": reason, "closing_condition_met": True}
    )
    assert (await house.kinds(case_id))[-1] == "case.replied"
    log = await house.rows("SELECT action, facts FROM case_log WHERE case_id = :case ORDER BY seq", case=case_id)
    passed = next(row.facts for row in log if row.action == "reply_passed")
    assert passed["rules"] == ["blame"]


async def test_personal_data_in_a_reply_passes_with_no_reason_at_all(
    house: House, unit: Person, reviewer: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    photo = await house.photo(case_id, order)
    reply = "巷口垃圾已清运，联系人手机13800138000。"
    await unit.did(f"/orders/{order}/resolve", {"public_reply": reply, "photo_ids": [str(photo)]})
    body = {"outcome": "approve", "override_reason": "已征得同意", "closing_condition_met": True}
    refused = await reviewer.post(f"/orders/{order}/review", body)
    assert (refused.status_code, refused.json()["may_override"]) == (409, False)
    sent_back = await reviewer.did(f"/orders/{order}/review", {"outcome": "send_back", "note": "请删除手机号"})
    assert sent_back["state"] == "reworking"
