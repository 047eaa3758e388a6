"""The official account: WeChat's handshake, its three modes, repeated messages, and what a citizen is answered."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.feedback.providers.wechat_push import Envelope, fields_of, signature, written
from tests.integration.feedback.conftest import Case, House, begun
from tests.unit.feedback.said import CODE

TOKEN, APPID = "spamtest", "wx0123456789abcdef"
AES_KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
QUERY = {"timestamp": "1732413600", "nonce": "1320562132"}
LINK = "https://huying.test/"
PUSH = {"wechat_push_token": TOKEN, "wechat_push_appid": APPID, "portal_url": LINK}


@pytest.fixture
async def account(open_house: Any) -> AsyncIterator[House]:
    async with open_house(**PUSH) as opened:
        yield opened


def text(content: str, number: int = 1) -> str:
    return written(
        ToUserName="gh_1", FromUserName="oCitizen", CreateTime=1732413600, MsgType="text", Content=content, MsgId=number
    )


async def said(house: House, body: str) -> dict[str, str]:
    query = {**QUERY, "signature": signature(TOKEN, *QUERY.values())}
    answer = await house.http.post("/v1/notices/wechat", params=query, content=body.encode())
    assert answer.status_code == 200, answer.text
    return {} if answer.text == "success" else fields_of(answer.content)


async def test_wechat_verifies_the_address_once(account: House) -> None:
    query = {**QUERY, "signature": signature(TOKEN, *QUERY.values()), "echostr": "5837479801"}
    assert (await account.http.get("/v1/notices/wechat", params=query)).text == "5837479801"
    forged = await account.http.get("/v1/notices/wechat", params={**query, "signature": "0" * 40})
    assert forged.status_code == 403


async def test_number_and_code_are_answered_with_the_progress(account: House) -> None:
    case = await begun(account)
    answer = await said(account, text(f"{case.case_no} {CODE}"))
    assert (answer["ToUserName"], answer["FromUserName"], answer["MsgType"]) == ("oCitizen", "gh_1", "text")
    assert case.case_no in answer["Content"]
    assert "已分派至区城管局" in answer["Content"]
    assert "承诺办结时间：11月30日 18:00" in answer["Content"]


async def test_a_wrong_code_and_an_unknown_number_are_answered_alike_and_counted(account: House) -> None:
    case = await begun(account)
    wrong = await said(account, text(f"{case.case_no} AAAAAAAA", 1))
    unknown = await said(account, text(f"PS26112499999999 {CODE}", 2))
    assert wrong["Content"] == unknown["Content"]
    assert case.case_no not in wrong["Content"]
    [row] = await account.rows("SELECT sum(failures) AS n FROM attempts")
    assert row.n == 4  # number and sender, twice


async def test_other_words_are_answered_with_how_to_submit(account: House) -> None:
    assert LINK in (await said(account, text("楼下垃圾没人管")))["Content"]
    picture = written(ToUserName="gh_1", FromUserName="o", CreateTime=1, MsgType="image", MsgId=9)
    assert LINK in (await said(account, picture))["Content"]
    followed = written(ToUserName="gh_1", FromUserName="o", CreateTime=1, MsgType="event", Event="subscribe")
    assert "您好" in (await said(account, followed))["Content"]
    left = written(ToUserName="gh_1", FromUserName="o", CreateTime=2, MsgType="event", Event="unsubscribe")
    assert await said(account, left) == {}


async def test_a_repeated_message_gets_the_same_answer_and_counts_once(account: House) -> None:
    case = await begun(account)
    answers = [(await said(account, text(f"{case.case_no} AAAAAAAA", 7)))["Content"] for _ in range(3)]
    assert len(set(answers)) == 1
    [row] = await account.rows("SELECT sum(failures) AS n FROM attempts")
    assert row.n == 2
    stored = await account.rows("SELECT * FROM chat_messages")
    assert "oCitizen" not in str(stored)


async def test_a_forged_message_is_not_heard(account: House) -> None:
    answer = await account.http.post(
        "/v1/notices/wechat", params={**QUERY, "signature": "0" * 40}, content=text("a").encode()
    )
    assert answer.status_code == 403
    broken = {**QUERY, "signature": signature(TOKEN, *QUERY.values())}
    assert (await account.http.post("/v1/notices/wechat", params=broken, content=b"<xml")).status_code == 422


@pytest.mark.parametrize("compatible", [False, True])
async def test_in_safe_mode_question_and_answer_are_encrypted(open_house: Any, compatible: bool) -> None:
    envelope = Envelope(token=TOKEN, aes_key=AES_KEY, appid=APPID)
    async with open_house(**PUSH, wechat_push_key=AES_KEY) as house:
        case = await begun(house)
        inner = text(f"{case.case_no} {CODE}")
        encrypted = envelope.encrypted(inner.encode())
        plain = fields_of(inner.encode()) if compatible else {"ToUserName": "gh_1"}
        query = {**QUERY, "encrypt_type": "aes", "msg_signature": signature(TOKEN, *QUERY.values(), encrypted)}
        answer = await house.http.post(
            "/v1/notices/wechat", params=query, content=written(**plain, Encrypt=encrypted).encode()
        )
        sealed = fields_of(answer.content)
        envelope.check(sealed["MsgSignature"], sealed["TimeStamp"], sealed["Nonce"], sealed["Encrypt"])
        assert case.case_no in fields_of(envelope.decrypted(sealed["Encrypt"]))["Content"]
        refused = {**QUERY, "signature": signature(TOKEN, *QUERY.values())}
        unsealed = await house.http.post("/v1/notices/wechat", params=refused, content=inner.encode())
        assert unsealed.status_code == 403


async def test_without_an_account_there_is_no_such_door(house: House) -> None:
    assert (await house.http.get("/v1/notices/wechat")).status_code == 404


async def test_wechats_own_report_reaches_the_ledger(account: House, case: Case) -> None:
    await account.rows(
        "UPDATE notices SET state = 'sent', channel = 'wechat', provider_id = 'wechat:1700827132819554304',"
        " done_at = created_at RETURNING 1"
    )
    event = (
        "<xml><ToUserName>gh_1</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime>"
        "<MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event><SubscribeMsgSentEvent><List>"
        "<TemplateId>t</TemplateId><MsgID>1700827132819554304</MsgID><ErrorCode>0</ErrorCode>"
        "<ErrorStatus>success</ErrorStatus></List></SubscribeMsgSentEvent></xml>"
    )
    assert await said(account, event) == {}
    assert [row.reported for row in await account.rows("SELECT reported FROM notices")] == ["delivered"]
