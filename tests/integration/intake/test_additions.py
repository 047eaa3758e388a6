"""What may be added to a case: by whom, how often, until when, and what the others hear of it."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.events.router import CaseClosed, CaseReopened
from services.intake import consumers
from services.intake.additions.rules import AdditionRules
from shared.cloudevents import Envelope
from tests.integration.intake.conftest import HOTLINE, House, call

LATER = {"text": "今天又掉了一块，请打13812345678"}


async def submitted(house: House, headers: dict[str, str]) -> dict[str, Any]:
    answer = await house.http.post("/v1/cases", json={"text": "路口井盖破损"}, headers=headers)
    receipt: dict[str, Any] = answer.json()
    return receipt


async def called(house: House) -> tuple[dict[str, Any], dict[str, str]]:
    receipt = (await house.http.post("/v1/calls", json=call(), headers=HOTLINE)).json()
    return receipt, {"X-Lookup-Code": receipt["look_up_code"]}


async def add(house: House, receipt: dict[str, Any], what: str, headers: dict[str, str], body: Any = None) -> Any:
    given = {} if body is None else {"json": body}
    return await house.http.post(f"/v1/cases/{receipt['case_no']}/{what}", headers=headers, **given)


async def said(house: House, *kinds: str) -> list[dict[str, Any]]:
    events = await house.events("case.%")
    return [event for event in events if event["type"].removeprefix("huying.") in kinds]


async def desk_says(house: House, receipt: dict[str, Any], event: CaseClosed | CaseReopened) -> None:
    now = house.clock.now()
    envelope = Envelope.of(event, case_id=UUID(receipt["case_id"]), sequence=1, now=now)
    async with house.context.begin() as tx:
        if isinstance(event, CaseClosed):
            await consumers.on_case_closed(tx, envelope, now)
        else:
            await consumers.on_case_taken_up_again(tx, envelope, now)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].rpartition(":")[2]


async def test_its_citizen_urges_supplements_and_withdraws_and_every_word_has_its_place_in_the_order(
    house: House,
) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    photo = (await house.upload(lin)).json()["attachment_id"]
    urge = await add(house, receipt, "urges", lin)
    more = await add(house, receipt, "supplements", lin, {**LATER, "attachments": [photo]})
    gone = await add(house, receipt, "withdrawal", lin, {"reason_code": "solved"})
    assert [answer.status_code for answer in (urge, more, gone)] == [201, 201, 201], more.text
    events = await house.events("case.%")
    assert [(event["type"], event["sequence"]) for event in events] == [
        ("huying.case.submitted.v1", 1),
        ("huying.case.urged.v1", 2),
        ("huying.case.supplemented.v1", 3),
        ("huying.case.withdrawn.v1", 4),
    ]
    assert events[1]["data"]["times"] == 1
    assert events[2]["data"]["text"] == "今天又掉了一块，请打〔电话〕"
    assert [one["attachment_id"] for one in events[2]["data"]["attachments"]] == [photo]
    assert events[3]["data"]["reason_code"] == "solved"
    mine = (await house.http.get(f"/v1/cases/{receipt['case_no']}", headers=lin)).json()
    assert [one["text"] for one in mine["supplements"]] == [LATER["text"]]
    assert [one["attachment_id"] for one in mine["attachments"]] == [photo]


async def test_a_caller_adds_with_number_and_code_or_through_the_operator(house: House) -> None:
    receipt, code = await called(house)
    operator = house.token("staff", "op1", "operator")
    assert (await add(house, receipt, "supplements", code, {"text": "在三号楼下"})).status_code == 201
    assert (await add(house, receipt, "supplements", operator, {"text": "来电补充：靠近南门"})).status_code == 201
    heard = await said(house, "case.supplemented.v1")
    assert [(one["data"]["by"], one["data"]["channel_code"]) for one in heard] == [
        ("citizen", "hotline_12345"),
        ("operator", "hotline_12345"),
    ]


async def test_nobody_else_adds_and_a_stranger_learns_nothing(house: House) -> None:
    lin, other = await house.citizen("lin"), await house.citizen("other")
    receipt = await submitted(house, lin)
    unknown = {**receipt, "case_no": (await submitted(house, other))["case_no"]}
    answers = [
        await add(house, receipt, "urges", other),
        await add(house, receipt, "urges", {"X-Lookup-Code": "AAAAAAAA"}),
        await add(house, unknown, "urges", {"X-Lookup-Code": receipt["look_up_code"]}),
    ]
    assert {refusal(answer) for answer in answers} == {(404, "no-such-case")}
    assert len({answer.text for answer in answers}) == 1
    assert (await add(house, receipt, "urges", {})).status_code == 401
    assert (await add(house, receipt, "urges", house.token("staff", "x", "handler"))).status_code == 403
    assert await said(house, "case.urged.v1") == []


async def test_wrong_codes_close_the_number_for_codes_but_not_for_its_citizen(house: House) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    most = house.parts.additions.guesses.per_address
    for _ in range(most):
        assert (await add(house, receipt, "urges", {"X-Lookup-Code": "AAAAAAAA"})).status_code == 404
    right = await add(house, receipt, "urges", {"X-Lookup-Code": receipt["look_up_code"]})
    assert refusal(right) == (429, "too-many-guesses")
    assert int(right.headers["Retry-After"]) > 0
    assert (await add(house, receipt, "urges", lin)).status_code == 201


async def test_a_case_is_urged_once_a_day_in_shenzhen(house: House) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    await add(house, receipt, "urges", lin)
    house.clock.advance(hours=7)  # 23:00 in Shenzhen
    again = await add(house, receipt, "urges", lin)
    assert refusal(again) == (429, "urged-already")
    assert again.headers["Retry-After"] == "3601"
    house.clock.advance(seconds=3601)
    assert (await add(house, receipt, "urges", lin)).json()["times"] == 2


async def test_the_same_key_gets_the_first_answer_and_adds_nothing(house: House) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    keyed = {**lin, "Idempotency-Key": "0123456789"}
    first = await add(house, receipt, "urges", keyed)
    second = await add(house, receipt, "urges", keyed)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    assert len(await said(house, "case.urged.v1")) == 1
    await add(house, receipt, "supplements", keyed, {"text": "还在漏水"})
    other = await add(house, receipt, "supplements", keyed, {"text": "不漏了"})
    assert refusal(other) == (409, "idempotency-key-reused")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [("satisfied", "重新提交诉求"), ("withdrawn", "已按您的申请撤回"), ("not_accepted", "按告知的渠道办理")],
)
async def test_after_the_end_one_is_told_what_is_possible_instead(house: House, outcome: Any, words: str) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    await desk_says(house, receipt, CaseClosed(outcome=outcome, round=1))
    for what, body in (("urges", None), ("supplements", LATER), ("withdrawal", {"reason_code": "solved"})):
        answer = await add(house, receipt, what, lin, body)
        assert refusal(answer) == (409, "case-has-ended")
        assert words in answer.json()["title_zh"]
    await desk_says(house, receipt, CaseReopened(round=2))
    assert (await add(house, receipt, "urges", lin)).status_code == 201


async def test_a_case_is_withdrawn_once_and_for_a_reason_there_is(house: House) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    reasons = (await house.http.get("/v1/cases/withdrawal-reasons")).json()["items"]
    assert {"code": "solved", "zh": "问题已经解决"} in reasons
    strange = await add(house, receipt, "withdrawal", lin, {"reason_code": "boredom"})
    assert refusal(strange) == (422, "unknown-withdrawal-reason")
    await add(house, receipt, "withdrawal", lin, {"reason_code": "mistaken"})
    assert refusal(await add(house, receipt, "withdrawal", lin, {"reason_code": "solved"})) == (
        409,
        "withdrawn-already",
    )


async def test_a_photo_of_somebody_else_or_used_before_is_refused_at_its_place(house: House) -> None:
    lin, other = await house.citizen("lin"), await house.citizen("other")
    receipt = await submitted(house, lin)
    mine, theirs = [(await house.upload(who)).json()["attachment_id"] for who in (lin, other)]
    answer = await add(house, receipt, "supplements", lin, {"text": "见照片", "attachments": [mine, theirs]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/attachments/1"
    assert (await add(house, receipt, "supplements", lin, {"text": "见照片", "attachments": [mine]})).status_code == 201


async def test_who_is_forgotten_leaves_supplements_with_numbers_masked(house: House) -> None:
    lin = await house.citizen("lin")
    receipt = await submitted(house, lin)
    await add(house, receipt, "supplements", lin, LATER)
    await house.http.delete("/v1/sessions/person", headers=lin)
    [row] = await house.rows("SELECT text, payload, actor FROM additions")
    assert (row.text, row.payload, row.actor) == ("今天又掉了一块，请打〔电话〕", None, "")


def test_the_shipped_rules_can_be_read() -> None:
    rules = AdditionRules.shipped()
    assert rules.urge.most == 1
    assert {reason.code for reason in rules.withdrawal_reasons} >= {"solved", "mistaken"}
