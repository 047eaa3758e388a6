"""What the desk learns from cases it has handled: whose they were, and how late; shown as advice, and in dry runs."""

import asyncio
from datetime import timedelta
from typing import Any

from contracts.events.intake import Place
from contracts.events.sla import ClockBreached
from services.router.learning.experience import Experience
from services.router.usecases import learning
from shared.ids import new_id
from tests.integration.router.desk import GARBAGE, START, House, Person
from tests.integration.router.test_desk import VAGUE
from tests.integration.router.test_simulation import DAYS, draft
from tests.integration.router.test_simulation import no as number

HERE, THERE = "440310001", "440310002"


async def handled(house: House, area: str, times: int, *, late: int = 0) -> None:
    """Cases of GARBAGE in one subdistrict, answered; the first ones of them late."""
    for at in range(times):
        case_id = await house.submit(
            case_no=number(int(area[-1]) * 10 + at), place=Place(area_code=area), received_at=START - timedelta(days=at)
        )
        if at < late:
            breach = ClockBreached(clock_id=new_id(), kind="total", order_id=None, unit_code=None, due_at=START)
            await house.say(case_id, breach)
            await house.hear()
        await house.rows("UPDATE cases SET state = 'closed' WHERE case_id = :case RETURNING 1", case=case_id)


async def learned(house: House, *, from_cases: int = 10) -> Experience | None:
    context = house.context
    context.settings = context.settings.model_copy(update={"experience_from_cases": from_cases})
    found = await learning.gather_experience(context)
    async with context.begin() as tx:
        await tx.rulebook.refresh(tx.connection)
    return found


async def advice(person: Person, case_id: Any, **more: str) -> Any:
    answer = await person.get(f"/desk/cases/{case_id}/advice", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_before_enough_was_handled_only_the_dispatch_table_speaks(house: House, dispatcher: Person) -> None:
    await handled(house, HERE, 2)
    assert await learned(house) is None
    found = await advice(dispatcher, await house.submit(case_no=number(90)))
    assert found["table"]["lead_unit_code"] == "PS-S01"
    assert (found["units"], found["lateness"], found["learned"]) == ([], None, None)


async def test_handled_cases_name_the_unit_and_the_risk_and_why(house: House, dispatcher: Person) -> None:
    await handled(house, HERE, 8, late=6)
    await handled(house, THERE, 6)
    experience = await learned(house)
    assert experience is not None
    waiting = await house.submit(**{**VAGUE, "place": Place(area_code=THERE)})
    found = await advice(dispatcher, waiting, category_code=GARBAGE)
    assert (found["learned"], found["cases"]) == (experience.version, 14)
    assert (found["units"][0]["unit_code"], found["units"][0]["unit_name"]) == ("PS-S02", "马峦街道办事处")
    assert found["units"][0]["share"] > found["units"][1]["share"]
    assert all("马峦街道办事处" in reason for reason in found["units"][0]["reasons"])
    often = await advice(dispatcher, await house.submit(case_no=number(91)))
    assert often["lateness"]["score"] > found["lateness"]["score"]
    assert often["lateness"]["usual"] == round(6 / 14, 4)


async def test_the_unit_complained_about_is_never_advised(house: House, dispatcher: Person) -> None:
    await handled(house, HERE, 6)
    await handled(house, THERE, 6)
    await learned(house)
    waiting = await house.submit(**{**VAGUE, "accused_unit_code": "PS-S01", "place": Place(area_code=HERE)})
    found = await advice(dispatcher, waiting, category_code=GARBAGE)
    assert "PS-S01" not in [one["unit_code"] for one in found["units"]]
    assert found["table"]["lead_unit_code"] != "PS-S01"


async def test_the_same_cases_make_the_same_experience_whoever_learns_it(house: House) -> None:
    await handled(house, HERE, 6)
    await handled(house, THERE, 6, late=2)
    first, second = await learned(house), await learned(house)
    assert first is not None
    assert second is not None
    assert first.version == second.version
    kept = await asyncio.to_thread(Experience.unpacked, first.version, first.packed())
    assert kept.packed() == first.packed()


async def test_a_dry_run_says_which_moves_go_against_experience(house: House, person: Any, dispatcher: Person) -> None:
    await handled(house, HERE, 8)
    await handled(house, THERE, 4)
    await learned(house)
    await draft(person("admin"), unit_kind="urban_management")
    found = await dispatcher.did("/catalogue-versions/2027/simulation", {**DAYS, "from": "2026-08-01"})
    assert (found["elsewhere"], found["unusual"]) == (12, 12)
    assert sum(one["unusual"] for one in found["unit_flows"]) == 12
    assert all(one["unusual"] for one in found["examples"] if one["kind"] == "unit")
