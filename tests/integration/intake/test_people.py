"""Citizens log in, say how to reach them, are read only with a reason, and are forgotten when they ask."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from contracts.events.router import CaseClosed, OrderDispatched, OrderRedispatched
from services.intake.app import MANIFEST
from services.intake.wechat_fake import openid_of
from shared.cloudevents import Envelope
from shared.ids import new_id
from shared.vault import unseal
from shared.worker import consumers_of
from tests.integration.intake.conftest import HOTLINE, SEALING, call

REASON = {"reason": "上门核实井盖位置"}


class Desk:
    """Says what router would say, through the real bus."""

    def __init__(self, house):
        self.house, self.sequence = house, {}

    async def say(self, case_id, payload):
        self.sequence[case_id] = self.sequence.get(case_id, 0) + 1
        bus, now = self.house.context.bus, self.house.clock.now()
        await bus.ensure_streams([OrderDispatched, OrderRedispatched, CaseClosed])
        envelope = Envelope.of(payload, case_id=case_id, sequence=self.sequence[case_id], now=now)
        await bus.jetstream.publish(bus.name(payload.TYPE), envelope.to_json())

    async def dispatch(self, case_id, unit):
        order = new_id()
        await self.say(case_id, OrderDispatched(order_id=order, role="lead", unit_code=unit, unit_name="单位", round=1))
        return order

    async def redispatch(self, case_id, order, unit):
        new = new_id()
        moved = OrderRedispatched(
            order_id=order, new_order_id=new, from_unit_code="", to_unit_code=unit, own_error=False
        )
        await self.say(case_id, moved)
        await self.say(case_id, OrderDispatched(order_id=new, role="lead", unit_code=unit, unit_name="单位", round=1))

    async def heard(self):
        [consumer] = consumers_of(MANIFEST, self.house.context, patience=0.2)
        await consumer.run_once()
        await consumer.close()


@pytest.fixture
def desk(house):
    return Desk(house)


async def submitted(house, **more):
    answer = await house.http.post("/v1/calls", json=call(**more), headers=HOTLINE)
    assert answer.status_code == 201, answer.text
    return answer.json()["case_id"]


def contact_reads(house, case_id, who, body=REASON):
    return house.http.post(f"/v1/cases/{case_id}/contact-reads", json=body, headers=who)


def handler(house, unit):
    return house.token("staff", f"h-{unit}", "handler", units=(unit,))


async def test_the_first_login_writes_a_person_and_tells_feedback_under_seal(house):
    first = await house.http.post("/v1/sessions/wechat", json={"code": "demo-lin.1", "notice_version": "2026-01"})
    again = await house.http.post("/v1/sessions/wechat", json={"code": "demo-lin.2"})
    assert first.status_code == again.status_code == 201
    assert first.json()["citizen_id"] == again.json()["citizen_id"]
    [event] = await house.events("contact.changed.v1")
    opened = unseal(event["data"]["sealed"], SEALING.as_dict(private=True))
    assert opened == {"citizen_id": first.json()["citizen_id"], "openid": openid_of("lin")}
    [person] = await house.rows("SELECT notice_version FROM persons")
    assert person.notice_version == "2026-01"


async def test_logins_that_arrive_together_make_one_person(house):
    answers = await asyncio.gather(
        *(house.http.post("/v1/sessions/wechat", json={"code": f"demo-lin.{n}"}) for n in range(8))
    )
    assert len({answer.json()["citizen_id"] for answer in answers}) == 1
    assert (await house.counts())["persons"] == 1


@pytest.mark.parametrize(
    ("code", "status"), [("bad-1", 401), ("often-1", 429), ("risk-1", 403), ("busy-1", 503), ("", 422)]
)
async def test_what_wechat_refuses_is_refused_in_our_words(house, code, status):
    refused = await house.http.post("/v1/sessions/wechat", json={"code": code})
    assert refused.status_code == status
    assert refused.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in refused.headers) == (status in {429, 503})
    assert (await house.counts())["persons"] == 0


async def test_a_citizen_says_how_to_reach_them_and_sees_it_in_part(house):
    lin = await house.citizen("lin")
    said = {"name": "林小明", "phone": "138 1234 5678"}
    changed = await house.http.put("/v1/sessions/person", json=said, headers=lin)
    assert changed.status_code == 200
    shown = (await house.http.get("/v1/sessions/person", headers=lin)).json()
    assert shown == changed.json()
    assert (shown["name"], shown["phone"], shown["mail"], shown["wechat"]) == ("林*", "138****5678", None, True)
    _, event = await house.events("contact.changed.v1")
    opened = unseal(event["data"]["sealed"], SEALING.as_dict(private=True))
    assert opened == {"citizen_id": shown["citizen_id"], "openid": openid_of("lin"), "phone": "13812345678"}
    refused = await house.http.put("/v1/sessions/person", json={"phone": "1"}, headers=lin)
    assert refused.json()["errors"][0]["pointer"] == "/phone"


async def test_a_phone_somebody_claims_does_not_open_the_cases_of_who_calls_from_it(house):
    """INVARIANT: a phone finds a person only if they called from it."""
    lin = await house.citizen("lin")
    await house.http.put("/v1/sessions/person", json={"phone": "13812345678"}, headers=lin)
    await submitted(house)
    assert (await house.http.get("/v1/cases", headers=lin)).json()["items"] == []
    assert (await house.counts())["persons"] == 2


async def test_who_holds_the_case_reads_the_contact_with_a_reason_and_is_written_down(house, desk):
    case_id = await submitted(house)
    order = await desk.dispatch(case_id, "PS-S01")
    await desk.heard()
    seen = await contact_reads(house, case_id, handler(house, "PS-S01"))
    assert seen.status_code == 201, seen.text
    assert (seen.json()["phone"], seen.json()["name"]) == ("13812345678", "张三")
    assert (await contact_reads(house, case_id, handler(house, "PS-S02"))).status_code == 403
    await desk.redispatch(case_id, order, "PS-S02")
    await desk.heard()
    assert (await contact_reads(house, case_id, handler(house, "PS-S01"))).status_code == 403
    assert (await contact_reads(house, case_id, handler(house, "PS-S02"))).status_code == 201
    await desk.say(case_id, CaseClosed(outcome="satisfied", round=1))
    await desk.heard()
    assert (await contact_reads(house, case_id, handler(house, "PS-S02"))).status_code == 403
    reads = await house.rows("SELECT actor, unit_code, reason FROM contact_reads ORDER BY id")
    assert [(read.actor, read.unit_code) for read in reads] == [
        ("staff:h-PS-S01", "PS-S01"),
        ("staff:h-PS-S02", "PS-S02"),
    ]
    assert reads[0].reason == REASON["reason"]


async def test_orders_of_one_batch_are_applied_in_their_order(house, desk):
    case_id = await submitted(house)
    order = await desk.dispatch(case_id, "PS-S01")
    await desk.redispatch(case_id, order, "PS-S02")
    await desk.heard()
    held = await house.rows("SELECT unit_code, released_at FROM holdings ORDER BY unit_code")
    assert [(row.unit_code, row.released_at is None) for row in held] == [("PS-S01", False), ("PS-S02", True)]


async def test_a_confidential_contact_is_shown_to_the_dispatcher_alone(house, desk):
    case_id = await submitted(house, confidential=True)
    await desk.dispatch(case_id, "PS-S01")
    await desk.heard()
    refused = await contact_reads(house, case_id, handler(house, "PS-S01"))
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:huying:problem:contact-is-confidential"
    assert (await contact_reads(house, case_id, house.token("staff", "d1", "dispatcher"))).status_code == 201


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"reason": " "}, 422), ({"reason": "理" * 201}, 422), ({"why": "x"}, 422)]
)
async def test_without_a_reason_nothing_is_shown(house, body, status):
    case_id = await submitted(house)
    refused = await contact_reads(house, case_id, house.token("staff", "d1", "dispatcher"), body)
    assert refused.status_code == status
    assert (await house.counts())["contact_reads"] == 0


async def test_of_an_anonymous_or_unknown_case_there_is_no_contact(house):
    dispatcher = house.token("staff", "d1", "dispatcher")
    case_id = await submitted(house, anonymous=True)
    assert (await contact_reads(house, case_id, dispatcher)).status_code == 404
    assert (await contact_reads(house, new_id(), dispatcher)).status_code == 404
    assert (await contact_reads(house, "x", dispatcher)).status_code == 422
    assert (await contact_reads(house, case_id, await house.citizen("lin"))).status_code == 403
    assert (await contact_reads(house, case_id, house.token("staff", "l1", "leader"))).status_code == 403


async def test_what_was_read_cannot_be_unwritten(house):
    case_id = await submitted(house)
    await contact_reads(house, case_id, house.token("staff", "d1", "dispatcher"))
    for statement in ("DELETE FROM contact_reads", "UPDATE contact_reads SET reason = ''", "TRUNCATE contact_reads"):
        async with house.context.db.engine.connect() as connection:
            with pytest.raises(DBAPIError, match="append-only"):
                await connection.execute(text(statement))
    assert (await house.counts())["contact_reads"] == 1


async def test_a_forgotten_citizen_leaves_only_nameless_cases(house):
    lin = await house.citizen("lin")
    await house.http.put("/v1/sessions/person", json={"name": "林小明", "phone": "13812345678"}, headers=lin)
    photo = (await house.upload(lin)).json()["attachment_id"]
    body = {"text": "请打13812345678，路灯不亮", "attachments": [photo]}
    key = {"Idempotency-Key": "before-erasure"}
    number = (await house.http.post("/v1/cases", json=body, headers=lin | key)).json()["case_no"]
    citizen_id = (await house.http.get("/v1/sessions/person", headers=lin)).json()["citizen_id"]
    assert (await house.http.delete("/v1/sessions/person", headers=lin)).status_code == 204
    assert (await house.http.delete("/v1/sessions/person", headers=lin)).status_code == 204
    counts = await house.counts()
    assert (counts["persons"], counts["raw_payloads"], counts["idempotency_keys"], counts["cases"]) == (0, 0, 0, 1)
    [case] = await house.rows("SELECT citizen_id, text FROM cases")
    assert (case.citizen_id, case.text) == (None, "请打〔电话〕，路灯不亮")
    assert (await house.rows("SELECT owner FROM attachments"))[0].owner == ""
    [erased] = await house.events("citizen.erased.v1")
    assert (erased["data"]["citizen_id"], erased["subject"], erased["sequence"]) == (citizen_id, citizen_id, 0)
    assert (await house.http.get(f"/v1/cases/{number}", headers=lin)).status_code == 404
    assert (await house.http.get("/v1/sessions/person", headers=lin)).status_code == 401
    refused = await house.http.post("/v1/cases", json={"text": "注销后提交"}, headers=lin)
    assert refused.status_code == 401
    assert refused.json()["type"] == "urn:huying:problem:citizen-forgotten"


async def test_every_reading_of_a_contact_shows_to_who_watches_and_to_nobody_else(house, desk):
    case_id = await submitted(house)
    for who in ("dispatcher", "callback_clerk"):
        assert (await contact_reads(house, case_id, house.token("staff", who, who))).status_code == 201
    watcher = house.token("staff", "auditor", "audit_admin")
    page = (await house.http.get("/v1/contact-reads", headers=watcher, params={"case_id": case_id})).json()
    assert [line["actor"] for line in page["items"]] == ["staff:callback_clerk", "staff:dispatcher"]
    assert page["items"][0]["reason"]
    assert page["items"][0]["case_no"].startswith("PS")
    assert "138" not in str([{**line, "case_no": "", "case_id": "", "read_at": ""} for line in page["items"]])
    older = {"limit": 1, "before": page["items"][0]["read_id"]}
    assert len((await house.http.get("/v1/contact-reads", headers=watcher, params=older)).json()["items"]) == 1
    for role in ("dispatcher", "leader", "system_admin"):
        refused = await house.http.get("/v1/contact-reads", headers=house.token("staff", role, role))
        assert refused.status_code == 403


async def test_who_belongs_to_the_accused_unit_reads_no_contact_whatever_their_role(house):
    case_id = await submitted(house, accused_unit_code="PS-D01")
    recused = house.token("staff", "d", "dispatcher", units=("PS-D01",))
    assert (await contact_reads(house, case_id, recused)).status_code == 403
    assert (await contact_reads(house, case_id, house.token("staff", "e", "dispatcher"))).status_code == 201


async def test_a_clerk_reads_no_contact_of_a_confidential_case(house):
    case_id = await submitted(house, confidential=True)
    clerk = house.token("staff", "c", "callback_clerk")
    assert (await contact_reads(house, case_id, clerk)).status_code == 403
