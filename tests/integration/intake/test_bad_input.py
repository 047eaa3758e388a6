"""Whatever is sent wrongly gets a clear answer in two languages, at its field, and changes nothing."""

import json
from datetime import timedelta

import httpx
import pytest
from joserfc.jwk import OKPKey

from shared.tokens import Actor, TokenIssuer
from tests.integration.intake.conftest import HOTLINE, NOW, call

JSON = {"content-type": "application/json"}


@pytest.fixture
async def unchanged(house):
    """After the test everything is as it was when the test said `await unchanged()`."""
    before = {}

    async def mark():
        before.update(await house.counts())

    yield mark
    assert await house.counts() == before


def problem(answer: httpx.Response, status: int, pointer: str | None = None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["type"].startswith("urn:huying:problem:")
    assert body["title"].isascii()
    assert not body["title_zh"].isascii()
    if pointer is not None:
        assert pointer in [error["pointer"] for error in body["errors"]]
        assert all(error["detail"] and error["zh"] for error in body["errors"])
    return body


CASES = [
    ({}, "/text"),
    ({"text": None}, "/text"),
    ({"text": 5}, "/text"),
    ({"text": ""}, "/text"),
    ({"text": " \n\u200b "}, "/text"),
    ({"text": "水"}, "/text"),
    ({"text": "水" * 100_000}, "/text"),
    ({"text": "水管\0爆裂"}, "/text"),
    ({"text": "路灯不亮", "title": "长" * 101}, "/title"),
    ({"text": "路灯不亮", "titel": "x"}, "/titel"),
    ({"text": "路灯不亮", "type_code": "rant"}, "/type_code"),
    ({"text": "路灯不亮", "category_code": "01/../../etc"}, "/category_code"),
    ({"text": "路灯不亮", "category_code": "x" * 41}, "/category_code"),
    ({"text": "路灯不亮", "accused_unit_code": "城管局"}, "/accused_unit_code"),
    ({"text": "路灯不亮", "channel": "九九九热线"}, "/channel"),
    ({"text": "路灯不亮", "channel": "12345"}, "/channel"),
    ({"text": "路灯不亮", "anonymous": "yes"}, "/anonymous"),
    ({"text": "路灯不亮", "occurred_at": "2026-03-03T08:00:00Z"}, "/occurred_at"),
    ({"text": "路灯不亮", "occurred_at": "1999-01-01T00:00:00Z"}, "/occurred_at"),
    ({"text": "路灯不亮", "occurred_at": "2026-03-01T08:00:00"}, "/occurred_at"),
    ({"text": "路灯不亮", "occurred_at": "0001-01-01T00:00:00+14:00"}, "/occurred_at"),
    ({"text": "路灯不亮", "occurred_at": "昨天"}, "/occurred_at"),
    ({"text": "路灯不亮", "occurred_at": 1772000000}, "/occurred_at"),
    ({"text": "路灯不亮", "attachments": ["x"]}, "/attachments/0"),
    ({"text": "路灯不亮", "attachments": ["0192f3a0-7f3e-7cc0-8000-000000000001"]}, "/attachments/0"),
    ({"text": "路灯不亮", "attachments": ["0192f3a0-7f3e-7cc0-8000-000000000001"] * 2}, "/attachments"),
    (
        {"text": "路灯不亮", "attachments": [f"0192f3a0-7f3e-7cc0-8000-00000000000{n}" for n in range(10)]},
        "/attachments",
    ),
    ({"text": "路灯不亮", "place": {"address": "路" * 201}}, "/place/address"),
    ({"text": "路灯不亮", "place": {"position": {"lat": 114.3, "lon": 22.7, "system": "gcj02"}}}, "/place/position"),
    ({"text": "路灯不亮", "place": {"position": {"lat": 0, "lon": 0, "system": "gcj02"}}}, "/place/position"),
    (
        {"text": "路灯不亮", "place": {"position": {"lat": 22.7, "lon": 114.3, "system": "bd09"}}},
        "/place/position/system",
    ),
    (
        {"text": "路灯不亮", "place": {"position": {"lat": "22", "lon": 114.3, "system": "gcj02"}}},
        "/place/position/lat",
    ),
    ([], ""),
    ("路灯不亮", ""),
]


@pytest.mark.parametrize(("body", "pointer"), CASES)
async def test_a_bad_case_is_refused_at_its_field(house, unchanged, body, pointer):
    lin = await house.citizen("lin")
    await unchanged()
    refused = problem(await house.http.post("/v1/cases", json=body, headers=lin), 422)
    assert any(error["pointer"].rstrip("/") == pointer for error in refused["errors"]), refused


CALLS = [
    (call(caller={"phone": "12345"}), "/caller/phone"),
    (call(caller={"phone": "138123456789"}), "/caller/phone"),
    (call(caller={"phone": "无"}), "/caller/phone"),
    (call(caller={"phone": "1" * 41}), "/caller/phone"),
    (call(caller={"phone": "13812345678", "name": "长" * 41}), "/caller/name"),
    (call(caller={}), "/caller/phone"),
    ({"call_id": "C-1", "text": "路灯不亮"}, "/caller"),
    (call(call_id=""), "/call_id"),
    (call(call_id="编号"), "/call_id"),
    (call(received_at="2026-03-02T09:00:00Z"), "/received_at"),
    (call(received_at="2025-12-01T09:00:00Z"), "/received_at"),
    (call(received_at="2026-03-01 09:00"), "/received_at"),
    (call(channel="区长信箱"), "/channel"),
]


@pytest.mark.parametrize(("body", "pointer"), CALLS)
async def test_a_bad_call_is_refused_at_its_field(house, unchanged, body, pointer):
    await unchanged()
    problem(await house.http.post("/v1/calls", json=body, headers=HOTLINE), 422, pointer)


LETTERS = [
    ({"text": "路灯不亮", "sender": {"phone": "28881234"}}, "/sender/phone"),
    ({"text": "路灯不亮", "sender": {"mail": "nobody"}}, "/sender/mail"),
    ({"text": "路灯不亮", "sender": {"mail": "a@b"}}, "/sender/mail"),
    ({"text": "路灯不亮", "sender": {"mail": "a@" + "b" * 260 + ".cn"}}, "/sender/mail"),
    ({"text": "路灯不亮", "sender": {"name": "\0"}}, "/sender/name"),
    ({"text": "路灯不亮", "sender": {"id_card": "1"}}, "/sender/id_card"),
]


@pytest.mark.parametrize(("body", "pointer"), LETTERS)
async def test_a_bad_letter_is_refused_at_its_field(house, unchanged, body, pointer):
    await unchanged()
    problem(await house.http.post("/v1/letters", json=body), 422, pointer)


async def test_all_faults_are_told_at_once_without_quoting_what_was_sent(house):
    body = call(text="", caller={"phone": "13812", "name": "长" * 41}, occurred_at="2030-01-01T00:00:00Z")
    refused = problem(await house.http.post("/v1/calls", json=body, headers=HOTLINE), 422)
    pointers = {error["pointer"] for error in refused["errors"]}
    assert pointers == {"/text", "/caller/phone", "/caller/name", "/occurred_at"}
    assert "13812" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        ("路灯不亮".encode("gb18030"), JSON, 422),
        (json.dumps({"text": "路灯不亮"}, ensure_ascii=False).encode("gb18030"), JSON, 422),
        (json.dumps({"text": "路灯不亮"}).encode("utf-16"), JSON, 422),
        (b'{"text": "\\ud83d"}', JSON, 422),
        (b"{", JSON, 422),
        (b"", JSON, 422),
        (b"[" * 100_000, JSON, 422),
        (b'{"text": "' + b"x" * 1_100_000 + b'"}', JSON, 413),
        ("text=路灯不亮".encode(), {"content-type": "application/x-www-form-urlencoded"}, 415),
        ('{"text": "路灯不亮"}'.encode(), {}, 415),
    ],
)
async def test_a_body_that_is_not_the_expected_json_is_refused(house, unchanged, content, headers, status):
    await unchanged()
    problem(await house.http.post("/v1/letters", content=content, headers=headers), status)


async def test_a_body_without_a_length_is_bounded_too(house, unchanged):
    async def endless():
        while True:
            yield b" " * 65_536

    await unchanged()
    problem(await house.http.post("/v1/letters", content=endless(), headers=JSON), 413)


async def test_a_login_is_needed_where_it_is_needed(house, unchanged):
    lin = await house.citizen("lin")
    operator = house.token("staff", "op1", "operator")
    await unchanged()
    body = {"text": "路灯不亮"}
    problem(await house.http.post("/v1/cases", json=body), 401)
    problem(await house.http.post("/v1/cases", json=body, headers=operator), 403)
    problem(await house.http.post("/v1/cases", json=body, headers=HOTLINE), 403)
    problem(await house.http.post("/v1/calls", json=call()), 401)
    problem(await house.http.post("/v1/calls", json=call(), headers=lin), 403)
    problem(await house.http.post("/v1/calls", json=call(), headers=house.token("staff", "h1", "handler")), 403)
    problem(await house.http.get("/v1/cases"), 401)
    problem(await house.http.get("/v1/cases", headers=operator), 403)


async def test_stale_foreign_and_forged_tokens_are_refused(house, unchanged):
    stale = house.token("citizen", "0192f3a0-7f3e-7cc0-8000-000000000001", days=1)
    issuer = TokenIssuer(json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True)))
    actor = Actor("0192f3a0-7f3e-7cc0-8000-000000000001", "citizen")
    foreign = issuer.issue(actor, now=NOW, lifetime=timedelta(days=1))
    house.clock.advance(days=2)
    await unchanged()
    unknown = house.token("citizen", "0192f3a0-7f3e-7cc0-8000-000000000002")
    nameless = house.token("citizen", "somebody")
    for header in (
        stale,
        unknown,
        nameless,
        {"Authorization": f"Bearer {foreign}"},
        {"Authorization": "Bearer hyk_unknown"},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Basic Zm9v"},
    ):
        refused = await house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=header)
        problem(refused, 401)
        assert refused.headers["www-authenticate"] == "Bearer"


async def test_somebody_elses_case_is_as_unknown_as_none(house):
    lin, wang = await house.citizen("lin"), await house.citizen("wang")
    number = (await house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=lin)).json()["case_no"]
    foreign = problem(await house.http.get(f"/v1/cases/{number}", headers=wang), 404)
    missing = problem(await house.http.get("/v1/cases/PS26030299999976", headers=wang), 422)
    assert missing["errors"][0]["pointer"] == "path/case_no"
    assert foreign["type"].endswith("no-such-case")


@pytest.mark.parametrize("number", ["PS1", "%00", "x" * 41, "PS24112400012374", "..%2f..", "名字"])
async def test_what_is_no_case_number_is_refused(house, number):
    lin = await house.citizen("lin")
    assert (await house.http.get(f"/v1/cases/{number}", headers=lin)).status_code in {400, 404, 422}


@pytest.mark.parametrize(
    ("query", "pointer"), [("limit=0", "query/limit"), ("limit=101", "query/limit"), ("after=x", "query/after")]
)
async def test_a_bad_page_is_refused_at_its_parameter(house, query, pointer):
    lin = await house.citizen("lin")
    problem(await house.http.get(f"/v1/cases?{query}", headers=lin), 422, pointer)


async def test_letters_from_one_address_are_limited_and_the_limit_passes(open_house):
    async with open_house(letters_per_hour=3) as house:
        for n in range(3):
            assert (await house.http.post("/v1/letters", json={"text": f"第{n}封信"})).status_code == 201
        counts = await house.counts()
        refused = await house.http.post("/v1/letters", json={"text": "第四封信"})
        problem(refused, 429)
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert await house.counts() == counts
        house.clock.advance(hours=1)
        assert (await house.http.post("/v1/letters", json={"text": "第四封信"})).status_code == 201
