"""The real login client against the fake that speaks WeChat's answers, answer by answer."""

import logging

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from services.intake.wechat import (
    PATH,
    AccountBlocked,
    LoginCodeInvalid,
    LoginCodeUsed,
    LoginTooOften,
    WeChatLogin,
    WeChatUnavailable,
)
from services.intake.wechat_fake import DEMO_APPID, DEMO_SECRET, demo_server, fake_wechat, openid_of


def at(app):
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://wechat.test", timeout=5)


@pytest.fixture
async def http():
    async with at(demo_server()) as client:
        yield client


@pytest.fixture
def login(http):
    return WeChatLogin(http, appid=DEMO_APPID, secret=DEMO_SECRET)


async def test_one_person_has_one_openid_whatever_the_code(login):
    first, again, other = [await login.identify(code) for code in ("demo-lin", "demo-lin.2", "demo-chen")]
    assert first.openid == again.openid == openid_of("lin") != other.openid
    assert (len(first.openid), first.openid[0], first.unionid) == (28, "o", None)


async def test_an_app_on_the_open_platform_also_learns_the_unionid():
    async with at(fake_wechat(unionid=True)) as client:
        found = await WeChatLogin(client, appid=DEMO_APPID, secret=DEMO_SECRET).identify("demo-lin")
    assert found.unionid
    assert found.unionid != found.openid


async def test_another_app_sees_another_openid():
    assert openid_of("lin") != openid_of("lin", "wx1111111111111111")


async def test_a_code_works_once(login):
    await login.identify("demo-lin")
    with pytest.raises(LoginCodeUsed) as refused:
        await login.identify("demo-lin")
    assert refused.value.kind == "unauthenticated"


@pytest.mark.parametrize(
    ("code", "error", "kind", "retry_after"),
    [
        ("bad-1", LoginCodeInvalid, "unauthenticated", None),
        ("unheard-of", LoginCodeInvalid, "unauthenticated", None),
        ("often-1", LoginTooOften, "too_many", 60),
        ("risk-1", AccountBlocked, "forbidden", None),
        ("busy-1", WeChatUnavailable, "unavailable", 5),
        ("gateway-1", WeChatUnavailable, "unavailable", 5),
        ("garbled-1", WeChatUnavailable, "unavailable", 5),
    ],
)
async def test_every_answer_of_wechat_has_its_error(login, code, error, kind, retry_after):
    with pytest.raises(error) as refused:
        await login.identify(code)
    assert (refused.value.kind, refused.value.retry_after) == (kind, retry_after)
    assert refused.value.zh
    assert code not in str(refused.value)


@pytest.mark.parametrize(("appid", "secret"), [("wx1", DEMO_SECRET), (DEMO_APPID, "wrong"), ("", ""), (DEMO_APPID, "")])
async def test_a_wrong_app_is_our_trouble_not_the_citizens(http, caplog, appid, secret):
    with pytest.raises(WeChatUnavailable):
        await WeChatLogin(http, appid=appid, secret=secret).identify("demo-lin")
    assert any("errcode 4" in line.getMessage() and line.levelno == logging.ERROR for line in caplog.records)


@pytest.mark.parametrize("code", ["", "x" * 257, "demo-林", "demo-\n", "\0"])
async def test_what_cannot_be_a_code_is_refused_without_asking(code):
    async with httpx.AsyncClient(base_url="http://nobody.invalid") as client:
        with pytest.raises(LoginCodeInvalid):
            await WeChatLogin(client, appid=DEMO_APPID, secret=DEMO_SECRET).identify(code)


async def test_a_wechat_that_does_not_answer_is_unavailable(unused_tcp_port):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{unused_tcp_port}", timeout=2) as client:
        with pytest.raises(WeChatUnavailable) as refused:
            await WeChatLogin(client, appid=DEMO_APPID, secret=DEMO_SECRET).identify("demo-lin")
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__


@pytest.mark.parametrize(
    "answer", [[], "text", {}, {"openid": ""}, {"openid": 5}, {"errcode": "40029"}, {"errcode": None}]
)
async def test_an_answer_beside_the_contract_is_unavailable(answer):
    async def odd(_request):
        return JSONResponse(answer)

    async with at(Starlette(routes=[Route(PATH, odd)])) as client:
        with pytest.raises(WeChatUnavailable):
            await WeChatLogin(client, appid=DEMO_APPID, secret=DEMO_SECRET).identify("demo-lin")


async def test_neither_secret_nor_code_nor_session_key_nor_openid_reaches_a_log(login, http, caplog):
    with caplog.at_level(logging.DEBUG):
        found = await login.identify("demo-lin")
        with pytest.raises(LoginCodeUsed):
            await login.identify("demo-lin")
        with pytest.raises(WeChatUnavailable):
            await login.identify("gateway-1")
        await http.get("/other")
    written = "\n".join(f"{line.getMessage()} {line.args}" for line in caplog.records)
    assert "/other" in written
    for secret in (DEMO_SECRET, "demo-lin", "gateway-1", "session_key", found.openid):
        assert secret not in written
    assert found.openid not in repr(found)


@pytest.mark.parametrize(
    ("left_out", "errcode"),
    [("appid", 41002), ("secret", 41004), ("js_code", 41008), ("grant_type", 40002)],
)
async def test_the_fake_misses_what_wechat_would_miss(http, left_out, errcode):
    query = {"appid": DEMO_APPID, "secret": DEMO_SECRET, "js_code": "demo-lin", "grant_type": "authorization_code"}
    del query[left_out]
    response = await http.get(PATH, params=query)
    assert response.headers["content-type"].startswith("text/plain")
    assert response.json()["errcode"] == errcode


async def test_the_fake_answers_a_login_with_wechats_fields(http):
    query = {"appid": DEMO_APPID, "secret": DEMO_SECRET, "js_code": "demo-lin", "grant_type": "authorization_code"}
    answer = (await http.get(PATH, params=query)).json()
    assert set(answer) == {"openid", "session_key"}
    assert len(answer["session_key"]) == 24
