"""Subscription messages through WeChat's interfaces as published: token, consents, field limits, its refusals."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from services.feedback.delivery import Delivery
from services.feedback.domain.composing import Composed
from services.feedback.messengers import Message
from services.feedback.providers.fake_wechat import FakeWeChat
from services.feedback.providers.wechat import WeChatMessenger
from services.feedback.providers.wechat_token import TokenKeeper, TokenUnavailable
from shared.ids import new_id
from shared.vault import Vault
from tests.integration.feedback.conftest import NOW, Case, House
from tests.integration.feedback.providers import OPENID, PHONE, client_of, connected, ledger, register
from tests.unit.feedback import said

TEMPLATE = "tmpl-accepted"
KEYWORDS = ("character_string1", "thing2", "phrase3", "time4", "thing5")
VAULT = Vault({"a": b"a" * 32}, current="a", index_key=b"i" * 32)


def keeper(house: House, http: httpx.AsyncClient, fake: FakeWeChat) -> TokenKeeper:
    return TokenKeeper(http, house.context.begin, house.clock, VAULT, appid=fake.appid, secret=fake.secret)


@dataclass
class Connected:
    fake: FakeWeChat
    http: httpx.AsyncClient
    messenger: WeChatMessenger
    loop: Delivery


@asynccontextmanager
async def connection(house: House) -> AsyncIterator[Connected]:
    fake = FakeWeChat(people={OPENID}, templates={TEMPLATE: KEYWORDS})
    async with client_of(fake.app()) as http:
        messenger = WeChatMessenger(http, keeper(house, http, fake), page="pages/case?no={case_no}", state="formal")
        yield Connected(fake, http, messenger, connected(house, wechat=messenger))


@pytest.fixture
async def wechat(house: House) -> AsyncIterator[Connected]:
    async with connection(house) as made:
        yield made


async def agree(house: House, case: Case, wechat: Connected, answer: str = "accept") -> None:
    """The citizen answers the prompt, and WeChat knows it too."""
    token = house.token("citizen", case.citizen_id)
    body = {"results": {TEMPLATE: answer}}
    posted = await house.http.post("/v1/notices/subscriptions", json=body, headers=token)
    assert posted.status_code == 201, posted.text
    wechat.fake.consents[OPENID, TEMPLATE] += answer == "accept"


async def test_all_processes_share_one_token(house: House, wechat: Connected) -> None:
    keepers = [keeper(house, wechat.http, wechat.fake) for _ in range(4)]
    tokens = await asyncio.gather(*(each.get() for each in keepers))
    assert set(tokens) == {wechat.fake.token}
    assert wechat.fake.tokens_given == 1
    [row] = await house.rows("SELECT token FROM provider_tokens")
    assert wechat.fake.token.encode() not in row.token


async def test_a_token_is_fetched_anew_before_it_ends(house: House, wechat: Connected) -> None:
    tokens = keeper(house, wechat.http, wechat.fake)
    first = await tokens.get()
    wechat.fake.expired = True
    house.clock.advance(minutes=116)
    assert await tokens.get() != first


async def test_a_refused_token_is_replaced_once_for_all(house: House, wechat: Connected) -> None:
    one, other = keeper(house, wechat.http, wechat.fake), keeper(house, wechat.http, wechat.fake)
    stale = await one.get()
    assert await other.get() == stale
    wechat.fake.kill_token()
    fresh = await asyncio.gather(one.replaced(stale), other.replaced(stale))
    assert len(set(fresh)) == 1
    assert wechat.fake.forced == 1


async def test_a_wrong_secret_gives_no_token_and_quotes_nothing(house: House, wechat: Connected) -> None:
    wrong = TokenKeeper(wechat.http, house.context.begin, house.clock, VAULT, appid=wechat.fake.appid, secret="wrong")
    with pytest.raises(TokenUnavailable) as refused:
        await wrong.get()
    assert "wrong" not in str(refused.value)


async def test_a_consent_is_used_up_by_one_message_and_the_next_notice_goes_another_way(
    house: House, case: Case, wechat: Connected
) -> None:
    await register(house, "wechat", "one_time", accepted=TEMPLATE, replied="tmpl-replied")
    await house.contact(case.citizen_id, openid=OPENID, phone=PHONE)
    await agree(house, case, wechat)
    await wechat.loop.run_once()
    await house.told(case.case_id, said.replied(case.order_id))
    await wechat.loop.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "wechat", ""), ("replied:1", "sent", "sms", "")]
    [sent] = wechat.fake.sent
    assert sent["page"] == f"pages/case?no={case.case_no}"
    mine = await house.http.get("/v1/notices/preferences", headers=house.token("citizen", case.citizen_id))
    assert mine.json()["wechat"] == [{"template": "accepted", "answer": "accept", "remaining": 0, "standing": False}]


async def test_a_stale_token_is_renewed_on_the_way(house: House, case: Case, wechat: Connected) -> None:
    await register(house, "wechat", "long_term", accepted=TEMPLATE)
    await house.contact(case.citizen_id, openid=OPENID)
    await agree(house, case, wechat)
    await keeper(house, wechat.http, wechat.fake).get()
    wechat.fake.kill_token()
    await wechat.loop.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "wechat", "")]


async def test_who_has_refused_at_wechat_gets_a_text_message_and_is_remembered(
    house: House, case: Case, wechat: Connected
) -> None:
    await register(house, "wechat", "one_time", accepted=TEMPLATE)
    await house.contact(case.citizen_id, openid=OPENID, phone=PHONE)
    await agree(house, case, wechat)
    wechat.fake.consents.clear()
    await wechat.loop.run_once()
    await wechat.loop.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "sms", "")]
    [quota] = await house.rows("SELECT remaining, answer FROM wechat_quota")
    assert (quota.remaining, quota.answer) == (0, "reject")


async def test_a_busy_wechat_takes_no_consent(house: House, case: Case, wechat: Connected) -> None:
    await register(house, "wechat", "one_time", accepted=TEMPLATE)
    await house.contact(case.citizen_id, openid=OPENID)
    await agree(house, case, wechat)
    wechat.fake.mood = "busy"
    await wechat.loop.run_once()
    [quota] = await house.rows("SELECT remaining FROM wechat_quota")
    assert (quota.remaining, wechat.fake.sent) == (1, [])
    wechat.fake.mood = ""
    house.clock.advance(seconds=5)
    await wechat.loop.run_once()
    assert await ledger(house) == [("accepted:1", "sent", "wechat", "")]


async def test_a_gateways_page_leaves_it_open_whether_wechat_has_the_message(
    house: House, case: Case, wechat: Connected
) -> None:
    """INVARIANT: a message whose outcome nobody knows is not sent again by itself, and is seen."""
    await register(house, "wechat", "long_term", accepted=TEMPLATE)
    await house.contact(case.citizen_id, openid=OPENID, phone=PHONE)
    await agree(house, case, wechat)
    wechat.fake.mood = "gateway"
    await wechat.loop.run_once()
    house.clock.advance(minutes=30)
    await wechat.loop.run_once()
    assert await ledger(house) == [("accepted:1", "unknown", "wechat", "HTTP 502")]
    assert len(wechat.fake.sent) == 1
    [event] = await house.emitted()
    assert (event.type, event.data.state) == ("notice.failed.v1", "unknown")


async def test_what_wechat_refuses_is_refused_by_its_number(wechat: Connected) -> None:
    right = {"character_string1": "PS1", "thing2": "垃圾", "phrase3": "已受理", "time4": "18:00", "thing5": "好"}
    cases: list[tuple[str, str, dict[str, str], str]] = [
        ("oNobody", TEMPLATE, {}, "errcode 40003"),
        (OPENID, "tmpl-none", {}, "errcode 40037"),
        (OPENID, TEMPLATE, {"thing2": "长" * 21}, "errcode 47003"),
        (OPENID, TEMPLATE, {"phrase3": "ok"}, "errcode 47003"),
        (OPENID, TEMPLATE, {"time4": "11月30日 18:00"}, "errcode 47003"),
    ]
    for point, template, fields, reason in cases:
        wechat.fake.consents[point, template] += 1
        content = Composed("标题", "", {**right, **fields})
        message = Message(new_id(), "wechat", point, content, NOW, provider_template=template, case_no="PS1")
        [outcome] = await wechat.messenger.send([message])
        assert (outcome.state, outcome.reason) == ("refused", reason)
