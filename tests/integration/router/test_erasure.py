"""Erasing a citizen: nobody's at once; the words stay as long as somebody has to act on them, and not an instant longer."""

from uuid import UUID

import pytest

from contracts.events.feedback import CitizenDissatisfied, RatingSubmitted
from contracts.events.intake import CitizenErased
from services.router.upkeep import Upkeep
from shared.ids import new_id
from tests.integration.router.desk import House, Person, submitted

TITLE, WORDS, ADDRESS = "垃圾没人清运", "巷口的垃圾堆了三天没人拉，苍蝇乱飞", "六联社区某巷口"
CONTENT = RatingSubmitted(round=1, speed=5, result=5, attitude=5, system=5, solved=True, satisfied=True)


async def erase(house: House, citizen: UUID) -> None:
    await house.say(citizen, CitizenErased(citizen_id=citizen), loose=True)


async def reply(house: House, unit: Person, reviewer: Person, case_id: UUID) -> None:
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/sign")
    photo = await house.photo(case_id, order)
    await unit.did(f"/orders/{order}/resolve", {"public_reply": "垃圾已于当日清运完毕", "photo_ids": [str(photo)]})
    await reviewer.did(f"/orders/{order}/review", {"outcome": "approve", "closing_condition_met": True})


async def words(house: House, case_id: UUID) -> tuple[str, str, str | None]:
    (row,) = await house.rows("SELECT * FROM cases WHERE case_id = :case", case=case_id)
    assert row.citizen_id is None
    assert row.place["area_code"] == "440310001"
    return row.title, row.text, row.place.get("address")


async def test_a_unit_that_has_to_act_still_reads_what_about_until_the_case_is_closed(
    house: House, unit: Person, reviewer: Person
) -> None:
    citizen = new_id()
    case_id = await house.submit(citizen_id=citizen)
    await erase(house, citizen)
    await house.hear()
    order = (await unit.get(f"/orders/{await house.lead(case_id)}")).json()
    assert (order["title"], order["text"], order["place"]["address"]) == (TITLE, WORDS, ADDRESS)
    assert await words(house, case_id) == (TITLE, WORDS, ADDRESS)
    await reply(house, unit, reviewer, case_id)
    assert (await words(house, case_id))[1] == WORDS
    await house.told(case_id, CONTENT)
    assert await words(house, case_id) == ("", "", None)
    feed = await house.rows("SELECT body FROM feed")
    assert not any(WORDS.encode() in row.body for row in feed)


async def test_of_a_case_that_is_closed_the_words_go_at_once(house: House, unit: Person, reviewer: Person) -> None:
    citizen = new_id()
    case_id = await house.submit(citizen_id=citizen)
    await reply(house, unit, reviewer, case_id)
    await house.told(case_id, CONTENT)
    await erase(house, citizen)
    await house.hear()
    assert await words(house, case_id) == ("", "", None)


async def test_a_case_closed_by_hand_is_wiped_too(house: House, dispatcher: Person) -> None:
    citizen = new_id()
    case_id = await house.submit(citizen_id=citizen, text="你好", title="", category_code=None, type_code=None)
    await erase(house, citizen)
    await house.hear()
    assert (await words(house, case_id))[1] == "你好"
    closed = await dispatcher.did(f"/desk/cases/{case_id}/close", {"reason_code": "no_content"})
    assert (closed["state"], closed["text"]) == ("closed", "")
    assert (await words(house, case_id))[1] == ""


async def test_an_erasure_in_the_batch_that_brings_the_request_or_closes_it_is_not_missed(
    house: House, unit: Person, reviewer: Person
) -> None:
    citizen, older, newer = new_id(), new_id(), new_id()
    await house.told(older, submitted(citizen_id=citizen))
    await reply(house, unit, reviewer, older)
    await house.say(newer, submitted(citizen_id=citizen))
    await erase(house, citizen)
    await house.hear()
    await house.told(older, CONTENT)
    assert (await words(house, newer))[1] == WORDS
    assert (await words(house, older))[1] == ""


async def test_a_request_that_comes_after_its_erasure_is_caught_up_with(house: House) -> None:
    citizen, case_id = new_id(), new_id()
    await erase(house, citizen)
    await house.hear()
    await house.told(case_id, submitted(citizen_id=citizen))
    upkeep = Upkeep(house.context)
    assert await upkeep.run_once() is False
    await upkeep.close()
    (row,) = await house.rows("SELECT citizen_id, erased_at FROM cases WHERE case_id = :case", case=case_id)
    assert row.citizen_id is None
    assert row.erased_at is not None


@pytest.fixture
async def wiped(house: House, unit: Person, reviewer: Person) -> UUID:
    """A case nobody rated in time, whose citizen was erased."""
    citizen = new_id()
    case_id = await house.submit(citizen_id=citizen)
    await reply(house, unit, reviewer, case_id)
    await reviewer.did(f"/desk/cases/{case_id}/close", {})
    await erase(house, citizen)
    await house.hear()
    return case_id


async def test_a_case_without_words_is_not_taken_up_again(house: House, wiped: UUID, reviewer: Person) -> None:
    view = (await reviewer.get(f"/desk/cases/{wiped}")).json()
    (shown,) = [one for one in view["allowed_actions"] if one["action"] == "reopen"]
    assert not shown["allowed"]
    refused = await reviewer.post(f"/desk/cases/{wiped}/reopen")
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:huying:problem:words-erased")
    before = await house.kinds(wiped)
    await house.told(wiped, CitizenDissatisfied(round=1))
    assert await house.kinds(wiped) == before


async def test_other_citizens_keep_what_they_said(house: House) -> None:
    case_id = await house.submit()
    await erase(house, new_id())
    await house.hear()
    (row,) = await house.rows("SELECT citizen_id, text, erased_at FROM cases WHERE case_id = :case", case=case_id)
    assert (row.citizen_id is not None, row.text, row.erased_at) == (True, WORDS, None)
