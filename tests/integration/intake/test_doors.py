"""Each door takes what its people send and answers with a number; all of it becomes one schema and one event."""

from contracts.numbers import code_matches, parse_case_number
from services.intake.parts import Parts
from shared.vault import Cell, unseal
from tests.integration.intake.conftest import HOTLINE, NOW, SEALING, call

PERSONAL = ("13812345678", "138-1234-5678", "张三", "440307199003072316", "li@example.com", "demo-lin")


def assert_receipt(answer):
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert set(receipt) == {"case_id", "case_no", "look_up_code", "status", "links"}
    assert receipt["status"]["key"] == "submitted"
    assert receipt["status"]["label"] == "已提交，待受理"
    assert parse_case_number(receipt["case_no"], prefix="PS") == receipt["case_no"]
    return receipt


async def test_a_citizen_submits_from_the_mini_program(house):
    lin = await house.citizen("lin")
    body = {
        "title": "井盖破损",
        "text": "路口井盖破损，请打 138-1234-5678 联系",
        "type_code": "complaint",
        "category_code": "0101001",
        "place": {
            "address": "坪山大道 1 号",
            "area_code": "440310001",
            "position": {"lat": 22.69, "lon": 114.34, "system": "gcj02"},
        },
        "occurred_at": "2026-03-02T09:00:00+08:00",
    }
    receipt = assert_receipt(await house.http.post("/v1/cases", json=body, headers=lin))
    [event] = await house.events("case.submitted.v1")
    data = event["data"]
    assert (event["sequence"], event["subject"], event["source"]) == (1, receipt["case_id"], "/intake")
    assert (data["channel_code"], data["origin_channel_code"]) == ("wechat_pingshan", "wechat_pingshan")
    assert data["text"] == "路口井盖破损，请打 〔电话〕 联系"
    assert data["place"]["latitude"] == 22.69
    assert data["occurred_at"] == "2026-03-02T01:00:00Z"
    assert code_matches(
        receipt["look_up_code"],
        bytes.fromhex(data["look_up_hash"]),
        receipt["case_no"],
        Parts.of(house.context).claim_key,
    )
    mine = await house.http.get(f"/v1/cases/{receipt['case_no']}", headers=lin)
    assert mine.status_code == 200
    assert mine.json()["text"] == body["text"]
    assert mine.json()["place"]["address"] == "坪山大道 1 号"


async def test_a_call_is_written_down_by_the_platform_or_an_operator(house):
    by_key = assert_receipt(await house.http.post("/v1/calls", json=call(), headers=HOTLINE))
    operator = house.token("staff", "op1", "operator")
    old = call(call_id="C-2", channel="环保热线", received_at="2026-03-01T10:00:00+08:00")
    by_hand = assert_receipt(await house.http.post("/v1/calls", json=old, headers=operator))
    assert by_key["case_no"] != by_hand["case_no"]
    first, second = await house.events("case.submitted.v1")
    assert first["data"]["citizen_id"] == second["data"]["citizen_id"] is not None
    assert (second["data"]["channel_code"], second["data"]["origin_channel_code"]) == ("hotline_12345", "hotline_12369")
    assert second["data"]["received_at"] == "2026-03-01T02:00:00Z"
    [contact] = await house.events("contact.changed.v1")
    opened = unseal(contact["data"]["sealed"], SEALING.as_dict(private=True))
    assert opened == {"citizen_id": first["data"]["citizen_id"], "phone": "13812345678"}


async def test_a_letter_needs_no_login_and_no_name(house):
    nameless = assert_receipt(await house.http.post("/v1/letters", json={"text": "公园晚上太暗了"}))
    named = {"text": "建议增设路灯", "sender": {"name": "李四", "phone": "0755-28881234", "mail": "li@example.com"}}
    assert_receipt(await house.http.post("/v1/letters", json=named))
    first, second = await house.events("case.submitted.v1")
    assert first["subject"] == nameless["case_id"]
    assert first["data"]["citizen_id"] is None
    assert second["data"]["citizen_id"] is not None
    assert first["data"]["channel_code"] == "leader_mailbox"


async def test_a_letter_claiming_a_callers_phone_is_not_taken_for_the_caller(house):
    """INVARIANT: what nobody has checked is never put beside what the network has vouched for."""
    await house.http.post("/v1/calls", json=call(), headers=HOTLINE)
    forged = {"text": "冒用他人电话的来信", "sender": {"phone": "13812345678", "mail": "spy@example.com"}}
    await house.http.post("/v1/letters", json=forged)
    await house.http.post("/v1/letters", json=forged)
    a, b, c = [event["data"]["citizen_id"] for event in await house.events("case.submitted.v1")]
    assert a != b == c


async def test_nothing_personal_is_in_any_event(house):
    lin = await house.citizen("lin")
    text = "我是住户，身份证 440307199003072316，电话13812345678，邮箱 li@example.com"
    await house.http.post("/v1/cases", json={"text": text, "title": "请回电138-1234-5678"}, headers=lin)
    await house.http.post("/v1/calls", json=call(text=text), headers=HOTLINE)
    sender = {"name": "张三", "phone": "13812345678", "mail": "li@example.com"}
    await house.http.post("/v1/letters", json={"text": text, "sender": sender})
    bodies = [bytes(row.body).decode() for row in await house.rows("SELECT body FROM outbox")]
    assert len(bodies) == 6
    for body in bodies:
        assert not [word for word in PERSONAL if word in body]


async def test_nothing_personal_is_in_clear_in_any_table(house):
    sender = {"name": "张三", "phone": "13812345678", "mail": "li@example.com"}
    await house.http.post("/v1/letters", json={"text": "请打13812345678", "sender": sender})
    await house.http.post("/v1/calls", json=call(), headers=HOTLINE)
    await house.citizen("lin")
    for table in ("cases", "raw_payloads", "persons", "idempotency_keys", "rate_windows", "attachments"):
        for row in await house.rows(f"SELECT t::text AS line FROM {table} t"):
            # bytea is shown in hex
            hidden = [word for word in PERSONAL if word in row.line or word.encode().hex() in row.line]
            assert not hidden, table


async def test_an_anonymous_request_leaves_no_trace_of_who_sent_it(house):
    lin = await house.citizen("lin")
    photo = (await house.upload(lin)).json()["attachment_id"]
    body = {"text": "不愿透露姓名的反映", "anonymous": True, "attachments": [photo]}
    receipt = assert_receipt(await house.http.post("/v1/cases", json=body, headers=lin))
    assert_receipt(await house.http.post("/v1/calls", json=call(anonymous=True), headers=HOTLINE))
    sender = {"phone": "13812345678", "name": "张三"}
    assert_receipt(await house.http.post("/v1/letters", json={"text": "匿名信", "anonymous": True, "sender": sender}))
    for event in await house.events("case.submitted.v1"):
        assert event["data"]["citizen_id"] is None
        assert event["data"]["anonymous"]
    assert (await house.counts())["persons"] == 1
    assert (await house.rows("SELECT owner FROM attachments"))[0].owner == ""
    for row in await house.rows("SELECT case_id, payload FROM raw_payloads"):
        kept = house.parts.vault.decrypt(bytes(row.payload), Cell("raw_payloads", "payload", row.case_id))
        assert "13812345678" not in kept
        assert "张三" not in kept
    assert (await house.http.get(f"/v1/cases/{receipt['case_no']}", headers=lin)).status_code == 404


async def test_the_kept_payload_is_what_came(house):
    raw = '{"text": "原样保存  \\u3002", "call_id": "C-9", "caller": {"phone": "138 1234 5678"}}'
    answer = await house.http.post("/v1/calls", content=raw, headers=HOTLINE | {"content-type": "application/json"})
    assert_receipt(answer)
    [row] = await house.rows("SELECT case_id, payload FROM raw_payloads")
    assert house.parts.vault.decrypt(bytes(row.payload), Cell("raw_payloads", "payload", row.case_id)) == raw


async def test_mine_are_listed_newest_first_page_by_page(house):
    lin, wang = await house.citizen("lin"), await house.citizen("wang")
    numbers = [
        (await house.http.post("/v1/cases", json={"text": f"第{n}件"}, headers=lin)).json()["case_no"] for n in range(5)
    ]
    await house.http.post("/v1/cases", json={"text": "别人的"}, headers=wang)
    seen, after = [], None
    for _ in range(3):
        page = (
            await house.http.get("/v1/cases", params={"limit": 2} | ({"after": after} if after else {}), headers=lin)
        ).json()
        seen += [item["case_no"] for item in page["items"]]
        after = page["next"]
    assert seen == numbers[::-1]
    assert after is None


async def test_channels_are_public_with_what_became_of_the_old_ones(house):
    answer = await house.http.get("/v1/channels")
    channels = {item["code"]: item for item in answer.json()["items"]}
    assert channels["hotline_12345"]["state"] == "kept"
    assert channels["hotline_12319"]["merged_into"] == "hotline_12345"


async def test_numbers_are_dated_by_the_clock_and_never_repeat(house):
    numbers = [(await house.http.post("/v1/letters", json={"text": "路灯不亮"})).json()["case_no"] for _ in range(12)]
    assert len(set(numbers)) == 12
    assert all(number.startswith(f"PS{NOW:%y%m%d}") for number in numbers)
