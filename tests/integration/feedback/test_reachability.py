"""Preferences and consents of citizens, calls of clerks, desks of units, and what of it an erasure takes away."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY

from contracts.events.intake import CitizenErased
from contracts.events.sla import CaseSupervised
from services.feedback.app import MANIFEST
from services.feedback.domain.channel import Way
from services.feedback.ledger import Counts
from services.feedback.messengers import Outcome
from tests.integration.feedback.conftest import UNIT_HANDLER, Case, House, begun
from tests.integration.feedback.providers import PHONE, connected, deliverer, ledger, register
from tests.integration.feedback.test_notices import Provider
from tests.unit.feedback import said
from tests.unit.feedback.said import OTHER


async def prefer(house: House, case: Case, **wanted: Any) -> dict[str, Any]:
    body = {"channels": ["sms"], "consent_version": "2026-1", **wanted}
    answer = await house.http.put("/v1/notices/preferences", json=body, headers=house.token("citizen", case.citizen_id))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_citizen_is_told_by_the_channel_they_prefer(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, phone=PHONE, openid="oABCDEFG1234", mail="li@example.test")
    shown = await prefer(house, case, channels=["mail", "wechat"])
    assert shown["channels"] == ["mail", "wechat"]
    await deliverer(house).run_once()
    assert await ledger(house) == [("accepted:1", "sent", "mail", "")]


async def test_who_wants_no_notices_gets_none_and_that_is_seen(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, phone=PHONE)
    await prefer(house, case, channels=[])
    await deliverer(house).run_once()
    assert await ledger(house) == [("accepted:1", "declined", None, "preference")]


async def test_nothing_is_known_of_who_never_said_anything(house: House, case: Case) -> None:
    shown = await house.http.get("/v1/notices/preferences", headers=house.token("citizen", case.citizen_id))
    assert shown.json() == {
        "channels": None,
        "quiet_begins": None,
        "quiet_ends": None,
        "consent_version": None,
        "wechat": [],
        "wechat_templates": [],
    }


async def test_what_cannot_be_wanted_is_refused(house: House, case: Case) -> None:
    citizen = house.token("citizen", case.citizen_id)
    for wrong in (
        {"channels": ["pigeon"]},
        {"channels": ["sms", "sms"]},
        {"quiet_begins": "22:00"},
        {"quiet_begins": "25:00", "quiet_ends": "08:00"},
        {"consent_version": "<b>"},
        {"more": 1},
    ):
        body = {"channels": ["sms"], "consent_version": "2026-1", **wrong}
        answer = await house.http.put("/v1/notices/preferences", json=body, headers=citizen)
        assert answer.status_code == 422, wrong


async def test_consents_are_counted_by_kind_of_template(house: House, case: Case) -> None:
    await register(house, "wechat", "one_time", accepted="tmpl-1")
    await register(house, "wechat", "long_term", replied="tmpl-2")
    citizen = house.token("citizen", case.citizen_id)

    async def answered(**results: str) -> dict[str, tuple[int, bool, str]]:
        body = {"results": {name.replace("_", "-"): answer for name, answer in results.items()}}
        posted = await house.http.post("/v1/notices/subscriptions", json=body, headers=citizen)
        assert posted.status_code == 201, posted.text
        return {
            each["template"]: (each["remaining"], each["standing"], each["answer"]) for each in posted.json()["wechat"]
        }

    await answered(tmpl_1="accept", tmpl_2="accept")
    assert await answered(tmpl_1="accept") == {"accepted": (2, False, "accept"), "replied": (0, True, "accept")}
    after = await answered(tmpl_1="reject", tmpl_2="ban")
    assert after == {"accepted": (2, False, "reject"), "replied": (0, False, "ban")}
    unknown = await house.http.post("/v1/notices/subscriptions", json={"results": {"other": "accept"}}, headers=citizen)
    assert unknown.status_code == 422
    assert unknown.json()["errors"][0]["pointer"] == "/results/other"


async def handed_to_clerks(house: House, case: Case) -> str:
    """The provider refuses the number, so a clerk is to call."""
    await house.contact(case.citizen_id, phone=PHONE)
    loop = connected(house, sms=Provider(Outcome("refused", "blacklisted"), way=Way(real=True)))
    await loop.run_once()
    await loop.run_once()
    assert await ledger(house) == [("accepted:1", "calling", "phone", "")]
    [task] = (await house.http.get("/v1/notices/phone-tasks", headers=clerk(house))).json()
    assert PHONE not in str(task)
    return str(task["task_id"])


def clerk(house: House, name: str = "wang") -> dict[str, str]:
    return house.token("staff", name, "callback_clerk")


async def test_a_clerk_takes_a_call_and_what_they_said_counts_as_told(house: House, case: Case) -> None:
    task = f"/v1/notices/phone-tasks/{await handed_to_clerks(house, case)}"
    claimed = await house.http.post(f"{task}/claim", headers=clerk(house))
    assert claimed.json()["phone"] == PHONE
    assert "承诺于11月30日 18:00前办结" in claimed.json()["body"]
    assert (await house.http.post(f"{task}/claim", headers=clerk(house, "li"))).status_code == 409
    early = await house.http.post(f"{task}/calls", json={"reached": True}, headers=clerk(house, "li"))
    assert early.status_code == 409
    done = await house.http.post(f"{task}/calls", json={"reached": True}, headers=clerk(house))
    assert done.json() == {"state": "done"}
    assert await ledger(house) == [("accepted:1", "sent", "phone", "")]
    [event] = await house.emitted()
    assert (event.type, event.data.channel) == ("notice.sent.v1", "phone")
    [row] = await house.rows("SELECT calls FROM phone_tasks")
    assert [(call["by"], call["what"]) for call in row.calls] == [("wang", "number seen"), ("wang", "reached")]


async def test_who_does_not_answer_is_called_again_later_and_in_the_end_given_up(house: House, case: Case) -> None:
    task = f"/v1/notices/phone-tasks/{await handed_to_clerks(house, case)}"
    for state in ("open", "given_up"):
        await house.http.post(f"{task}/claim", headers=clerk(house))
        told = await house.http.post(f"{task}/calls", json={"reached": False}, headers=clerk(house))
        assert told.json() == {"state": state}
        assert (await house.http.get("/v1/notices/phone-tasks", headers=clerk(house))).json() == []
        house.clock.advance(hours=5)
    assert await ledger(house) == [("accepted:1", "failed", "phone", "not reached by phone")]
    assert [event.type for event in await house.emitted()] == ["notice.failed.v1"]


async def test_a_claim_ends_by_itself(house: House, case: Case) -> None:
    task = f"/v1/notices/phone-tasks/{await handed_to_clerks(house, case)}"
    await house.http.post(f"{task}/claim", headers=clerk(house))
    house.clock.at += timedelta(minutes=31)
    assert (await house.http.post(f"{task}/claim", headers=clerk(house, "li"))).status_code == 200


async def test_the_doors_are_for_those_they_are_for(house: House, case: Case) -> None:
    for address, who in (
        ("/v1/notices/phone-tasks", house.token("staff", "x", "handler")),
        ("/v1/notices/counts", clerk(house)),
        ("/v1/notices/preferences", clerk(house)),
        ("/v1/notices/desk", clerk(house)),
        ("/v1/notices/templates", clerk(house)),
    ):
        assert (await house.http.get(address, headers=who)).status_code == 403, address
        assert (await house.http.get(address)).status_code == 401, address


async def test_the_unit_in_charge_finds_on_its_desk_what_it_must_know(house: House, case: Case) -> None:
    await house.told(case.case_id, CaseSupervised(cause="dissatisfied_twice"))
    await deliverer(house).run_once()
    own = house.token("staff", "handler", *UNIT_HANDLER["roles"], units=UNIT_HANDLER["units"])
    [notice] = (await house.http.get("/v1/notices/desk", headers=own)).json()
    assert (notice["title"], notice["unit_code"]) == ("诉求列入督办", UNIT_HANDLER["units"][0])
    assert case.case_no in notice["body"]
    other = house.token("staff", "x", "handler", units=(OTHER[0],))
    assert (await house.http.get("/v1/notices/desk", headers=other)).json() == []


async def test_a_unit_told_of_a_second_round_is_the_one_that_has_it_now(house: House, case: Case) -> None:
    await house.told(case.case_id, said.replied(case.order_id), said.reworked())
    again = case.case_id  # the new order of the second round
    assert [row.n for row in await house.rows("SELECT count(*) AS n FROM notices WHERE audience = 'unit'")] == [0]
    await house.told(case.case_id, said.dispatched(again, OTHER, turn=2))
    [row] = await house.rows("SELECT occurrence, unit_code FROM notices WHERE audience = 'unit'")
    assert (row.occurrence, row.unit_code) == ("reworked:2", OTHER[0])


async def test_an_erased_citizen_leaves_no_preference_consent_or_call(house: House, case: Case) -> None:
    await register(house, "wechat", "one_time", accepted="tmpl-1")
    await prefer(house, case)
    citizen = house.token("citizen", case.citizen_id)
    await house.http.post("/v1/notices/subscriptions", json={"results": {"tmpl-1": "accept"}}, headers=citizen)
    await house.contact(case.citizen_id, phone=PHONE)
    loop = connected(house, sms=Provider(Outcome("refused", "blacklisted")))
    await loop.run_once()
    await house.told(case.citizen_id, CitizenErased(citizen_id=case.citizen_id))
    for table in ("notice_preferences", "wechat_quota", "phone_tasks"):
        assert await house.rows(f"SELECT * FROM {table}") == [], table
    assert (await ledger(house))[0][1:] == ("no_contact", "sms", "erased")


async def test_a_dead_letter_begins_anew_and_one_that_may_have_arrived_only_when_said_so(
    house: House, case: Case
) -> None:
    [row] = await house.rows(
        "UPDATE notices SET state = 'unknown', channel = 'sms', channels = '[]' RETURNING notice_id, channel"
    )
    await house.contact(case.citizen_id, phone=PHONE)
    admin = house.token("staff", "root", "admin")
    address = f"/v1/notices/{row.notice_id}/replay"
    assert (await house.http.post(address, json={}, headers=admin)).status_code == 409
    assert (await house.http.post(address, json={"may_arrive_twice": True}, headers=admin)).status_code == 204
    await deliverer(house).run_once()
    assert (await ledger(house))[0][1:3] == ("sent", "sms")
    assert (await house.http.post(address, json={}, headers=admin)).status_code == 409


async def test_the_ledger_is_filtered(house: House, case: Case) -> None:
    await house.told(case.case_id, said.replied(case.order_id), CaseSupervised(cause="dissatisfied_twice"))
    admin = house.token("staff", "root", "admin")

    async def found(**filters: str) -> list[str]:
        listed = await house.http.get("/v1/notices", params=filters, headers=admin)
        assert listed.status_code == 200, listed.text
        return sorted(f"{item['audience']}/{item['occurrence']}" for item in listed.json()["items"])

    assert await found(audience="unit") == ["unit/supervised:1"]
    assert await found(node="replied") == ["citizen/replied:1"]
    assert await found(node="replied:2") == []
    assert await found(state="pending", case_id=str(case.case_id), audience="citizen") == [
        "citizen/accepted:1",
        "citizen/replied:1",
        "citizen/supervised:1",
    ]


async def test_a_mail_that_answers_a_notice_finds_its_case(open_house: Any) -> None:
    async with open_house(mail_reply_to="answers@huying.test") as house:
        case = await begun(house)
        address = house.context.parts["reply_addresses"].of(case.case_id)
        pipe = house.token("machine", "mail", "operator_system")
        found = await house.http.post("/v1/notices/mail-replies", json={"to": f"<{address}>"}, headers=pipe)
        assert found.json() == {"case_id": str(case.case_id), "case_no": case.case_no}
        stranger = {"to": "answers+abcdefgh@huying.test"}
        assert (await house.http.post("/v1/notices/mail-replies", json=stranger, headers=pipe)).status_code == 404
        assert (await house.http.post("/v1/notices/mail-replies", json=stranger)).status_code == 401


async def test_two_deliverers_at_once_send_each_notice_once(house: House) -> None:
    """INVARIANT: a notice is claimed by one, however many look at the same moment."""
    for serial in range(1, 13):
        await house.contact((await begun(house, serial)).citizen_id, phone=PHONE)
    provider = Provider(way=Way(real=True))
    loops = [connected(house, sms=provider) for _ in range(4)]
    await asyncio.gather(*(loop.run_once() for loop in loops))
    assert len({message.notice_id for message in provider.sent}) == len(provider.sent) == 12
    assert Counter(event.type for event in await house.emitted()) == {"notice.sent.v1": 12}


async def test_what_is_not_sent_is_a_number_on_the_metrics(house: House, case: Case) -> None:
    house.clock.advance(minutes=2)
    await deliverer(house).run_once()
    await next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, Counts)).run_once()
    assert REGISTRY.get_sample_value("huying_notices", {"state": "no_contact", "channel": ""}) == 1
