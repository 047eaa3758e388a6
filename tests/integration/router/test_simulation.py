"""Past cases of the database replayed by a draft: in pages, without erased words, for those who may, writing nothing."""

import asyncio
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from contracts.events.intake import CitizenErased
from services.router.catalogue.reading import SHIPPED
from services.router.past_cases import Period
from services.router.rules_commands import run
from services.router.usecases import simulation
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import GARBAGE, START, House, Person

DAYS = {"from": "2026-09-01", "to": "2026-10-01"}
PERIOD = Period(date(2026, 9, 1), date(2026, 10, 1))


@pytest.fixture
def admin(person: People) -> Person:
    return person("admin")


def no(number: int) -> str:
    return f"PS2609140000{number:02}88"


async def draft(admin: Person, **changes: str) -> None:
    """The catalogue as it ships, with other cells in the row of GARBAGE."""
    rows: list[list[str]] = []
    for file in sorted(SHIPPED.glob("[0-9][0-9]/categories.csv")):
        found = list(csv.reader(file.read_text("utf-8").splitlines()))
        rows += found if not rows else found[1:]
    for column, value in changes.items():
        next(row for row in rows if row[0] == GARBAGE)[rows[0].index(column)] = value
    content = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows).encode()
    answer = await admin.http.post(
        "/catalogue-versions",
        content=content,
        params={"id": "2027", "title": "二〇二七版", "dry_run": False, "table": "categories"},
        headers={**admin.headers, "Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text


async def simulated(person: Person, version: str = "2027", **more: Any) -> Any:
    return await person.did(f"/catalogue-versions/{version}/simulation", {**DAYS, **more})


@contextmanager
def statements(house: House) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    engine = house.context.db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


async def test_a_draft_shows_what_would_be_dispatched_elsewhere_and_writes_nothing(
    house: House, admin: Person, dispatcher: Person
) -> None:
    await house.submit()
    await house.submit(case_no=no(2), category_code="0201001", title="井盖不见了", text="人行道上的井盖不见了")
    await draft(admin, unit_kind="urban_management")
    before = await house.rows("SELECT case_id, log_seq, sequence, edition FROM cases ORDER BY case_id")
    found = await simulated(dispatcher)
    assert (found["version"], found["against"], found["replayed"], found["next"]) == ("2027", "2019", 2, None)
    assert [(one["from_code"], one["to_code"], one["count"], one["by_change"]) for one in found["unit_flows"]] == [
        ("PS-S01", "PS-D01", 1, 1)
    ]
    [example] = found["examples"]
    assert (example["case_no"], example["kind"]) == ("PS26091400000188", "unit")
    assert (example["before"]["category_code"], example["after"]["unit_code"]) == (GARBAGE, "PS-D01")
    assert await house.rows("SELECT case_id, log_seq, sequence, edition FROM cases ORDER BY case_id") == before
    assert (await admin.get("/catalogue-versions/2027")).json()["version"]["status"] == "draft"


async def test_only_the_cases_of_the_period_are_replayed(house: House, admin: Person) -> None:
    await house.submit()
    await house.submit(case_no=no(2), received_at=START - timedelta(days=30))
    assert (await simulated(admin, "2017"))["replayed"] == 1
    assert (await simulated(admin, "2017", to="2026-09-14"))["replayed"] == 0


async def test_a_returned_case_counts_for_the_unit_that_led_it_in_the_end(
    house: House, admin: Person, dispatcher: Person, unit: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    await unit.did(f"/orders/{order}/return", {"reason_code": "wrong_duty", "legal_basis": "按三定方案由他单位主管"})
    await dispatcher.did(f"/orders/{order}/redispatch", {"unit_code": "PS-D01"})
    await draft(admin, unit_kind="urban_management")
    found = await simulated(admin)
    assert {one["kind"]: one["count"] for one in found["kinds"] if one["count"]} == {"same": 1}
    assert found["elsewhere"] == 0


async def test_what_a_dispatcher_chose_feels_the_change(house: House, admin: Person, dispatcher: Person) -> None:
    vague = {"category_code": None, "type_code": None, "title": "", "text": "事情就是这样，希望能够重视一下，给个说法"}
    case_id = await house.submit(**vague)
    chosen = {"category_code": GARBAGE, "area_code": "440310001"}
    await dispatcher.did(f"/desk/cases/{case_id}/classification", chosen)
    await draft(admin, unit_kind="urban_management")
    [example] = (await simulated(admin))["examples"]
    assert (example["kind"], example["by_change"], example["after"]["unit_code"]) == ("unit", True, "PS-D01")


async def test_the_words_of_erased_citizens_are_skipped_and_counted(house: House, admin: Person) -> None:
    """INVARIANT: who asked to be forgotten is not looked at. Breaks when a page loads the words of an erased citizen."""
    citizen = new_id()
    await house.submit(citizen_id=citizen)
    await house.submit(case_no=no(2))
    await house.told(citizen, CitizenErased(citizen_id=citizen))
    with statements(house) as seen:
        found = await simulated(admin, "2017")
    assert (found["replayed"], found["skipped"]) == (1, 1)
    assert [one for one in seen if "cases.text" in one and "erased_at IS NULL" not in one] == []


async def test_a_call_has_a_bound_and_says_where_to_go_on(house: House, admin: Person) -> None:
    for number in range(3):
        await house.submit(case_no=no(number))
    async with house.context.begin() as tx:
        compared = await simulation.sides(tx, "2017", now=house.clock.now())
    first, after = await simulation.simulate(house.context.begin, compared, PERIOD, most=2)
    assert (first.replayed, after is None) == (2, False)
    found = await simulated(admin, "2017", after=str(after))
    assert (found["replayed"], found["next"], found["most_cases"]) == (1, None, 2000)


async def test_a_page_costs_two_queries_however_many_cases_it_has(house: House, admin: Person) -> None:
    async def cost() -> int:
        with statements(house) as seen:
            await simulated(admin, "2017")
        return len([one for one in seen if "FROM cases" in one or "FROM orders" in one])

    await house.submit()
    alone = await cost()
    for number in range(2, 6):
        await house.submit(case_no=no(number))
    assert (alone, await cost()) == (2, 2)


async def test_nobody_reads_of_a_case_about_their_own_unit(house: House, person: People, admin: Person) -> None:
    await house.submit(accused_unit_code="PS-D04")
    leader = person("leader", units=("PS-D04",))
    assert (await simulated(leader, "2017"))["replayed"] == 0
    assert (await simulated(admin, "2017"))["replayed"] == 1


async def test_simulating_is_for_those_who_read_versions(house: House, admin: Person, unit: Person) -> None:
    assert (await unit.post("/catalogue-versions/2019/simulation", DAYS)).status_code == 403
    assert (await admin.post("/catalogue-versions/2031/simulation", DAYS)).status_code == 404
    backwards = {"from": "2026-10-01", "to": "2026-09-01"}
    wrong = await admin.post("/catalogue-versions/2019/simulation", backwards)
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/to")
    for body in ({}, {**DAYS, "from": "0001-01-01"}, {**DAYS, "most": 5}):
        assert (await admin.post("/catalogue-versions/2019/simulation", body)).status_code == 422


async def test_the_process_answers_others_while_it_simulates(house: House, admin: Person) -> None:
    """The replay runs in a thread: the loop turns meanwhile."""
    await house.submit()
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)  # no waiting: one turn of the loop, which is what is counted
            turns += 1

    counting = asyncio.create_task(count())
    try:
        await simulated(admin, "2017")
    finally:
        counting.cancel()
    assert turns > 100


async def test_the_command_reads_versions_and_cases_of_a_running_system(  # noqa: PLR0917  fixtures
    house: House, admin: Person, database: str, monkeypatch: pytest.MonkeyPatch, capsys: Any, tmp_path: Path
) -> None:
    await house.submit()
    await draft(admin, unit_kind="urban_management")
    monkeypatch.setenv("ROUTER_DATABASE_URL", database)
    days = ["--from", DAYS["from"], "--to", DAYS["to"]]
    assert await asyncio.to_thread(run, ["simulate", "--version", "2027", *days]) == 0
    assert "PS-S01 坪山街道办事处 → PS-D01 坪山区城市管理和综合执法局: 1" in capsys.readouterr().out
    assert await asyncio.to_thread(run, ["simulate", "--catalogue", str(SHIPPED), *days]) == 0
    assert "不变 same: 1 (100.0%)" in capsys.readouterr().out
    file = tmp_path / "cases.csv"
    file.write_text("text\n路口的井盖不见了\n", "utf-8")
    assert await asyncio.to_thread(run, ["simulate", "--version", "2027", "--cases", str(file)]) == 0
    assert "1 cases by 2027, against 2019 in force" in capsys.readouterr().out
