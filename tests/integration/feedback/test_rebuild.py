"""The projection made anew from the streams is the one that was served, also while it is being served."""

import asyncio
from typing import Any

from services.feedback.rebuild import Rebuild, Report
from tests.integration.feedback.conftest import UNIT_HANDLER, Case, House, answered, begun, jpeg
from tests.unit.feedback import said

_ROWS = "SELECT case_id, case_no, look_up_hash, citizen_id, sequence, closed, facts, view, version FROM progress"


async def rows(house: House) -> dict[Any, Any]:
    return {row.case_id: row for row in await house.rows(_ROWS)}


async def rebuilt(house: House) -> Report:
    return await Rebuild(house.context).run()


async def lived(house: House, serial: int) -> Case:
    """A case with a photo, an answer, a rating, a second round and what happened beside."""
    case = await begun(house, serial)
    handler = house.token("staff", "h1", *UNIT_HANDLER["roles"], units=UNIT_HANDLER["units"])
    form = {"order_id": str(case.order_id), "kind": "after"}
    photo = await house.http.post(
        "/v1/photos", data=form, files={"file": ("a.jpg", jpeg(), "image/jpeg")}, headers=handler
    )
    assert photo.status_code == 201, photo.text
    await house.told(case.case_id, said.extended(), said.urged(), said.signed(case.order_id))
    await answered(house, case)
    low = {"speed": 1, "result": 1, "attitude": 1, "system": 1, "solved": False}
    assert (await house.http.post(f"/v1/ratings/{case.case_no}", json=low, headers=case.code)).status_code == 201
    await house.told(case.case_id, said.reworked())
    return case


async def test_rebuilding_what_is_intact_changes_not_one_byte(house: House) -> None:
    """INVARIANT: the projection is a function of the streams and this service's own facts."""
    for serial in (1, 2, 3):
        await lived(house, serial)
    before = await rows(house)
    report = await rebuilt(house)
    assert (report.same, report.changed, report.too_old, report.unsettled) == (3, 0, 0, 0)
    assert await rows(house) == before


async def test_what_was_damaged_or_lost_comes_back_exactly(house: House) -> None:
    damaged, lost, whole = [await lived(house, serial) for serial in (1, 2, 3)]
    before = await rows(house)
    async with house.context.begin() as tx:
        await tx.connection.exec_driver_sql(
            "UPDATE progress SET view = '{}', facts = convert_to(replace(convert_from(facts, 'UTF8'), '区城管局', '别处'), 'UTF8')"
            f" WHERE case_id = '{damaged.case_id}'"
        )
        await tx.connection.exec_driver_sql(f"DELETE FROM progress WHERE case_id = '{lost.case_id}'")
        await tx.connection.exec_driver_sql("DELETE FROM orders")
    report = await rebuilt(house)
    assert (report.same, report.changed) == (1, 2)
    after = await rows(house)
    for case in (damaged, lost):
        old, new = before[case.case_id], after[case.case_id]
        assert new.version > old.version or case is damaged
        old_view, new_view = old.view.partition(b",")[2], new.view.partition(b",")[2]
        assert new_view == old_view
        changing = {"version": 0, "view": b""}
        assert {**old._mapping, **changing} == {**new._mapping, **changing}
    assert after[whole.case_id] == before[whole.case_id]
    assert len(await house.rows("SELECT 1 FROM orders")) == 2


async def test_a_watched_case_is_told_of_what_the_rebuilding_corrected(house: House) -> None:
    case = await begun(house)
    right = await house.view(case)
    async with house.context.begin() as tx:
        await tx.connection.exec_driver_sql('UPDATE progress SET view = \'{"version":2,"status":"wrong"}\'')
    await rebuilt(house)
    corrected = await house.view(case)
    assert corrected["version"] > right["version"]
    assert corrected["nodes"] == right["nodes"]


async def test_it_is_rebuilt_while_events_keep_coming(house: House) -> None:
    cases = [await begun(house, serial) for serial in range(1, 9)]

    async def go_on() -> None:
        for turn in range(6):
            for case in cases:
                await house.say(case.case_id, said.progressed(case.order_id, f"第{turn}次进展"))
            await house.hear("ROUTER")

    report, _ = await asyncio.gather(rebuilt(house), go_on())
    assert report.same + report.changed == 8
    for case in cases:
        view = await house.view(case)
        texts = [node["text"] for node in view["nodes"]] + [note["text"] for note in view["notes"]]
        assert sum("次进展" in text for text in texts) == 6


async def test_a_case_older_than_the_streams_is_left_as_it_is(house: House) -> None:
    case = await lived(house, 1)
    before = await rows(house)
    bus = house.context.bus
    await bus.jetstream.purge_stream(bus.name("ROUTER"), keep=1)
    report = await rebuilt(house)
    assert (report.changed, report.too_old) == (0, 1)
    assert await rows(house) == before
    assert case.case_id in before
