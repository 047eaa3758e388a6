"""WeChat's content check against a stand-in that fetches, judges and pushes as WeChat does."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.feedback.checking import PhotoChecks
from services.feedback.providers.fake_media_check import FakeMediaCheck
from services.feedback.providers.media_check import WeChatChecker
from services.feedback.providers.wechat_token import TokenKeeper
from shared.vault import Vault
from tests.integration.feedback.conftest import Case, House, answered, begun, jpeg
from tests.integration.feedback.test_photo_desk import shown, staff
from tests.integration.feedback.test_photos import added

APPID, SECRET, OPENID, TOKEN = "wx0000000000000000", "secret", "oOPERATOR0000000000000000000", "pushtoken"
VAULT = Vault({"a": b"a" * 32}, current="a", index_key=b"i" * 32)
KEY = base64.b64encode(b"k" * 32).decode().rstrip("=")


@dataclass
class Checked:
    house: House
    wechat: FakeMediaCheck
    loop: PhotoChecks

    async def push(self, trace_id: str | None = None, *, form: str = "json", token: str = TOKEN) -> httpx.Response:
        """The result of the last check, as WeChat would send it."""
        envelope = self.house.context.parts["check_envelope"]
        safe = bool(self.house.context.settings.photo_check_push_key.get_secret_value())
        query, body = self.wechat.push(trace_id or list(self.wechat.waiting)[-1], envelope, token, form=form, safe=safe)
        return await self.house.http.post("/v1/photos/checks/wechat", params=query, content=body)

    async def state(self) -> tuple[str, str]:
        [row] = await self.house.rows("SELECT state, reason FROM photo_records")
        return row.state, row.reason


@asynccontextmanager
async def checked(open_house: Any, *, push_key: str = "", **more: Any) -> AsyncIterator[Checked]:
    settings = {
        "photo_check": "wechat",
        "photo_check_openid": OPENID,
        "photo_check_address": "http://reply.test",
        "photo_check_push_token": TOKEN,
        "photo_check_push_key": push_key,
        "wechat_appid": APPID,
        "wechat_secret": SECRET,
        **more,
    }
    async with open_house(**settings) as house:
        wechat = FakeMediaCheck(APPID, SECRET, house.http, {OPENID})
        transport = httpx.ASGITransport(wechat.app())
        async with httpx.AsyncClient(transport=transport, base_url="http://wechat.test") as http:
            tokens = TokenKeeper(http, house.context.begin, house.clock, VAULT, appid=APPID, secret=SECRET)
            checker = WeChatChecker(http, tokens, house.context.parts["check_links"], openid=OPENID)
            yield Checked(house, wechat, PhotoChecks(house.context, checker))


async def photographed(house: House, color: str) -> tuple[Case, Any]:
    case = await begun(house)
    photo_id = await added(house, case, data=jpeg(color))
    await answered(house, case, photo_id)
    return case, photo_id


@pytest.mark.parametrize("push_key", ["", KEY])
@pytest.mark.parametrize("form", ["json", "xml"])
async def test_a_photo_appears_when_the_check_has_passed_it(open_house: Any, form: str, push_key: str) -> None:
    async with checked(open_house, push_key=push_key) as it:
        case, photo_id = await photographed(it.house, "green")
        assert (await it.house.view(case))["replies"][0]["photos"] == []
        await it.loop.run_once()
        assert (await it.state())[0] == "asked"
        heard = await it.push(form=form)
        assert (heard.status_code, heard.text) == (200, "success")
        assert await it.state() == ("passed", "pass 100")
        assert len((await it.house.view(case))["replies"][0]["photos"]) == 1
        citizen = it.house.token("citizen", case.citizen_id)
        assert (await shown(it.house, photo_id, citizen)).status_code == 200


async def test_what_the_check_does_not_pass_is_hidden_and_waits_for_a_person(open_house: Any) -> None:
    async with checked(open_house) as it:
        case, photo_id = await photographed(it.house, "red")
        await it.loop.run_once()
        assert (await it.push()).status_code == 200
        assert await it.state() == ("held", "risky 20002")
        assert (await it.house.view(case))["replies"][0]["photos"] == []
        reviewer = staff(it.house, "reviewer")
        [held] = (await it.house.http.get("/v1/photos", headers=reviewer)).json()["items"]
        assert (held["photo_id"], held["reason"]) == (str(photo_id), "risky 20002")
        await it.house.http.put(f"/v1/photos/{photo_id}/decision", json={"public": True}, headers=reviewer)
        assert len((await it.house.view(case))["replies"][0]["photos"]) == 1


async def test_a_forged_or_unknown_result_changes_nothing(open_house: Any) -> None:
    async with checked(open_house) as it:
        await photographed(it.house, "green")
        await it.loop.run_once()
        assert (await it.push(token="guessed")).status_code == 403
        it.wechat.waiting["67458c0e-ffffffff-2b097fcf"] = {"errcode": 0, "result": {"suggest": "pass", "label": 100}}
        assert (await it.push()).status_code == 404
        assert (await it.state())[0] == "asked"
        assert (await it.house.http.post("/v1/photos/checks/wechat", content=b"garbled")).status_code == 422


async def test_with_a_key_set_nothing_unencrypted_is_believed(open_house: Any) -> None:
    async with checked(open_house, push_key=KEY) as it:
        await photographed(it.house, "green")
        await it.loop.run_once()
        [trace_id] = it.wechat.waiting
        envelope = it.house.context.parts["check_envelope"]
        query, body = it.wechat.push(trace_id, envelope, TOKEN, form="json", safe=False)
        plain = await it.house.http.post("/v1/photos/checks/wechat", params=query, content=body)
        assert plain.status_code == 403
        assert (await it.state())[0] == "asked"


async def test_a_picture_wechat_cannot_fetch_waits_for_a_person(open_house: Any) -> None:
    async with checked(open_house, photo_check_address="http://reply.test/elsewhere") as it:
        await photographed(it.house, "green")
        await it.loop.run_once()
        assert (await it.push()).status_code == 200
        assert await it.state() == ("held", "errcode -1008")


async def test_a_stale_token_is_replaced_and_a_passing_error_tried_again(open_house: Any) -> None:
    async with checked(open_house) as it:
        await photographed(it.house, "green")
        it.wechat.quota = 0
        await it.loop.run_once()
        assert await it.state() == ("waiting", "errcode 45009")
        it.wechat.quota, it.wechat.token = 1, "token-2"
        it.house.clock.advance(minutes=1)
        await it.loop.run_once()
        assert (await it.state())[0] == "asked"


async def test_a_check_that_is_never_possible_or_never_answered_ends_with_a_person(open_house: Any) -> None:
    async with checked(open_house) as it:
        await photographed(it.house, "green")
        it.wechat.visitors.clear()
        for _ in range(6):
            await it.loop.run_once()
            it.house.clock.advance(hours=2)
        assert await it.state() == ("held", "errcode 61010")
    async with checked(open_house) as it:
        case = await begun(it.house, 2)
        await added(it.house, case, data=jpeg("green"))
        await it.loop.run_once()
        it.house.clock.advance(hours=1)
        await it.loop.run_once()
        states = await it.house.rows("SELECT reason FROM photo_records WHERE state = 'held' ORDER BY photo_id")
        assert [row.reason for row in states] == ["errcode 61010", "no answer"]


async def test_a_persons_word_stands_above_a_result_that_comes_later(open_house: Any) -> None:
    async with checked(open_house) as it:
        _, photo_id = await photographed(it.house, "green")
        await it.loop.run_once()
        url = f"/v1/photos/{photo_id}/decision"
        await it.house.http.put(url, json={"public": False}, headers=staff(it.house, "reviewer"))
        assert (await it.push()).status_code == 404
        assert await it.state() == ("hidden", "person")


async def test_the_link_for_the_check_is_signed_and_ends(open_house: Any) -> None:
    async with checked(open_house) as it:
        _, photo_id = await photographed(it.house, "green")
        links, now = it.house.context.parts["check_links"], it.house.clock.now()
        link = links.link(photo_id, now + timedelta(minutes=1))
        assert (await it.house.http.get(link)).status_code == 200
        assert (await it.house.http.get(link[:-1] + ("0" if link[-1] != "0" else "1"))).status_code == 404
        assert (await it.house.http.get(f"/v1/photos/{photo_id}/for-check")).status_code == 404
        it.house.clock.advance(minutes=2)
        assert (await it.house.http.get(link)).status_code == 404


async def test_without_a_connection_to_wechat_its_address_does_not_exist(house: House) -> None:
    assert (await house.http.post("/v1/photos/checks/wechat", content=b"{}")).status_code == 404
    assert (await house.http.get("/v1/photos/checks/wechat")).status_code == 404
