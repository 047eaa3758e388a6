"""Text messages through Alibaba Cloud, Tencent Cloud and a gateway, and what they report afterwards."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from services.feedback.messengers import Messenger, OutboxMessenger
from services.feedback.providers.aliyun import AliyunSms
from services.feedback.providers.fake_sms import FakeAliyun, FakeGateway, FakeTencent
from services.feedback.providers.gateway import GatewaySms
from services.feedback.providers.gateway import signature as gateway_signature
from services.feedback.providers.tencent import TencentSms
from shared.clock import RealClock
from tests.integration.feedback.conftest import Case, House, begun
from tests.integration.feedback.providers import PHONE, client_of, connected, deliverer, ledger, register
from tests.unit.feedback import said

SIGNATURE = "坪山民生诉求"
KEY = "report-key-of-the-test"
real_time = RealClock().now


@asynccontextmanager
async def aliyun(fake: FakeAliyun) -> AsyncIterator[AliyunSms]:
    async with client_of(fake.app()) as http:
        yield AliyunSms(http, key_id=fake.key_id, secret=fake.secret, signature=SIGNATURE, signed_at=real_time)


@asynccontextmanager
async def tencent(fake: FakeTencent) -> AsyncIterator[TencentSms]:
    async with client_of(fake.app(), "http://sms.provider.test") as http:
        yield TencentSms(
            http,
            key_id=fake.key_id,
            secret=fake.secret,
            signature=SIGNATURE,
            app_id=fake.app_id,
            signed_at=real_time,
        )


@asynccontextmanager
async def gateway(fake: FakeGateway) -> AsyncIterator[GatewaySms]:
    async with client_of(fake.app()) as http:
        yield GatewaySms(
            http, url="http://provider.test/sms", secret=fake.secret, signature=SIGNATURE, signed_at=real_time
        )


async def test_alibaba_takes_a_message_with_its_template_and_the_notices_id(house: House, case: Case) -> None:
    await register(house, "sms", accepted="SMS_1")
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeAliyun(templates={"SMS_1": ("case_no", "due")})
    async with aliyun(fake) as messenger:
        await connected(house, sms=messenger).run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms", "")]
    [row] = await house.rows("SELECT notice_id, segments, provider_id FROM notices")
    [sent] = fake.sent
    assert (sent["OutId"], sent["PhoneNumbers"]) == (str(row.notice_id), PHONE)
    assert json.loads(sent["TemplateParam"]) == {"case_no": case.case_no, "due": "11月30日 18:00"}
    assert (row.segments, row.provider_id) == (1, "aliyun:900600000000000001^0")


@pytest.mark.parametrize(
    ("mood", "templates", "state", "reason"),
    [
        ("limit", ("case_no",), "pending", "isv.BUSINESS_LIMIT_CONTROL"),
        ("poor", ("case_no",), "pending", "isv.AMOUNT_NOT_ENOUGH"),
        ("", ("case_no", "nobody"), "failed", "isv.TEMPLATE_MISSING_PARAMETERS"),
        ("", None, "failed", "isv.SMS_TEMPLATE_ILLEGAL"),
    ],
)
async def test_alibabas_refusals_are_told_apart_by_whether_time_mends_them(
    house: House, case: Case, *, mood: str, templates: tuple[str, ...] | None, state: str, reason: str
) -> None:
    await register(house, "sms", accepted="SMS_1")
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeAliyun(templates={"SMS_1": templates} if templates else {}, mood=mood)
    async with aliyun(fake) as messenger:
        loop = connected(house, sms=messenger, phone=OutboxMessenger(house.context.begin))
        await house.rows("UPDATE notices SET channels = '[\"sms\"]' RETURNING 1")
        await loop.run_once()
    assert await ledger(house) == [("accepted:1", state, "sms", reason)]


@pytest.mark.parametrize(("mood", "arrived"), [("gateway", 1), ("dead", 1)])
async def test_after_a_lost_answer_alibaba_is_asked_and_the_message_arrives_once(
    house: House, case: Case, mood: str, arrived: int
) -> None:
    """INVARIANT: neither lost nor sent twice, whether the message had been taken or not."""
    await register(house, "sms", accepted="SMS_1")
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeAliyun(templates={"SMS_1": ("case_no", "due")}, mood=mood)
    async with aliyun(fake) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        assert (await ledger(house))[0][1] == "sending"
        fake.mood = ""
        for _ in range(3):
            house.clock.advance(minutes=3)
            await loop.run_once()
    assert (await ledger(house))[0][1] == "sent"
    assert len(fake.sent) == arrived


async def test_tencent_takes_a_message_signed_and_international(house: House, case: Case) -> None:
    await register(house, "sms", accepted="449739")
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeTencent(templates={"449739": 2})
    async with tencent(fake) as messenger:
        await connected(house, sms=messenger).run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms", "")]
    [sent] = fake.sent
    assert sent["PhoneNumberSet"] == [f"+86{PHONE}"]
    assert sent["TemplateParamSet"] == [case.case_no, "11月30日 18:00"]


@pytest.mark.parametrize(("reporting", "state"), [(True, "sent"), (False, "unknown")])
async def test_a_lost_answer_of_tencents_is_found_by_its_report_or_seen_as_unknown(
    house: House, case: Case, *, reporting: bool, state: str
) -> None:
    await register(house, "sms", accepted="449739")
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeTencent(templates={"449739": 2}, mood="gateway", reporting=reporting)
    async with tencent(fake) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        for _ in range(2):
            house.clock.advance(minutes=30)
            await loop.run_once()
    assert (await ledger(house))[0][1] == state
    assert len(fake.sent) == 1


async def test_a_gateway_gets_a_message_again_and_sends_it_once(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, phone=PHONE)
    fake = FakeGateway(mood="lost")
    async with gateway(fake) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        fake.mood = ""
        house.clock.advance(seconds=10)
        await loop.run_once()
    assert (await ledger(house))[0][1] == "sent"
    assert (len(fake.sent), fake.asked) == (1, 2)


async def test_a_text_message_waits_for_the_morning(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, phone=PHONE)
    house.clock.advance(hours=13)  # 23:00 in Shenzhen
    async with gateway(FakeGateway()) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        assert await ledger(house) == [("accepted:1", "pending", None, "quiet hours")]
        house.clock.advance(hours=9)
        await loop.run_once()
    assert (await ledger(house))[0][1] == "sent"


async def test_a_person_gets_no_more_messages_than_the_limit(house: House) -> None:
    citizen = None
    for serial in range(1, 7):
        made = await begun(house, serial, citizen)
        citizen = made.citizen_id
    assert citizen is not None
    await house.contact(citizen, phone=PHONE)
    fake = FakeGateway()
    async with gateway(fake) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        assert len(fake.sent) == 5
        house.clock.advance(minutes=61)
        await loop.run_once()
    assert len(fake.sent) == 6


async def test_without_an_approved_template_the_notice_says_so_and_goes_out_after_a_replay(
    house: House, case: Case
) -> None:
    await house.contact(case.citizen_id, phone=PHONE)
    await house.rows("UPDATE notices SET channels = '[\"sms\"]' RETURNING 1")
    fake = FakeAliyun(templates={"SMS_1": ("case_no", "due")})
    admin = house.token("staff", "root", "system_admin")
    async with aliyun(fake) as messenger:
        loop = connected(house, sms=messenger)
        await loop.run_once()
        assert (await ledger(house))[0][1] == "no_template"
        counts = (await house.http.get("/v1/notices/counts", headers=admin)).json()["items"]
        assert [(each["node"], each["state"], each["count"]) for each in counts] == [("accepted", "no_template", 1)]
        await register(house, "sms", accepted="SMS_1")
        again = await house.http.post("/v1/notices/replays", json={"state": "no_template"}, headers=admin)
        assert again.json() == {"replayed": 1}
        await loop.run_once()
    assert (await ledger(house))[0][1:3] == ("sent", "sms")
    types = [(event.type, getattr(event.data, "state", "")) for event in await house.emitted()]
    assert types == [("notice.failed.v1", "no_template"), ("notice.sent.v1", "")]


async def sent_by_aliyun(house: House) -> tuple[Case, Messenger]:
    case = await begun(house)
    await house.contact(case.citizen_id, phone=PHONE, mail="li@example.test")
    await house.rows(
        "UPDATE notices SET state = 'sent', channel = 'sms', done_at = created_at, provider_id = 'aliyun:9^0' RETURNING 1"
    )
    return case, OutboxMessenger(house.context.begin)


def aliyun_report(*, success: bool, **ids: str) -> list[dict[str, Any]]:
    body = {"phone_number": PHONE, "success": success, "err_code": "DELIVERED" if success else "MK:0001"}
    return [{**body, "send_time": "2026-11-24 10:00:00", "sms_size": "1", "biz_id": "9^0", **ids}]


async def test_what_did_not_arrive_goes_on_to_the_next_channel_however_often_it_is_reported(open_house: Any) -> None:
    async with open_house(sms_provider="aliyun", sms_secret="s", report_key=KEY) as house:
        await sent_by_aliyun(house)
        for _ in range(2):
            answer = await house.http.post(
                f"/v1/notices/reports/aliyun/{KEY}", json=aliyun_report(success=False, out_id="")
            )
            assert (answer.status_code, answer.json()) == (200, {"code": 0, "msg": "OK"})
        await deliverer(house).run_once()
        assert (await ledger(house))[0][:3] == ("accepted:1", "sent", "mail")


async def test_an_arrival_is_written_down_and_finds_what_was_unknown(open_house: Any) -> None:
    async with open_house(sms_provider="aliyun", sms_secret="s", report_key=KEY) as house:
        await sent_by_aliyun(house)
        [row] = await house.rows(
            "UPDATE notices SET state = 'unknown', provider_id = NULL RETURNING notice_id, reported"
        )
        body = aliyun_report(success=True, out_id=str(row.notice_id))
        await house.http.post(f"/v1/notices/reports/aliyun/{KEY}", json=body)
        [row] = await house.rows("SELECT state, reported FROM notices")
        assert (row.state, row.reported) == ("sent", "delivered")
        assert [event.type for event in await house.emitted()] == ["notice.sent.v1"]


async def test_reports_come_in_tencents_form_too(open_house: Any) -> None:
    async with open_house(sms_provider="tencent", report_key=KEY) as house:
        await sent_by_aliyun(house)
        await house.rows("UPDATE notices SET provider_id = 'tencent:5000:1' RETURNING 1")
        body = [{"report_status": "SUCCESS", "errmsg": "DELIVRD", "sid": "5000:1", "mobile": PHONE, "nationcode": "86"}]
        answer = await house.http.post(f"/v1/notices/reports/tencent/{KEY}", json=body)
        assert answer.json() == {"result": 0, "errmsg": "OK"}
        assert [row.reported for row in await house.rows("SELECT reported FROM notices")] == ["delivered"]


async def test_a_stranger_reports_nothing(open_house: Any) -> None:
    async with open_house(sms_provider="gateway", sms_secret="s", report_key=KEY) as house:
        for address in (f"gateway/{KEY}", "gateway/guessed", f"aliyun/{KEY}", f"gateway/{KEY}x"):
            answer = await house.http.post(f"/v1/notices/reports/{address}", json=[])
            assert answer.status_code == 404, address
        stamp = int(real_time().timestamp())
        signed = {
            "webhook-id": "1",
            "webhook-timestamp": str(stamp),
            "webhook-signature": gateway_signature("s", "1", stamp, b'[{"id":"no"}]'),
        }
        odd = await house.http.post(f"/v1/notices/reports/gateway/{KEY}", content=b'[{"id":"no"}]', headers=signed)
        assert odd.status_code == 422


async def test_the_answer_is_a_notice_of_its_own_with_its_own_template(house: House, case: Case) -> None:
    await register(house, "sms", accepted="SMS_1", replied="SMS_2")
    await house.contact(case.citizen_id, phone=PHONE)
    await house.told(case.case_id, said.replied(case.order_id))
    fake = FakeAliyun(templates={"SMS_1": ("case_no", "due"), "SMS_2": ("case_no", "unit")})
    async with aliyun(fake) as messenger:
        await connected(house, sms=messenger).run_once()
    assert sorted(sent["TemplateCode"] for sent in fake.sent) == ["SMS_1", "SMS_2"]
    informs = {event.data.node: event.data.informs for event in await house.emitted()}
    assert informs == {"accepted:1": "acceptance", "replied:1": "result"}
