"""Cases about the same: proposed with the evidence, merged, answered together, set free again."""

from uuid import UUID

import pytest

from contracts.events.feedback import CitizenDissatisfied, RatingSubmitted
from contracts.events.intake import CaseWithdrawn, Place
from services.router import candidates
from shared.ids import new_id
from tests.integration.router.desk import START, House, Person
from tests.integration.router.test_life import handle

NEAR = Place(address="六联社区某巷口", area_code="440310001")


async def merged(dispatcher: Person, case_id: UUID, master: UUID, kind: str = "same_fact") -> dict[str, object]:
    view: dict[str, object] = await dispatcher.did(
        f"/desk/cases/{case_id}/merge", {"master_case_id": str(master), "kind": kind}
    )
    return view


async def state(house: House, case_id: UUID) -> tuple[str, str | None]:
    [row] = await house.rows("SELECT state, outcome FROM cases WHERE case_id = :case", case=case_id)
    return row.state, row.outcome


@pytest.fixture
async def pair(house: House) -> tuple[UUID, UUID]:
    """A master-to-be, and a later case of somebody else about the same."""
    master = await house.submit(case_no="PS26091400000188")
    later = await house.submit(
        case_no="PS26091400000285", title="垃圾堆了好几天", text="六联社区巷口垃圾堆了三天都没人来拉，很臭", place=NEAR
    )
    return master, later


async def test_candidates_are_proposed_with_the_words_the_place_and_the_time_that_speak_for_them(
    house: House, dispatcher: Person, pair: tuple[UUID, UUID]
) -> None:
    master, later = pair
    await house.submit(
        case_no="PS26091400000382", title="路灯不亮", text="公园南门的路灯坏了一个星期", category_code=None
    )
    answer = await dispatcher.get(f"/desk/cases/{later}/merge-candidates")
    [found] = answer.json()["items"]
    assert (found["case_id"], found["kind"], found["may_be_master"]) == (str(master), "same_fact", True)
    evidence = found["evidence"]
    assert "垃圾堆了三天" in evidence["shared_words"]
    assert (evidence["same_category"], evidence["same_area"], evidence["hours_apart"]) == (True, "subdistrict", 0)
    assert found["score"] > 0.25


async def test_a_follower_loses_its_orders_and_gets_its_masters_answer_as_its_own(
    house: House, dispatcher: Person, unit: Person, reviewer: Person, pair: tuple[UUID, UUID]
) -> None:
    master, follower = pair
    view = await merged(dispatcher, follower, master)
    assert (view["state"], view["master_case_id"], view["master_case_no"]) == (
        "handling",
        str(master),
        "PS26091400000188",
    )
    assert (await house.kinds(follower))[-2:] == ["order.cancelled", "case.merged"]
    assert [one["case_no"] for one in (await dispatcher.get(f"/desk/cases/{master}")).json()["followers"]] == [
        "PS26091400000285"
    ]
    assert "case.tagged" in await house.kinds(master)
    await handle(house, unit, reviewer, master)
    said = (await house.emitted(follower))[-1]
    assert (said.type, said.data.public_reply, said.data.round) == ("case.replied.v1", "垃圾已清运完毕", 1)
    stars = {"speed": 5, "result": 5, "attitude": 5, "system": 5}
    await house.told(follower, RatingSubmitted(round=1, solved=True, satisfied=True, **stars))
    assert await state(house, follower) == ("closed", "satisfied")
    assert await state(house, master) == ("replied", None)
    numbers = [event.sequence for event in await house.emitted(follower)]
    assert numbers == list(range(1, len(numbers) + 1))


async def test_a_follower_that_waits_in_the_queue_is_filed_as_its_master(
    house: House, dispatcher: Person, pair: tuple[UUID, UUID]
) -> None:
    waiting = await house.submit(case_no="PS26091400000479", title="", text="有个地方不太好", category_code=None)
    assert await state(house, waiting) == ("queued", None)
    view = await merged(dispatcher, waiting, pair[0])
    assert (view["state"], view["category_code"]) == ("handling", "0101001")
    assert (await house.kinds(waiting))[-3:] == ["case.classified", "case.filed", "case.merged"]
    freed = await dispatcher.did(f"/desk/cases/{waiting}/unmerge")
    assert [order["unit_code"] for order in freed["orders"]] == ["PS-S01"]


async def test_unmerging_gives_the_case_back_to_the_unit_it_was_taken_from(
    house: House, dispatcher: Person, unit: Person, pair: tuple[UUID, UUID]
) -> None:
    master, follower = pair
    await merged(dispatcher, follower, master)
    freed = await dispatcher.did(f"/desk/cases/{follower}/unmerge")
    assert (freed["master_case_id"], [order["state"] for order in freed["orders"]]) == (
        None,
        ["cancelled", "dispatched"],
    )
    assert (await house.kinds(follower))[-2:] == ["case.unmerged", "order.dispatched"]
    await unit.did(f"/orders/{await house.lead(follower)}/sign")


async def test_the_same_citizens_second_request_is_kept_as_a_supplement_and_comes_back_whole(
    house: House, dispatcher: Person, unit: Person
) -> None:
    citizen = new_id()
    first = await house.submit(citizen_id=citizen)
    again = await house.submit(citizen_id=citizen, case_no="PS26091400000285", text="巷口的垃圾又多了一堆")
    await merged(dispatcher, again, first, "same_person")
    assert await state(house, again) == ("closed", "merged")
    assert (await house.kinds(again))[-3:] == ["order.cancelled", "case.merged", "case.closed"]
    seen = (await unit.get(f"/desk/cases/{first}")).json()
    assert [one["text"] for one in seen["supplements"]] == ["垃圾没人清运\n巷口的垃圾又多了一堆"]
    assert seen["marks"] == ["supplemented"]
    freed = await dispatcher.did(f"/desk/cases/{again}/unmerge")
    assert (freed["state"], freed["round"]) == ("handling", 2)
    assert (await house.kinds(again))[-3:] == ["case.unmerged", "case.reopened", "order.dispatched"]
    assert (await dispatcher.get(f"/desk/cases/{first}")).json()["supplements"] == []


@pytest.mark.parametrize("wrong", ["itself", "chain", "closed", "other_citizen", "twice"])
async def test_chains_circles_and_closed_masters_are_refused(
    *,
    house: House,
    dispatcher: Person,
    reviewer: Person,
    unit: Person,
    pair: tuple[UUID, UUID],
    wrong: str,
) -> None:
    master, follower = pair
    third = await house.submit(case_no="PS26091400000382")
    case, into, kind = follower, master, "same_fact"
    if wrong == "itself":
        into = follower
    elif wrong == "chain":
        await merged(dispatcher, follower, master)
        case, into = master, third
    elif wrong == "closed":
        await handle(house, unit, reviewer, master)
        await reviewer.did(f"/desk/cases/{master}/close", {})
    elif wrong == "other_citizen":
        kind = "same_person"
    else:
        await merged(dispatcher, follower, master)
        case, into = third, follower
    answer = await dispatcher.post(f"/desk/cases/{case}/merge", {"master_case_id": str(into), "kind": kind})
    assert (answer.status_code, answer.json()["title_zh"]) == (409, "这两件事件不能并案")


async def test_when_a_master_is_withdrawn_its_oldest_follower_takes_over_and_the_others_follow_it(
    house: House, dispatcher: Person, pair: tuple[UUID, UUID]
) -> None:
    master, second = pair
    third = await house.submit(case_no="PS26091400000382")
    await merged(dispatcher, second, master)
    await merged(dispatcher, third, master)
    await house.told(master, CaseWithdrawn(by="citizen", reason_code="solved", received_at=START))
    assert await state(house, master) == ("closed", "withdrawn")
    assert (await house.kinds(second))[-2:] == ["case.unmerged", "order.dispatched"]
    assert (await house.emitted(third))[-1].data.master_case_id == second


async def test_a_follower_that_is_not_content_is_handled_on_its_own_by_who_gave_the_answer(
    house: House, dispatcher: Person, unit: Person, reviewer: Person, pair: tuple[UUID, UUID]
) -> None:
    master, follower = pair
    await merged(dispatcher, follower, master)
    await handle(house, unit, reviewer, master)
    await house.told(follower, CitizenDissatisfied(round=1))
    said = [kind for kind in await house.kinds(follower) if kind != "case.tagged"]
    assert said[-3:] == ["case.unmerged", "case.reworked", "order.dispatched"]
    await handle(house, unit, reviewer, follower)
    await house.told(follower, CitizenDissatisfied(round=2))
    assert await state(house, follower) == ("closed", "dissatisfied")


async def test_a_unit_does_not_learn_whom_its_case_follows_and_may_not_merge(
    house: House, dispatcher: Person, unit: Person, pair: tuple[UUID, UUID]
) -> None:
    master, follower = pair
    await merged(dispatcher, follower, master)
    seen = (await unit.get(f"/desk/cases/{master}")).json()
    assert (seen["followers"], seen["master_case_id"]) == ([], None)
    answer = await unit.post(f"/desk/cases/{master}/merge", {"master_case_id": str(follower), "kind": "same_fact"})
    assert answer.status_code == 403


async def test_candidates_are_looked_for_along_indexes_only(house: House, pair: tuple[UUID, UUID]) -> None:
    """INVARIANT: no table is read whole. Breaks when an index is lost, or a condition no index can serve is added."""
    async with house.context.begin() as tx:
        case = await tx.case(pair[1], lock=False)
        plan = await candidates.plan(tx.connection, case, tx.rules_of(case).catalogue.merging.candidates)
    assert [line for line in plan if "Seq Scan on" in line] == []
    assert any("ix_signatures_keys" in line for line in plan)
    assert any("ix_cases_matter" in line for line in plan)
