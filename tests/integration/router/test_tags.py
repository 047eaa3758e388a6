"""Tags on the real database: by rule, by what other services say, by hand; seen, filtered and counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import event, text

from contracts.events.feedback import CitizenDissatisfied, RatingSubmitted
from contracts.events.intake import CaseSubmitted
from contracts.events.sla import CaseSupervised, ClockBreached, ClockWarned
from services.router import lists
from services.router.consumers import HANDLERS, prefetch
from shared.cloudevents import Envelope
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import GARBAGE, START, House, Person, submitted

VAGUE: dict[str, Any] = {"category_code": None, "type_code": None, "title": ""}


@pytest.fixture
def supervisor(person: People) -> Person:
    return person("supervisor", units=("PS-C00",))


def clock(kind: str, when: datetime = START) -> dict[str, Any]:
    return {"clock_id": new_id(), "kind": kind, "order_id": None, "unit_code": None, "due_at": when}


async def tags_of(house: House, case_id: UUID) -> dict[str, str]:
    rows = await house.rows("SELECT tag, set_by FROM case_tags WHERE case_id = :c AND NOT removed", c=case_id)
    return {row.tag: row.set_by for row in rows}


async def put(person: Person, case_id: UUID, tag: str, body: Any = None, **headers: str) -> httpx.Response:
    headers = {**person.headers, **headers}
    return await person.http.put(f"/desk/cases/{case_id}/tags/{tag}", json=body, headers=headers)


async def remove(person: Person, case_id: UUID, tag: str) -> httpx.Response:
    return await person.http.delete(f"/desk/cases/{case_id}/tags/{tag}", headers=person.headers)


@contextmanager
def statements(house: House) -> Iterator[list[tuple[str, Any]]]:
    """What is sent to the database meanwhile."""
    seen: list[tuple[str, Any]] = []
    engine = house.context.db.engine.sync_engine

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_a_request_is_tagged_when_it_is_filed_and_says_so(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(text="巷口的垃圾堆了三天，我是低保户，行动不便坐轮椅", anonymous=True, citizen_id=None)
    assert await tags_of(house, case_id) == {"vulnerable": "rule", "disabled": "rule", "anonymous": "system"}
    assert await house.kinds(case_id) == ["case.classified", "case.filed", "order.dispatched", "case.tagged"]
    said = (await house.emitted(case_id))[-1].data
    assert (said.removed, said.tags) == ((), ("anonymous", "disabled", "vulnerable"))
    view = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert [(one["code"], one["name"], one["group"], one["actor"]) for one in view["tags"]] == [
        ("vulnerable", "弱势群体", "person", "system"),
        ("disabled", "残疾人", "person", "system"),
        ("anonymous", "匿名", "person", "system"),
    ]
    assert [(one["kind"], one["text"]) for one in view["tags"][1]["reasons"]] == [("keyword", "轮椅")]
    assert ([entry["action"] for entry in view["log"]], view["log_broken_at"]) == (
        ["classify", "dispatch", "tag"],
        None,
    )


async def test_the_dispatchers_choice_lets_the_rules_judge_again(house: House, dispatcher: Person) -> None:
    case_id = await house.submit(**VAGUE, text="事情就是这样，希望能够重视一下，老人家给个说法")
    assert await tags_of(house, case_id) == {"elderly": "rule"}
    assert (await remove(dispatcher, case_id, "elderly")).status_code == 200
    body = {"category_code": "0601001", "area_code": "440310001"}
    view = await dispatcher.did(f"/desk/cases/{case_id}/classification", body)
    assert [one["code"] for one in view["tags"]] == ["school_places"]
    assert await house.rows("SELECT removed, actor FROM case_tags WHERE tag = 'elderly'") == [(True, "dispatcher")]


async def test_the_same_matter_again_and_from_elsewhere_is_found_in_one_batch_and_later(house: House) -> None:
    citizen, first, second, third, other = new_id(), new_id(), new_id(), new_id(), new_id()
    await house.say(first, submitted(citizen_id=citizen))
    await house.say(second, submitted(citizen_id=citizen, case_no="PS26091400000287"))
    await house.say(other, submitted(case_no="PS26091400000386"))
    await house.hear()
    assert [await tags_of(house, case) for case in (first, second, other)] == [{}, {"repeated": "system"}, {}]
    house.clock.at += timedelta(days=29)
    later = {"citizen_id": citizen, "channel_code": "hotline_12345", "received_at": house.clock.now()}
    await house.told(third, submitted(**later, case_no="PS26101300000188"))
    assert await tags_of(house, third) == {"repeated": "system", "repeated_elsewhere": "system"}
    house.clock.at += timedelta(days=40)
    late = await house.submit(citizen_id=citizen, received_at=house.clock.now(), case_no="PS26112200000188")
    assert await tags_of(house, late) == {"difficult": "rule"}


async def test_tags_follow_the_clocks_and_what_the_citizen_says(house: House) -> None:
    case_id = await house.submit()
    await house.told(
        case_id, ClockWarned(**clock("handle"), share_used=0.8), ClockWarned(**clock("contact"), share_used=0.8)
    )
    assert await tags_of(house, case_id) == {"near_due": "system"}
    await house.told(case_id, ClockBreached(**clock("total")), ClockWarned(**clock("total"), share_used=0.8))
    assert await tags_of(house, case_id) == {"overdue": "system"}
    await house.rows("UPDATE cases SET state = 'replied', replied_at = received_at RETURNING 1")
    await house.rows("UPDATE orders SET state = 'reviewed' RETURNING 1")
    await house.told(case_id, ClockWarned(**clock("total"), share_used=0.9), CitizenDissatisfied(round=1))
    assert await tags_of(house, case_id) == {"overdue": "system", "redone": "system"}
    await house.told(case_id, CaseSupervised(cause="dissatisfied_twice"))
    assert await tags_of(house, case_id) == {"overdue": "system", "redone": "system", "supervised": "system"}


async def test_a_rating_that_closes_the_case_ends_what_was_due(house: House) -> None:
    case_id = await house.submit()
    await house.told(case_id, ClockWarned(**clock("total"), share_used=0.8))
    await house.rows("UPDATE cases SET state = 'replied' RETURNING 1")
    await house.rows("UPDATE orders SET state = 'reviewed' RETURNING 1")
    stars = {"speed": 5, "result": 5, "attitude": 5, "system": 5, "solved": True, "satisfied": True}
    await house.told(case_id, RatingSubmitted(round=1, **stars))
    assert await tags_of(house, case_id) == {}
    assert (await house.kinds(case_id))[-2:] == ["case.closed", "case.tagged"]


async def test_a_return_is_disputed_until_the_order_goes_elsewhere(
    house: House, unit: Person, dispatcher: Person
) -> None:
    case_id = await house.submit()
    order = await house.lead(case_id)
    body = {"reason_code": "wrong_duty", "legal_basis": "不属本单位职责"}
    returned = await unit.did(f"/orders/{order}/return", body)
    assert (returned["tags"], returned["version"]) == ([], 4)
    assert await tags_of(house, case_id) == {"return_disputed": "system"}
    await dispatcher.did(f"/orders/{order}/redispatch", {"unit_code": "PS-S02"})
    assert await tags_of(house, case_id) == {}


async def test_a_tag_is_set_and_taken_away_by_hand_once_each(house: House, dispatcher: Person) -> None:
    case_id = await house.submit()
    for _ in range(2):
        answer = await put(dispatcher, case_id, "campaign", {"note": "占道经营整治"})
        assert answer.status_code == 200
    view = answer.json()
    assert [(one["code"], one["set_by"], one["reasons"][0]["text"]) for one in view["tags"]] == [
        ("campaign", "hand", "占道经营整治")
    ]
    assert (answer.headers["etag"], view["version"]) == ('"3"', 3)
    stale = await put(dispatcher, case_id, "public_housing", None, **{"If-Match": '"2"'})
    assert (stale.status_code, stale.json()["changed"][0]["action"]) == (409, "tag")
    for _ in range(2):
        view = (await remove(dispatcher, case_id, "campaign")).json()
    assert ([entry["action"] for entry in view["log"]], view["tags"]) == (["classify", "dispatch", "tag", "tag"], [])
    assert view["log"][-1]["facts"] == {"added": [], "removed": ["campaign"]}
    assert [said.data.tags for said in (await house.emitted(case_id))[-2:]] == [("campaign",), ()]


async def test_what_is_no_tag_or_not_yours_to_set_is_refused(
    house: House, dispatcher: Person, unit: Person, person: People
) -> None:
    case_id = await house.submit()
    refused = {
        (await put(dispatcher, case_id, "no_such_tag")).json()["type"],
        (await put(unit, case_id, "sensitive")).json()["type"],
    }
    assert refused == {"urn:huying:problem:tag-unknown"}
    assert (await put(dispatcher, case_id, "anonymous")).json()["type"] == "urn:huying:problem:tag-not-by-hand"
    assert (await put(dispatcher, case_id, "instructed")).json()["type"] == "urn:huying:problem:role-missing"
    assert (await put(dispatcher, case_id, "BAD!")).status_code == 422
    assert (await put(dispatcher, case_id, "campaign", {"note": "长" * 201})).status_code == 422
    assert (await put(person("handler", units=("PS-S02",)), case_id, "elderly")).status_code == 404
    assert (await put(person(kind="citizen"), case_id, "elderly")).status_code == 403
    assert await tags_of(house, case_id) == {}


async def test_a_unit_sees_the_tags_that_are_meant_for_it(house: House, unit: Person, supervisor: Person) -> None:
    case_id = await house.submit(text="巷口的垃圾堆了三天没人拉，老人绕不过去，再不管我就上访")
    assert await tags_of(house, case_id) == {"elderly": "rule", "sensitive": "rule"}
    assert (await put(supervisor, case_id, "first_unit_disputed")).status_code == 200
    view = (await unit.get(f"/desk/cases/{case_id}")).json()
    assert [(one["code"], one["actor"], one["reasons"]) for one in view["tags"]] == [("elderly", None, [])]
    assert [entry["facts"] for entry in view["log"] if entry["action"] == "tag"] == [
        {"added": ["elderly"], "removed": []},
        {"added": [], "removed": []},
    ]
    order = view["orders"][0]
    assert [one["code"] for one in order["tags"]] == ["elderly"]
    for path in ("/desk/cases", "/orders"):
        lines = (await unit.get(path)).json()["items"]
        assert [[one["code"] for one in line["tags"]] for line in lines] == [["elderly"]]
    assert {one["code"]: one["count"] for one in (await unit.get("/desk/tags")).json()["items"] if one["count"]} == {
        "elderly": 1
    }
    for hidden in ("sensitive", "no_such_tag"):
        refused = await unit.get("/desk/cases", tag=hidden)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "query/tag")


async def test_a_confidential_case_does_not_tell_a_unit_who_complains(
    house: House, unit: Person, dispatcher: Person
) -> None:
    await house.submit(text="巷口的垃圾堆了三天没人拉，我坐轮椅绕不过去", confidential=True)
    lines = (await unit.get("/desk/cases")).json()["items"]
    assert [one["code"] for one in lines[0]["tags"]] == ["confidential"]
    assert (await unit.get("/desk/cases", tag="disabled")).json()["items"] == []
    counts = {one["code"]: one["count"] for one in (await unit.get("/desk/tags")).json()["items"]}
    assert (counts["disabled"], counts["confidential"]) == (0, 1)
    assert len((await dispatcher.get("/desk/cases", tag="disabled")).json()["items"]) == 1


async def test_cases_are_filtered_by_all_of_several_tags_page_by_page(house: House, dispatcher: Person) -> None:
    words = ["巷口的垃圾堆了三天没人拉", "垃圾堆旁边老人摔倒", "垃圾堆旁边老人摔倒，路口积水"]
    cases = [await house.submit(text=said, case_no=f"PS2609140000{at}188") for at, said in enumerate(words)]

    async def found(path: str = "/desk/cases", **query: Any) -> list[str]:
        return [line["case_id"] for line in (await dispatcher.get(path, **query)).json()["items"]]

    none, one, both = map(str, cases)
    assert await found(tag="elderly") == [both, one]
    assert await found(tag=["elderly", "flood_season"]) == [both]
    assert await found(tag=["elderly", "elderly"]) == [both, one]
    assert await found(tag="elderly", state="closed") == []
    assert await found(tag="elderly", limit=1, after=both) == [one]
    assert none in await found()
    assert (await remove(dispatcher, cases[1], "elderly")).status_code == 200
    assert await found(tag="elderly") == [both]
    counts = {line["code"]: line["count"] for line in (await dispatcher.get("/desk/tags")).json()["items"]}
    assert (len(counts), counts["elderly"], counts["flood_season"], counts["praise"]) == (35, 1, 1, 0)
    closed = (await dispatcher.get("/desk/tags", state="closed")).json()["items"]
    assert {line["count"] for line in closed} == {0}
    queued = await house.submit(**VAGUE, text="事情就是这样，希望能够重视一下，老人家给个说法")
    assert await found("/desk/queue", tag="elderly") == [str(queued)]
    assert await found("/desk/queue", tag="praise") == []
    assert (await dispatcher.get("/desk/queue", tag="no_such_tag")).status_code == 422


async def fill(house: House) -> None:
    """Twenty thousand closed cases, every fifth of which has a common tag and every thousandth a rare one."""
    await house.rows(
        """
        INSERT INTO cases (case_id, case_no, state, received_at, channel_code, citizen_id, anonymous, confidential,
          reply_wanted, title, text, place, edition, type_code, photo_required, confidence, candidates, reasons, round,
          sequence, log_seq, log_hash)
        SELECT gen_random_uuid(), 'PS' || n, 'handling', now(), 'leader_mailbox',
          ('00000000-0000-4000-8000-' || lpad((n % 4000)::text, 12, '0'))::uuid, false, false, true, '', '', '{}',
          '2019', 'complaint', false, 1, '[]', '[]', 1, 1, 1, '' FROM generate_series(1, 20000) n RETURNING 1
        """
    )
    for tag, every in (("elderly", 5), ("talent", 1000)):
        await house.rows(
            "INSERT INTO case_tags SELECT case_id, :tag, 'rule', 'system', now(), '[]', false FROM "
            "(SELECT case_id, row_number() OVER () AS n FROM cases) c WHERE n % :every = 0 RETURNING 1",
            tag=tag,
            every=every,
        )
    await house.rows("SELECT 1")
    async with house.context.begin() as tx:
        await tx.connection.execute(text("ANALYZE cases, case_tags"))


async def plan(house: House, statement: str, parameters: Any) -> str:
    async with house.context.begin() as tx:
        rows = (await tx.connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)).scalars()
        return "\n".join(rows)


async def test_the_filter_is_answered_from_the_index_of_the_tag(house: House) -> None:
    await fill(house)
    for tags in (["talent"], ["elderly"], ["elderly", "talent"]):
        with statements(house) as seen:
            async with house.context.begin() as tx:
                await lists.cases_by_state(
                    tx.connection, states=[], units=None, recused=[], tags=tags, after=None, limit=50
                )
        told = await plan(house, *seen[-1])
        assert "ix_case_tags_tag" in told, told
        assert "Seq Scan" not in told, told


async def test_what_a_citizen_brought_up_before_is_one_query_by_its_index(house: House) -> None:
    await fill(house)
    with statements(house) as seen:
        async with house.context.begin() as tx:
            await tx.repeats.load(tx.connection, [UUID(f"00000000-0000-4000-8000-{n:012d}") for n in range(40)])
            await tx.repeats.load(tx.connection, [None])
    asked = [one for one in seen if "citizen_id" in one[0]]
    assert len(asked) == 1
    told = await plan(house, *asked[0])
    assert "ix_cases_citizen" in told, told
    assert "Seq Scan" not in told, told


async def test_a_batch_costs_as_many_statements_as_a_single_case(house: House) -> None:
    """Tagged new cases by COPY, tags of running ones by one statement: nothing grows with the batch."""

    async def cost(cases: list[UUID], said: Any) -> int:
        """As the consumer does it: one transaction, everything the batch needs asked for at once."""
        now = house.clock.now()
        batch = [Envelope.of(said(case_id), case_id=case_id, sequence=0, now=now) for case_id in cases]
        with statements(house) as seen:
            async with house.context.begin() as tx:
                await prefetch(tx, batch)
                for one in batch:
                    tx.cause = one
                    await HANDLERS[type(one.data)](tx, one, now)
        return len(seen)

    def request(case_id: UUID) -> CaseSubmitted:
        return submitted(text="垃圾堆旁边老人摔倒", case_no=f"PS{case_id.int % 10**14:014d}")

    await house.submit()
    one, many = [new_id()], [new_id() for _ in range(60)]
    assert await cost(one, request) == await cost(many, request)
    late = ClockBreached(**clock("handle"))
    assert await cost(one, lambda _: late) == await cost(many, lambda _: late)
    rows = await house.rows("SELECT tag, count(*) FROM case_tags GROUP BY tag ORDER BY tag")
    assert [(row.tag, row.count) for row in rows] == [("elderly", 61), ("overdue", 61)]


async def test_everybody_may_read_what_tags_there_are(house: House, http: httpx.AsyncClient) -> None:
    found = (await http.get("/catalogue/tags")).json()
    assert (found["edition"], len(found["groups"])) == ("2019", 5)
    assert sum(len(group["tags"]) for group in found["groups"]) == 35
    praise = found["groups"][-1]["tags"][-1]
    assert (praise["code"], praise["name"], praise["set_by"], praise["may_set"]) == (
        "praise",
        "表扬",
        "rule",
        ["dispatcher"],
    )
    assert (await http.get("/catalogue/tags", params={"edition": "2017"})).status_code == 200
    assert (await http.get("/catalogue/tags", params={"edition": "1999"})).status_code == 404
    assert (await http.get("/desk/tags")).status_code == 401


async def test_other_cases_stay_as_they_were(house: House, dispatcher: Person) -> None:
    """A case without tags has none in its views, and no event."""
    case_id = await house.submit()
    view = (await dispatcher.get(f"/desk/cases/{case_id}")).json()
    assert (view["tags"], view["category_code"]) == ([], GARBAGE)
    assert "case.tagged" not in await house.kinds(case_id)
