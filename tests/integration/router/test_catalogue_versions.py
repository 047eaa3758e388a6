"""Versions of the catalogue: uploaded, compared, published by a date, and taken over by processes that run."""

import io
from datetime import timedelta
from typing import Any

import httpx
import openpyxl
import pytest

from services.router.catalogue.reading import load
from services.router.rulebook import Rulebook
from services.router.takeover import Takeover
from shared.ids import new_id
from tests.integration.router.conftest import People
from tests.integration.router.desk import GARBAGE, House, Person, submitted

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME = load().category(GARBAGE).name
ROW = next(at for at, code in enumerate(load().categories, start=2) if code == GARBAGE)


@pytest.fixture
def admin(person: People) -> Person:
    return person("admin")


async def exported(admin: Person) -> Any:
    answer = await admin.get("/catalogue-versions/2019/export", format="xlsx")
    assert answer.headers["content-type"] == XLSX
    return openpyxl.load_workbook(io.BytesIO(answer.content))


async def upload(admin: Person, content: bytes, kind: str = XLSX, **query: Any) -> httpx.Response:
    query = {"id": "2027", "title": "二〇二七版", "dry_run": False, **query}
    return await admin.http.post(
        "/catalogue-versions", content=content, params=query, headers={**admin.headers, "Content-Type": kind}
    )


def saved(book: Any) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


async def renamed(admin: Person, name: str = "街面垃圾清运保洁") -> bytes:
    book = await exported(admin)
    book["小类"].cell(ROW, 2).value = name
    return saved(book)


async def published(house: House, admin: Person, *, days: int) -> None:
    assert (await upload(admin, await renamed(admin))).status_code == 200
    day = (house.clock.now() + timedelta(days=days)).date().isoformat()
    await admin.did("/catalogue-versions/2027/publish", {"effective_from": day})


async def test_a_faulty_workbook_is_refused_with_every_cell_and_changes_nothing(house: House, admin: Person) -> None:
    book = await exported(admin)
    book["小类"]["N3"], book["立结案标准"]["G4"] = "Z", "soon"
    looked = (await upload(admin, saved(book), dry_run=True)).json()
    cells = {(one["sheet"], one["row"], one["heading"]) for one in looked["problems"] if one["level"] == "fault"}
    assert {("小类", 3, "紧急等级"), ("立结案标准", 4, "时限")} <= cells
    assert (looked["accepted"], looked["kept"]) == (False, False)
    refused = await upload(admin, saved(book))
    assert refused.status_code == 422
    assert "categories.csv/3/grade" in {one["pointer"] for one in refused.json()["errors"]}
    assert await house.rows("SELECT 1 FROM catalogue_versions") == []


async def test_a_dry_run_shows_the_difference_and_keeps_nothing(house: House, admin: Person) -> None:
    looked = (await upload(admin, await renamed(admin), dry_run=True)).json()
    assert looked["accepted"]
    assert [one["text"] for one in looked["difference"]["changes"]] == [
        f"更名 renamed {GARBAGE} 街面垃圾清运保洁 [name] {NAME} → 街面垃圾清运保洁"
    ]
    assert await house.rows("SELECT 1 FROM catalogue_versions") == []


async def test_a_case_keeps_the_version_it_was_filed_under(house: House, admin: Person, dispatcher: Person) -> None:
    await published(house, admin, days=1)
    before = await house.submit()
    house.clock.at += timedelta(days=1)
    after = await house.submit(case_no="PS26091500000188")
    views = [(await dispatcher.get(f"/desk/cases/{case}")).json() for case in (before, after)]
    assert [(view["edition"], view["category_name"]) for view in views] == [
        ("2019", NAME),
        ("2027", "街面垃圾清运保洁"),
    ]
    lines = (await dispatcher.get("/desk/cases")).json()["items"]
    assert [(line["edition"], line["category_name"]) for line in lines] == [
        ("2027", "街面垃圾清运保洁"),
        ("2019", NAME),
    ]
    filed = [event.data for event in await house.emitted(after) if event.type == "case.filed.v1"]
    assert (filed[0].edition, filed[0].category_name) == ("2027", "街面垃圾清运保洁")
    listed = (await admin.get("/catalogue-versions")).json()
    assert (listed["in_force"], [one["id"] for one in listed["items"]]) == ("2027", ["2027", "2019", "2017"])


async def test_a_process_that_runs_takes_a_version_over_and_gives_a_withdrawn_one_up(
    house: House, admin: Person
) -> None:
    other = Rulebook()
    watch = Takeover(house.context, other)
    await watch.run_once()
    await published(house, admin, days=1)
    tomorrow = house.clock.now() + timedelta(days=1)
    assert other.in_force(tomorrow).rules.catalogue.edition.id == "2019"
    assert await watch.run_once() is False
    assert other.in_force(tomorrow).rules.catalogue.edition.id == "2027"
    assert other.in_force(house.clock.now()).rules.catalogue.edition.id == "2019"
    await admin.did("/catalogue-versions/2027/withdraw")
    await watch.run_once()
    assert other.in_force(tomorrow).rules.catalogue.edition.id == "2019"


async def test_a_process_that_never_heard_of_a_version_loads_it_for_the_case_it_meets(
    house: House, admin: Person
) -> None:
    await published(house, admin, days=0)
    case_id = await house.submit()
    stranger = Rulebook()
    async with house.context.begin() as tx:
        tx.rulebook = stranger
        case = await tx.case(case_id)
        assert stranger.of(case).catalogue.edition.id == "2027"


async def test_the_first_batch_after_a_start_is_filed_by_what_is_published(house: House, admin: Person) -> None:
    await published(house, admin, days=0)
    rulebook: Rulebook = house.context.parts["rulebook"]
    rulebook.open(None)
    case_id = await house.submit()
    assert [row.edition for row in await house.rows("SELECT edition FROM cases WHERE case_id = :c", c=case_id)] == [
        "2027"
    ]


async def test_a_version_that_cannot_be_read_any_more_keeps_cases_waiting_and_loses_none(
    house: House, admin: Person
) -> None:
    await published(house, admin, days=0)
    await house.rows("UPDATE catalogue_versions SET checksum = 'damaged' RETURNING 1")
    rulebook: Rulebook = house.context.parts["rulebook"]
    rulebook.open(None)
    case_id = new_id()
    await house.say(case_id, submitted())
    for consumer in house.consumers():
        if consumer.stream == "INTAKE":
            await consumer.run_once()
        await consumer.close()
    assert await house.rows("SELECT 1 FROM parked") == []
    assert await house.rows("SELECT 1 FROM cases") == []


async def test_only_a_draft_is_published_once_not_in_the_past_and_not_on_a_taken_day(
    house: House, admin: Person
) -> None:
    content = await renamed(admin)
    assert (await upload(admin, content)).json()["kept"]
    late = await admin.post("/catalogue-versions/2027/publish", {"effective_from": "2026-09-13"})
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "/effective_from")
    await admin.did("/catalogue-versions/2027/publish", {"effective_from": "2026-10-01"})
    again = await admin.post("/catalogue-versions/2027/publish", {"effective_from": "2026-10-02"})
    assert again.json()["type"] == "urn:huying:problem:version-not-draft"
    assert (await upload(admin, content, id="2027-b")).status_code == 200
    taken = await admin.post("/catalogue-versions/2027-b/publish", {"effective_from": "2026-10-01"})
    assert taken.json()["type"] == "urn:huying:problem:day-taken"


async def test_a_version_in_force_is_not_withdrawn_and_none_is_overwritten(house: House, admin: Person) -> None:
    await published(house, admin, days=0)
    refused = await admin.post("/catalogue-versions/2027/withdraw")
    assert refused.json()["type"] == "urn:huying:problem:version-in-force"
    for taken in ("2027", "2019"):
        again = await upload(admin, b"", id=taken)
        assert (again.status_code, again.json()["type"]) == (422, "urn:huying:problem:not-a-workbook")
        again = await upload(admin, await renamed(admin), id=taken)
        assert again.json()["type"] == "urn:huying:problem:version-exists"


async def test_drafts_are_for_administrators_and_published_versions_for_everybody(
    house: House, admin: Person, dispatcher: Person, unit: Person, http: httpx.AsyncClient
) -> None:
    await upload(admin, await renamed(admin))
    assert (await http.get(f"/catalogue/{GARBAGE}", params={"edition": "2027"})).status_code == 404
    assert (
        await dispatcher.post("/catalogue-versions/2027/publish", {"effective_from": "2026-10-01"})
    ).status_code == 403
    assert (await unit.get("/catalogue-versions")).status_code == 403
    difference = (await dispatcher.get("/catalogue-versions/2027/difference")).json()
    assert (difference["against"], difference["count"]) == ("2019", 1)
    counts = (await dispatcher.get("/catalogue-versions/2027")).json()["counts"]
    assert counts["categories"] == len(load().categories)
    await admin.did("/catalogue-versions/2027/publish", {"effective_from": "2026-10-01"})
    entry = (await http.get(f"/catalogue/{GARBAGE}", params={"edition": "2027"})).json()
    assert entry["name"] == "街面垃圾清运保洁"
    assert (await http.get(f"/catalogue/{GARBAGE}")).json()["name"] == NAME


async def test_what_is_no_catalogue_is_refused_by_its_kind(admin: Person) -> None:
    assert (await upload(admin, b"%PDF", kind="application/pdf")).status_code == 415
    assert (await upload(admin, b"a,b\n", kind="text/csv")).status_code == 415
    table = (await upload(admin, b"a,b\n", kind="text/csv", table="classes", dry_run=True)).json()
    assert [(one["table"], one["row"]) for one in table["problems"] if one["table"] == "classes.csv"] == [
        ("classes.csv", 1)
    ]
    assert (await admin.get("/catalogue-versions/1999")).status_code == 404


async def test_a_standard_is_chosen_by_the_dispatcher_and_shown_with_the_case(
    house: House, dispatcher: Person, unit: Person
) -> None:
    vague = {"category_code": None, "type_code": None, "title": "", "text": "事情就是这样，希望能够重视一下，给个说法"}
    case_id = await house.submit(**vague)
    path = f"/desk/cases/{case_id}/classification"
    wrong = await dispatcher.post(path, {"category_code": GARBAGE, "standard_no": 19})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/standard_no")
    view = await dispatcher.did(path, {"category_code": GARBAGE, "area_code": "440310001", "standard_no": 1})
    first = load().category(GARBAGE).standards[0]
    assert (view["standard"]["no"], view["standard"]["name"]) == (1, first.name)
    order = (await unit.get("/orders")).json()["items"][0]["order_id"]
    assert (await unit.get(f"/orders/{order}")).json()["standard"]["closing_condition"] == first.closing_condition


async def test_the_catalogue_is_searched_by_name_word_and_code(http: httpx.AsyncClient, house: House) -> None:
    for query in (NAME, GARBAGE, "垃圾堆"):
        found = (await http.get("/catalogue/search", params={"q": query})).json()["items"]
        assert GARBAGE in [one["code"] for one in found]
    assert (await http.get("/catalogue/search", params={"q": "魑魅"})).json()["items"] == []
