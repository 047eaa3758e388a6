"""No hot path reads a large table from end to end: the statements the doors and loops really send, explained."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from sqlalchemy import event

from services.router.webhooks import Courier
from shared.db import server_settings
from tests.integration.router.conftest import People
from tests.integration.router.desk import House, Person
from tests.support.many_orders import TABLES, analysis, fill

COUNT = 20_000
BUSY = "PS-S01"


@dataclass
class Statements:
    """What was sent to the database, with its parameters."""

    house: House
    sent: list[tuple[str, Any]] = field(default_factory=list)

    @contextmanager
    def listening(self) -> Iterator[None]:
        def sending(*given: Any) -> None:
            self.sent.append((given[2], given[3]))

        engine = self.house.context.db.engine.sync_engine
        event.listen(engine, "before_cursor_execute", sending)
        yield
        event.remove(engine, "before_cursor_execute", sending)

    async def whole_readings(self) -> list[str]:
        """Tables read from end to end, each with the statement that does."""
        found: list[str] = []
        async with self.house.context.begin() as tx:
            for statement, given in self.sent:
                if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE")):
                    rows = await tx.connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", given)
                    answer: Any = rows.scalar_one()
                    plan = json.loads(answer) if isinstance(answer, str) else answer
                    found += [f"{table}: {statement}" for table in _whole(plan[0]["Plan"])]
        return found


def _whole(plan: dict[str, Any]) -> Iterator[str]:
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in TABLES:
        yield plan["Relation Name"]
    for inner in plan.get("Plans", []):
        yield from _whole(inner)


@pytest.fixture
async def full(house: House, database: str) -> House:
    """A desk with 20,000 cases, most of them open."""
    edition = house.context.parts["rulebook"].in_force(house.clock.now())
    catalogue = edition.rules.catalogue
    async with house.context.begin() as tx:
        await fill(
            tx.connection,
            COUNT,
            edition=edition.rules.catalogue.edition.id,
            # Communities and teams apart: with few orders each they would only make the units many.
            units=[BUSY, *sorted({one.code for one in catalogue.units if one.code[3] not in "UW"} - {BUSY})],
            categories=sorted(map(str, catalogue.categories)),
            now=house.clock.now(),
            areas=sorted(one.code for one in catalogue.places),
        )
    connection = await asyncpg.connect(database, server_settings=server_settings("router"))
    for statement in analysis():
        await connection.execute(statement)
    await connection.close()
    return house


async def test_no_hot_path_reads_a_large_table_from_end_to_end(  # noqa: PLR0917  everybody who asks
    full: House, dispatcher: Person, unit: Person, department: Person, courier: Courier, person: People
) -> None:
    statements = Statements(full)
    (one,) = await full.rows(
        "SELECT order_id, case_id FROM orders WHERE unit_code = :unit AND state = 'dispatched' LIMIT 1", unit=BUSY
    )
    several = person("handler", units=(BUSY, "PS-S02", "PS-D01"))
    with statements.listening():
        for somebody in (unit, several, department, dispatcher):
            await _read_lists(somebody)
        for path in ("/desk/queue", "/desk/returns"):
            await _pages(dispatcher, path)
        assert (await dispatcher.get("/desk/queue", tag="overdue")).is_success
        for path in (f"/orders/{one.order_id}", f"/desk/cases/{one.case_id}"):
            assert (await dispatcher.get(path)).is_success
        assert (await dispatcher.post(f"/orders/{one.order_id}/redispatch", {"unit_code": "PS-D02"})).is_success
        assert (await department.get("/feed")).is_success
        claimed, _ = await courier._claim()
    assert claimed
    assert len(statements.sent) > 60
    assert "\n".join(sorted(set(await statements.whole_readings()))) == ""


async def _read_lists(somebody: Person) -> None:
    await _pages(somebody, "/orders")
    filters: tuple[dict[str, Any], ...] = (
        {"state": "signed"},
        {"state": ["dispatched", "returned"]},
        {"state": "closed"},
        {"category": "0101001"},
        {"category": "01"},
        {"area": "440310001"},
        {"grade": "A"},
        {"tag": "overdue"},
        {"due": "overdue"},
        {"due": "soon"},
        {"round": 1},
    )
    for query in filters:
        answer = await somebody.get("/orders", **query)
        assert answer.is_success, answer.text


async def _pages(somebody: Person, path: str) -> None:
    first = (await somebody.get(path)).json()
    assert first["items"]
    assert (await somebody.get(path, after=first["next"])).is_success
