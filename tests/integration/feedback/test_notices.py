"""Notices: one for each occurrence, through the first channel that reaches, and what became of it."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.feedback.app import MANIFEST
from services.feedback.delivery import Delivery
from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome
from shared.ids import new_id
from tests.integration.feedback.conftest import Case, House, answered, begun
from tests.unit.feedback import said

PHONE = "13812345678"


def delivery(house: House) -> Delivery:
    return next(loop for loop in MANIFEST.loops(house.context) if isinstance(loop, Delivery))


async def ledger(house: House) -> list[tuple[str, str, str | None]]:
    rows = await house.rows("SELECT occurrence, state, channel FROM notices ORDER BY occurrence")
    return [(row.occurrence, row.state, row.channel) for row in rows]


class Provider:
    """A provider outside, told what to answer."""

    repeatable = askable = False

    def __init__(self, *answers: Outcome, way: Way | None = None) -> None:
        self.answers, self.sent = list(answers), list[Message]()
        self.way = way or Way()

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        self.sent += messages
        return [self.answers.pop(0) if self.answers else Outcome("sent") for _ in messages]

    async def ask(self, message: Message) -> Outcome | None:
        raise AssertionError("it cannot be asked")


async def test_acceptance_and_answer_are_told_once_each_whatever_is_delivered_twice(house: House, case: Case) -> None:
    """INVARIANT: one notice for each case, occurrence and audience, under redelivery and with two deliverers."""
    await house.contact(case.citizen_id, phone=PHONE)
    for envelope in await house.say(case.case_id, said.replied(case.order_id)):
        await house.hear()
        await house.publish(envelope)
        await house.hear()
    one, other = delivery(house), delivery(house)
    await one.run_once()
    await other.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms"), ("replied:1", "sent", "sms")]
    messages = await house.rows("SELECT body, recipient FROM outbox_messages ORDER BY body")
    assert len(messages) == 2
    assert {message.recipient for message in messages} == {"138****5678"}
    assert "承诺于11月30日 18:00前办结" in messages[0].body
    kinds = [(event.type, event.sequence) for event in await house.emitted()]
    assert kinds == [("notice.sent.v1", 1), ("notice.sent.v1", 2)]


async def test_wechat_comes_first_for_who_has_it(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, openid="oABCDEFG1234", phone=PHONE)
    await delivery(house).run_once()
    row = (await house.rows("SELECT channel, fields, recipient FROM outbox_messages"))[0]
    assert row.channel == "wechat"
    assert row.fields["character_string1"] == case.case_no
    assert "1234" not in row.recipient


async def test_a_contact_that_is_still_on_its_way_is_waited_for(house: House, case: Case) -> None:
    await delivery(house).run_once()
    assert await ledger(house) == [("accepted:1", "pending", None)]
    await house.contact(case.citizen_id, phone=PHONE)
    house.clock.advance(seconds=2)
    await delivery(house).run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms")]


async def test_who_cannot_be_reached_is_written_down_as_such(house: House, case: Case) -> None:
    house.clock.advance(minutes=2)
    await delivery(house).run_once()
    assert await ledger(house) == [("accepted:1", "no_contact", None)]
    [event] = await house.emitted()
    assert (event.type, event.data.state, event.data.informs) == ("notice.failed.v1", "no_contact", "acceptance")


async def test_a_refused_channel_gives_way_to_the_next(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, openid="oABCDEFG1234", phone=PHONE)
    wechat, sms = Provider(Outcome("refused", "43101")), Provider()
    house.context.parts = {**house.context.parts, "messengers": {"wechat": wechat, "sms": sms}}
    loop = delivery(house)
    await loop.run_once()
    await loop.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms")]
    assert (len(wechat.sent), len(sms.sent)) == (1, 1)


async def test_a_provider_that_is_down_is_tried_again_later_and_in_the_end_given_up(open_house: Any) -> None:
    async with open_house(notice_attempts=3) as house:
        case = await begun(house)
        await house.contact(case.citizen_id, phone=PHONE)
        down = Provider(*[Outcome("later", "ConnectError")] * 9)
        house.context.parts = {**house.context.parts, "messengers": {"sms": down}}
        loop = delivery(house)
        for _ in range(5):
            await loop.run_once()
            await loop.run_once()  # not yet due: nothing is sent
            house.clock.advance(minutes=1)
        assert len(down.sent) == 3
        assert len({message.notice_id for message in down.sent}) == 1
        assert await ledger(house) == [("accepted:1", "failed", "sms")]
        failed = await house.emitted()
        assert [(event.type, event.data.reason) for event in failed] == [("notice.failed.v1", "ConnectError")]


async def test_nobody_tries_to_reach_the_anonymous(house: House) -> None:
    await house.told(new_id(), said.submitted(), said.filed(), said.promised())
    assert await ledger(house) == [("accepted:1", "no_contact", None)]


async def test_the_outbox_shows_administrators_what_was_sent_masked(house: House, case: Case) -> None:
    await house.contact(case.citizen_id, phone=PHONE)
    await delivery(house).run_once()
    admin = house.token("staff", "root", "admin")
    listed = (await house.http.get("/v1/notices", headers=admin)).json()["items"]
    assert [(item["state"], item["channel"], item["recipient"]) for item in listed] == [("sent", "sms", "138****5678")]
    page = await house.http.get("/v1/notices/outbox", headers=admin)
    assert "诉求受理通知" in page.text
    assert case.case_no in page.text
    assert PHONE not in page.text


@pytest.mark.parametrize("address", ["/v1/notices", "/v1/notices/outbox"])
async def test_the_ledger_is_for_administrators(house: House, address: str) -> None:
    assert (await house.http.get(address)).status_code == 401
    assert (await house.http.get(address, headers=house.token("staff", "x", "dispatcher"))).status_code == 403


async def test_notices_are_paged(house: House) -> None:
    for serial in range(1, 4):
        await answered(house, await begun(house, serial))
    admin = house.token("staff", "root", "admin")
    first = (await house.http.get("/v1/notices", params={"limit": 4}, headers=admin)).json()
    rest = (await house.http.get("/v1/notices", params={"limit": 4, "after": first["next"]}, headers=admin)).json()
    assert len({item["notice_id"] for item in first["items"] + rest["items"]}) == 6
    assert rest["next"] is None
