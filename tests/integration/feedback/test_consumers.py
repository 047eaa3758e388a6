"""What the other services say, through real streams and consumers, becomes the citizen's view."""

from uuid import UUID

import orjson
from sqlalchemy import text

from contracts.events.intake import CitizenErased, ContactChanged
from shared.ids import new_id
from tests.integration.feedback.conftest import Case, House, answered, begun
from tests.unit.feedback import said


async def test_a_cases_events_become_its_view(house: House, case: Case) -> None:
    view = await house.view(case)
    assert view["status"]["text"] == "已分派至区城管局"
    assert view["due_text"] == "11月30日 18:00"
    assert len(view["nodes"]) == 9


async def test_a_case_first_heard_of_from_the_desk_appears_once_intake_has_spoken(house: House) -> None:
    case_id, order_id = new_id(), new_id()
    await house.told(case_id, said.filed(), said.dispatched(order_id), said.promised())
    hidden = await house.rows("SELECT case_no, view, version FROM progress")
    assert [(row.case_no, row.view, row.version) for row in hidden] == [(None, None, 0)]
    await house.told(case_id, said.submitted())
    shown = await house.rows("SELECT case_no, view FROM progress")
    assert shown[0].case_no == said.number()
    assert orjson.loads(shown[0].view)["status"]["text"] == "已分派至区城管局"


async def test_events_seen_twice_change_nothing(house: House) -> None:
    case_id, order_id = new_id(), new_id()
    envelopes = await house.say(case_id, said.submitted(), said.filed(), said.dispatched(order_id))
    await house.hear()
    before = await house.rows("SELECT version, facts, view FROM progress")
    for envelope in envelopes:
        await house.publish(envelope)
    await house.hear()
    assert await house.rows("SELECT version, facts, view FROM progress") == before


async def test_the_version_grows_only_when_the_citizen_would_see_a_difference(house: House, case: Case) -> None:
    before = await house.view(case)
    await house.told(case.case_id, said.breached("sign"))
    assert (await house.view(case))["version"] == before["version"]
    await house.told(case.case_id, said.signed(case.order_id))
    assert (await house.view(case))["version"] == before["version"] + 1


async def test_two_hundred_cases_are_projected_in_a_few_transactions(house: House) -> None:
    cases = [new_id() for _ in range(200)]
    for serial, case_id in enumerate(cases, start=1):
        await house.say(case_id, said.submitted(serial), said.filed(), said.dispatched(new_id()), said.promised())
    await house.hear()
    rows = await house.rows("SELECT view FROM progress")
    assert {orjson.loads(row.view)["status"]["code"] for row in rows} == {"dispatched"}
    assert len(rows) == 200


async def test_contact_points_rest_encrypted_and_open_again(house: House) -> None:
    citizen_id = new_id()
    await house.contact(citizen_id, phone="13812345678", mail="li@example.org")
    stored = (await house.rows("SELECT data FROM contacts"))[0].data
    assert b"13812345678" not in stored
    box = house.context.parts["tools"].contacts
    assert box.open(stored, citizen_id).phone == "13812345678"


async def test_a_contact_sealed_for_somebody_else_is_set_aside(house: House) -> None:
    citizen_id = new_id()
    await house.told(citizen_id, ContactChanged(citizen_id=citizen_id, sealed="a.b.c.d.e"))
    parked = await house.rows("SELECT reason FROM parked")
    assert [row.reason.split(":")[0] for row in parked] == ["UnreadableContact"]
    assert await house.rows("SELECT 1 FROM contacts") == []


async def test_an_erased_citizen_leaves_no_contact_no_comment_and_is_not_revived(house: House, case: Case) -> None:
    """INVARIANT: after citizen.erased nothing here leads to the person, whatever arrives later."""
    await house.contact(case.citizen_id, phone="13812345678")
    await answered(house, case)
    form = {"speed": 5, "result": 5, "attitude": 5, "system": 5, "solved": True, "comment": "谢谢"}
    await house.http.post(f"/v1/ratings/{case.case_no}", json=form, headers=case.code)
    await house.told(case.citizen_id, CitizenErased(citizen_id=case.citizen_id))
    await house.contact(case.citizen_id, phone="13812345678")
    assert [row.data for row in await house.rows("SELECT data FROM contacts")] == [None]
    assert [row.comment for row in await house.rows("SELECT comment FROM ratings")] == [""]
    assert await _mentions(house, case.citizen_id) == 0
    assert (await house.view(case))["status"]["code"] == "rated"


async def _mentions(house: House, citizen_id: UUID) -> int:
    async with house.context.begin() as tx:
        found = await tx.connection.execute(
            text(
                "SELECT count(*) FROM progress WHERE citizen_id = :id OR position(CAST(:said AS text)::bytea IN facts) > 0"
            ),
            {"id": citizen_id, "said": str(citizen_id)},
        )
        return int(found.scalar_one())


async def test_several_cases_of_one_batch_keep_apart(house: House) -> None:
    first, second = await begun(house, 1), await begun(house, 2)
    await house.told(first.case_id, said.signed(first.order_id))
    assert (await house.view(first))["status"]["code"] == "signed"
    assert (await house.view(second))["status"]["code"] == "dispatched"
