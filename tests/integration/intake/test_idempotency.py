"""A repeated request gets its first answer, whatever happens meanwhile, and makes nothing twice."""

import asyncio

import pytest

from tests.integration.intake.conftest import HOTLINE, call

KEY = {"Idempotency-Key": "0192f3a0-7f3e-7cc0-8000-000000000001"}


async def test_the_same_request_gets_the_same_answer_byte_for_byte(house):
    lin = await house.citizen("lin")
    body = {"text": "路灯不亮", "title": "路灯"}
    first = await house.http.post("/v1/cases", json=body, headers=lin | KEY)
    counts = await house.counts()
    again = await house.http.post("/v1/cases", json=body, headers=lin | KEY)
    reordered = await house.http.post(
        "/v1/cases",
        content='{ "title": "路灯", "text": "路灯不亮" }',
        headers=lin | KEY | {"content-type": "application/json"},
    )
    assert first.status_code == again.status_code == reordered.status_code == 201
    assert first.content == again.content == reordered.content
    assert await house.counts() == counts


@pytest.mark.parametrize("door", ["/v1/calls", "/v1/letters"])
async def test_a_repetition_writes_no_second_person(house, door):
    body = call() if door == "/v1/calls" else {"text": "路灯不亮", "sender": {"phone": "13812345678"}}
    first = await house.http.post(door, json=body, headers=HOTLINE | KEY)
    counts = await house.counts()
    again = await house.http.post(door, json=body, headers=HOTLINE | KEY)
    assert (first.status_code, first.content) == (201, again.content)
    assert await house.counts() == counts


@pytest.mark.parametrize("door", ["/v1/calls", "/v1/letters"])
async def test_the_same_key_with_another_body_is_refused_and_changes_nothing(house, door):
    body = call() if door == "/v1/calls" else {"text": "路灯不亮", "sender": {"phone": "13812345678"}}
    other = (
        call(caller={"phone": "13900000000"})
        if door == "/v1/calls"
        else {"text": "换了内容", "sender": {"mail": "a@b.cn"}}
    )
    await house.http.post(door, json=body, headers=HOTLINE | KEY)
    counts = await house.counts()
    refused = await house.http.post(door, json=other, headers=HOTLINE | KEY)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:huying:problem:idempotency-key-reused"
    assert await house.counts() == counts


async def test_a_key_belongs_to_its_sender_and_its_door(house):
    lin, wang = await house.citizen("lin"), await house.citizen("wang")
    body = {"text": "路灯不亮"}
    answers = [await house.http.post("/v1/cases", json=body, headers=who | KEY) for who in (lin, wang)]
    answers.append(await house.http.post("/v1/letters", json=body, headers=KEY))
    assert len({answer.json()["case_id"] for answer in answers}) == 3


async def test_twins_that_arrive_together_make_one_case(house):
    """INVARIANT: one key, one case, over all requests of one process."""
    lin = await house.citizen("lin")
    answers = await asyncio.gather(
        *(house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=lin | KEY) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert (await house.counts())["cases"] == 1
    assert len(await house.events("case.submitted.v1")) == 1


async def test_twins_at_two_processes_make_one_case_and_one_person(open_house):
    """INVARIANT: one key, one case, and one phone, one person, over all processes."""
    async with open_house() as one, open_house() as two:
        twins = [
            house.http.post(
                "/v1/calls",
                json=call(call_id=f"C-{n}"),
                headers=HOTLINE | {"Idempotency-Key": f"call-{n:08}"},
            )
            for n in range(30)
            for house in (one, two)
        ]
        answers = await asyncio.gather(*twins)
        assert {answer.status_code for answer in answers} == {201}
        assert all(answers[n].content == answers[n + 1].content for n in range(0, 60, 2))
        counts = await one.counts()
        assert (counts["cases"], counts["persons"]) == (30, 1)
        assert len({event["data"]["citizen_id"] for event in await one.events("case.submitted.v1")}) == 1
        assert len(await one.events("contact.changed.v1")) == 1


async def test_a_key_that_was_refused_may_be_used_again(house):
    lin = await house.citizen("lin")
    unknown = {"text": "路灯不亮", "attachments": ["0192f3a0-7f3e-7cc0-8000-000000000009"]}
    refused = await house.http.post("/v1/cases", json=unknown, headers=lin | KEY)
    assert refused.status_code == 422
    assert (await house.counts())["idempotency_keys"] == 0
    taken = await house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=lin | KEY)
    assert taken.status_code == 201


@pytest.mark.parametrize("key", ["short", "x" * 129, "钥匙钥匙钥匙钥匙".encode(), "tab\tin\tthe\tmiddle"])
async def test_a_malformed_key_is_refused_at_its_header(house, key):
    refused = await house.http.post("/v1/letters", json={"text": "路灯不亮"}, headers={"Idempotency-Key": key})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "header/Idempotency-Key"


async def test_keys_are_kept_hashed_and_answers_encrypted(house):
    await house.http.post("/v1/letters", json={"text": "路灯不亮"}, headers=KEY)
    [row] = await house.rows("SELECT t::text AS line FROM idempotency_keys t")
    for clear in (KEY["Idempotency-Key"], "look_up_code"):
        assert clear not in row.line
        assert clear.encode().hex() not in row.line


async def test_in_a_group_each_gets_its_own_answer(house):
    """A repetition, a reuse, a new one and a forgotten citizen in one commit do not disturb one another."""
    lin, gone = await house.citizen("lin"), await house.citizen("gone")
    first = await house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=lin | KEY)
    await house.http.delete("/v1/sessions/person", headers=gone)
    new = {"Idempotency-Key": "another-key"}
    answers = await asyncio.gather(
        house.http.post("/v1/cases", json={"text": "路灯不亮"}, headers=lin | KEY),
        house.http.post("/v1/cases", json={"text": "别的内容"}, headers=lin | KEY),
        house.http.post("/v1/cases", json={"text": "新的一件"}, headers=lin | new),
        house.http.post("/v1/cases", json={"text": "已注销"}, headers=gone),
        house.http.post("/v1/calls", json=call(), headers=HOTLINE),
        house.http.post("/v1/letters", json={"text": "一封来信"}),
    )
    assert [answer.status_code for answer in answers] == [201, 409, 201, 401, 201, 201]
    assert answers[0].content == first.content
