"""Units ask, others decide, and every door says what is open to whom."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.events.sla import (
    CaseSupervised,
    ClockBreached,
    ClockExtended,
    ClockPaused,
    ClockResumed,
    OrderUrged,
    SupervisionAnswered,
)
from services.sla.oversight.evidence import BEGINNING, hash_of
from shared.ids import new_id
from shared.tokens import Actor, TokenIssuer
from tests.integration.sla.conftest import KEY, House
from tests.integration.sla.said import closed, contacted, dispatched, filed, replied, resolved, signed

type Who = Callable[..., dict[str, str]]
DUE = datetime(2026, 10, 10, 10, tzinfo=UTC)
"""Five working days from Monday 28 September."""


@pytest.fixture
def who(house: House) -> Who:
    issuer = TokenIssuer(json.dumps(KEY.as_dict(private=True)))

    def headers(name: str, *roles: str, units: tuple[str, ...] = ()) -> dict[str, str]:
        actor = Actor(id=name, kind="staff", roles=frozenset(roles), units=frozenset(units))
        return {"Authorization": f"Bearer {issuer.issue(actor, now=house.clock.now(), lifetime=timedelta(days=400))}"}

    return headers


@pytest.fixture
async def order(house: House, case_id: UUID) -> UUID:
    """Five working days, in the hands of a unit that has spoken with the citizen."""
    order = new_id()
    await house.told(case_id, filed(amount=5), dispatched(order), signed(order), contacted(order))
    return order


def wish(case_id: UUID, order: UUID, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": str(case_id),
        "order_id": str(order),
        "amount": 3,
        "unit": "work_day",
        "reason_code": "engineering",
        "reason": "管网改造须停水施工",
        "public_reason": "涉及管网改造，需要三个工作日",
        "evidence": ["photo-1"],
        **changes,
    }


class Desk:
    """The people of one matter."""

    def __init__(self, browser: httpx.AsyncClient, who: Who) -> None:
        self.browser = browser
        self.handler = who("han", "handler", units=("PS-CG",))
        self.manager = who("meng", "unit_manager", units=("PS-CG",))
        self.dispatcher = who("du", "dispatcher")
        self.supervisor = who("su", "supervisor")
        self.leader = who("li", "leader")
        self.discipline = who("ji", "discipline")
        self.stranger = who("wang", "unit_manager", units=("PS-SW",))

    async def post(self, path: str, by: dict[str, str], body: object = None, *, status: int = 200) -> dict[str, Any]:
        answer = await self.browser.post(path, headers=by, json=body)
        assert answer.status_code == status, answer.text
        return dict(answer.json())

    async def get(self, path: str, by: dict[str, str], **query: Any) -> dict[str, Any]:
        answer = await self.browser.get(path, headers=by, params=query)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def desk(browser: httpx.AsyncClient, who: Who) -> Desk:
    return Desk(browser, who)


def allowed(view: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    return {one["action"]: (one["allowed"], one["reason_zh"]) for one in view["allowed_actions"]}


async def test_more_time_is_granted_in_two_steps_and_moves_the_citizens_clock_too(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    asked = await desk.post("/extensions", desk.handler, wish(case_id, order), status=201)
    path = f"/extensions/{asked['extension_id']}/decisions"
    assert asked["due_at"] == "2026-10-14T18:00:00+08:00"
    assert allowed(asked) == {"decide": (False, "本环节由其他岗位办理"), "withdraw": (True, "")}
    await desk.post(path, desk.dispatcher, {"agreed": True}, status=403)
    await desk.post(path, desk.stranger, {"agreed": True}, status=403)
    await desk.post(path, desk.manager, {"agreed": True})
    assert await house.emitted(ClockExtended) == []
    granted = await desk.post(path, desk.dispatcher, {"agreed": True, "note": "同意"})
    assert granted["state"] == "granted"
    [event] = await house.emitted(ClockExtended)
    assert [clock.kind for clock in event.data.clocks] == ["handle", "total"]
    assert (event.data.public_reason, event.data.times) == ("涉及管网改造，需要三个工作日", 1)
    handle = await house.clock_of(case_id, "handle")
    assert (handle.first_due_at, handle.due_at) == (DUE, datetime(2026, 10, 14, 10, tzinfo=UTC))
    await house.tick_to(datetime(2026, 10, 14, 10, tzinfo=UTC))
    assert "handle" not in {event.data.kind for event in await house.emitted(ClockBreached)}
    await house.tick(seconds=1)
    assert {"handle", "total"} <= {event.data.kind for event in await house.emitted(ClockBreached)}


async def test_a_manager_who_asks_has_taken_the_first_step_and_cannot_take_the_second(
    desk: Desk, who: Who, case_id: UUID, order: UUID
) -> None:
    both = who("meng", "unit_manager", "dispatcher", units=("PS-CG",))
    asked = await desk.post("/extensions", both, wish(case_id, order), status=201)
    assert [step["by"] for step in asked["decisions"]] == ["meng"]
    path = f"/extensions/{asked['extension_id']}/decisions"
    refused = await desk.post(path, both, {"agreed": True}, status=403)
    assert refused["type"].endswith("decided-by-somebody-else")


async def test_what_is_refused_does_not_count_and_the_third_grant_is_not_given(
    desk: Desk, case_id: UUID, order: UUID
) -> None:
    for agreed in (False, True, False, True):
        asked = await desk.post("/extensions", desk.manager, wish(case_id, order, amount=1), status=201)
        second = await desk.post("/extensions", desk.manager, wish(case_id, order), status=409)
        assert second["type"].endswith("asked-already")
        await desk.post(f"/extensions/{asked['extension_id']}/decisions", desk.supervisor, {"agreed": agreed})
    refused = await desk.post("/extensions", desk.manager, wish(case_id, order), status=409)
    assert refused["type"].endswith("extended-often-enough")
    listed = await desk.get("/extensions", desk.manager, state="granted")
    assert [each["times"] for each in listed["items"]] == [1, 2]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"amount": 6}, "too-long"),
        ({"reason_code": "holiday"}, "no-such-reason"),
        ({"evidence": []}, "invalid-input"),
        ({"public_reason": ""}, "invalid-input"),
    ],
)
async def test_a_wish_against_the_rules_is_not_taken(
    desk: Desk, case_id: UUID, order: UUID, changes: dict[str, Any], problem: str
) -> None:
    refused = await desk.post("/extensions", desk.manager, wish(case_id, order, **changes), status=422)
    assert refused["type"].endswith(problem)


async def test_nobody_asks_for_more_time_when_it_is_over(house: House, desk: Desk, case_id: UUID, order: UUID) -> None:
    house.clock.at = DUE
    asked = await desk.post("/extensions", desk.manager, wish(case_id, order), status=201)
    await desk.post(f"/extensions/{asked['extension_id']}/withdrawal", desk.manager)
    await house.tick(seconds=1)
    refused = await desk.post("/extensions", desk.manager, wish(case_id, order), status=409)
    assert refused["type"].endswith("asked-too-late")


async def test_a_breach_said_while_a_wish_waited_stays_a_fact(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    asked = await desk.post("/extensions", desk.manager, wish(case_id, order), status=201)
    await house.tick_to(datetime(2026, 10, 10, 10, 0, 1, tzinfo=UTC))
    await desk.post(f"/extensions/{asked['extension_id']}/decisions", desk.supervisor, {"agreed": True})
    clocks = {clock["kind"]: clock for clock in (await desk.get(f"/clocks/{case_id}", desk.leader))["clocks"]}
    assert (clocks["handle"]["state"], clocks["handle"]["original_due_at"]) == ("normal", "2026-10-10T18:00:00+08:00")
    assert clocks["handle"]["breached_at"] == "2026-10-10T18:00:01+08:00"
    found = await desk.get("/clocks", desk.leader, state="breached")
    assert "handle" not in {clock["kind"] for clock in found["clocks"]}
    await house.tick_to(datetime(2026, 10, 14, 10, 0, 1, tzinfo=UTC))
    assert [e.data.kind for e in await house.emitted(ClockBreached)].count("handle") == 2


def promise(case_id: UUID, order: UUID, promised_at: str, **changes: Any) -> dict[str, Any]:
    return {
        "case_id": str(case_id),
        "order_id": str(order),
        "promised_at": promised_at,
        "reason_code": "season",
        "reason": "须待雨季结束",
        "public_reason": "待雨季结束后施工，十二月一日前完成",
        "evidence": ["plan-7"],
        **changes,
    }


async def test_a_matter_waits_for_its_promised_day_and_goes_on_with_the_time_that_was_left(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    """Paused on Tuesday at ten: six hours of that day are left, and four working days more."""
    house.clock.at = datetime(2026, 9, 29, 2, tzinfo=UTC)
    asked = await desk.post("/suspensions", desk.manager, promise(case_id, order, "2026-12-01T00:00:00Z"), status=201)
    path = f"/suspensions/{asked['suspension_id']}"
    await desk.post(f"{path}/decisions", desk.manager, {"agreed": True}, status=403)
    running = await desk.post(f"{path}/decisions", desk.leader, {"agreed": True, "note": "同意挂账"})
    assert running["next_contact_at"] == "2026-10-30T00:00:00+08:00"
    [paused] = await house.emitted(ClockPaused)
    assert len(paused.data.clock_ids) == 2
    clocks = {clock["kind"]: clock for clock in (await desk.get(f"/clocks/{case_id}", desk.leader))["clocks"]}
    assert (clocks["total"]["state"], clocks["handle"]["state"]) == ("paused", "paused")
    left = clocks["handle"]["remaining_seconds"]
    assert left == (6 + 8 * 4) * 3600
    assert [e["suspension_id"] for e in (await desk.get("/suspensions", desk.leader))["items"]] == [
        asked["suspension_id"]
    ]
    assert {c["kind"] for c in (await desk.get("/clocks", desk.leader, state="paused"))["clocks"]} == {
        "total",
        "handle",
    }
    house.clock.advance(days=20)
    await desk.post(f"{path}/contacts", desk.handler, {"note": "已电话告知施工安排"})
    assert [e for e in await house.tick_to(datetime(2026, 11, 17, 16, tzinfo=UTC)) if e.type == OrderUrged.TYPE] == []
    [reminded] = [e for e in await house.tick_to(datetime(2026, 11, 20, 0, tzinfo=UTC)) if e.type == OrderUrged.TYPE]
    assert reminded.data.by == "rule"
    await house.tick_to(datetime(2026, 12, 1, 0, tzinfo=UTC))
    [resumed] = await house.emitted(ClockResumed)
    handle = await house.clock_of(case_id, "handle")
    assert handle.due_at == resumed.data.clocks[0].due_at == datetime(2026, 12, 7, 8, tzinfo=UTC)
    assert handle.first_due_at == DUE
    await house.told(case_id, resolved(order))
    assert (await house.clock_of(case_id, "handle")).used_seconds == (6 + 2) * 3600
    assert (await desk.get(path, desk.manager))["resumed_by"] == "promised_day"
    again = promise(case_id, order, "2026-12-24T00:00:00Z")
    refused = await desk.post("/suspensions", desk.manager, again, status=409)
    assert refused["type"].endswith("work-is-over")


async def test_a_matter_is_suspended_once_and_no_longer_than_a_year(desk: Desk, case_id: UUID, order: UUID) -> None:
    far = await desk.post("/suspensions", desk.manager, promise(case_id, order, "2027-12-01T00:00:00Z"), status=422)
    assert far["type"].endswith("promised-too-far")
    form = promise(case_id, order, "2026-10-20T00:00:00Z")
    for agreed in (False, True):
        asked = await desk.post("/suspensions", desk.manager, form, status=201)
        await desk.post(f"/suspensions/{asked['suspension_id']}/decisions", desk.supervisor, {"agreed": agreed})
    await desk.post(f"/suspensions/{asked['suspension_id']}/resumption", desk.manager)
    refused = await desk.post("/suspensions", desk.manager, form, status=409)
    assert refused["type"].endswith("suspended-already")


async def test_a_reply_is_accepted_or_takes_the_matter_a_level_up_until_somebody_accounts_for_it(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    form = {"case_id": str(case_id), "level": "order", "instruction": "三日内说明整改措施"}
    await desk.post("/supervisions", desk.manager, form, status=403)
    ordered = await desk.post("/supervisions", desk.leader, form, status=201)
    assert (ordered["unit_code"], ordered["cause"], ordered["order_id"]) == ("PS-CG", "leader", str(order))
    for level in ("listed", "interview", "account"):
        path = f"/supervisions/{ordered['supervision_id']}"
        await desk.post(f"{path}/judgements", desk.supervisor, {"agreed": True}, status=409)
        await desk.post(f"{path}/replies", desk.stranger, {"note": "与我无关"}, status=403)
        await desk.post(f"{path}/replies", desk.manager, {"note": "正在研究"})
        assert allowed(await desk.get(path, desk.supervisor))["judge"] == (True, "")
        await desk.post(f"{path}/judgements", desk.supervisor, {"agreed": False, "note": "没有实质措施"})
        [ordered] = (await desk.get("/supervisions", desk.leader, state="open"))["items"]
        assert ordered["level"] == level
        path = f"/supervisions/{ordered['supervision_id']}"
        if level == "listed":
            title = {"public_title": "某路段积水整治"}
            assert (await desk.browser.get("/supervisions/listed")).json() == {"matters": []}
            await desk.post(f"{path}/listing", desk.supervisor, title)
            [matter] = (await desk.browser.get("/supervisions/listed")).json()["matters"]
            assert (matter["public_title"], set(matter)) == (
                title["public_title"],
                {"public_title", "unit_code", "listed_at", "reply_due_at", "state"},
            )
        if level == "interview":
            await desk.post(f"{path}/accountability", desk.leader, {"note": "不到级别"}, status=409)
            await desk.post(f"{path}/interviews", desk.leader, {"note": "已约谈主要负责人"})
    await desk.post(f"{path}/accountability", desk.leader, {"note": "责令书面检讨"})
    await desk.post(f"{path}/replies", desk.manager, {"note": "已完成整改"})
    assert (await desk.post(f"{path}/judgements", desk.supervisor, {"agreed": True}))["state"] == "accepted"
    assert [e.data.accepted for e in await house.emitted(SupervisionAnswered)] == [False, False, False, True]
    assert [e.data.level for e in await house.emitted(CaseSupervised)] == ["order", "listed", "interview", "account"]
    assert await house.rows("SELECT 1 FROM alarms") == []


async def test_discipline_reads_a_pack_whose_chain_holds_and_decides_nothing(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    asked = await desk.post("/extensions", desk.manager, wish(case_id, order), status=201)
    await desk.post(f"/extensions/{asked['extension_id']}/decisions", desk.dispatcher, {"agreed": True})
    await desk.post(f"/clocks/{case_id}/urges", desk.leader, {"note": "请抓紧"}, status=201)
    form = {"case_id": str(case_id), "level": "account", "instruction": "说明情况"}
    ordered = await desk.post("/supervisions", desk.leader, form, status=201)
    path = f"/supervisions/{ordered['supervision_id']}"
    await desk.post(f"{path}/accountability", desk.discipline, {"note": "…"}, status=403)
    assert not any(open_ for open_, _ in allowed(await desk.get(path, desk.discipline)).values())
    assert (await desk.browser.get(f"{path}/evidence", headers=desk.manager)).status_code == 403
    answer = await desk.browser.get(f"{path}/evidence", headers=desk.discipline)
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    manifest = json.loads(archive.read("manifest.json"))
    facts = [json.loads(line) for line in archive.read("facts.jsonl").decode().splitlines()]
    assert {fact["kind"] for fact in facts} == {"clock", "extension", "urge", "supervision"}
    previous = BEGINNING
    for fact in facts:
        assert (fact["previous"], hash_of(fact)) == (previous, fact["hash"])
        previous = fact["hash"]
    assert (manifest["chain"]["head"], manifest["chain"]["facts"]) == (previous, len(facts))
    assert {each["service"] for each in manifest["elsewhere"]} == {"router", "feedback", "intake"}
    [kept] = await house.rows("SELECT made_by, head, facts FROM evidence_packs")
    assert tuple(kept) == ("ji", previous, len(facts))


async def test_a_unit_appeals_once_after_closing_and_the_facts_stay_late(
    house: House, desk: Desk, who: Who, case_id: UUID, order: UUID
) -> None:
    form = {
        "case_id": str(case_id),
        "unit_code": "PS-CG",
        "ground_code": "force_majeure",
        "statement": "台风期间无法施工",
    }
    early = await desk.post("/appeals", desk.manager, form, status=409)
    assert early["type"].endswith("not-closed-yet")
    house.clock.at = datetime(2026, 10, 12, 2, tzinfo=UTC)
    await house.tick(seconds=0)
    await house.told(case_id, resolved(order), replied(), closed())
    asked = await desk.post("/appeals", desk.manager, form, status=201)
    path = f"/appeals/{asked['appeal_id']}/reviews"
    await desk.post(path, desk.supervisor, {"agreed": True}, status=403)
    await desk.post(path, desk.dispatcher, {"agreed": False, "note": "证据不足"})
    both = who("du", "dispatcher", "supervisor")
    await desk.post(path, both, {"agreed": True}, status=403)
    decided = await desk.post(path, desk.supervisor, {"agreed": True, "mark": "reasonable"})
    assert (decided["state"], decided["exempt"], decided["mark"]) == ("upheld", True, "reasonable")
    handle = await house.clock_of(case_id, "handle")
    assert handle.breached_at is not None
    assert handle.due_at == DUE
    again = await desk.post("/appeals", desk.manager, form, status=409)
    assert again["type"].endswith("appealed-already")


async def test_an_appeal_after_the_days_for_it_is_too_late(
    house: House, desk: Desk, case_id: UUID, order: UUID
) -> None:
    await house.told(case_id, resolved(order), replied(), closed())
    house.clock.advance(days=30)
    form = {"case_id": str(case_id), "unit_code": "PS-CG", "ground_code": "system", "statement": "平台故障"}
    refused = await desk.post("/appeals", desk.manager, form, status=409)
    assert refused["type"].endswith("appeal-too-late")


async def test_the_actions_of_a_case_say_what_is_open_to_whom_and_why_not(
    desk: Desk, case_id: UUID, order: UUID
) -> None:
    seen = await desk.get(f"/clocks/{case_id}/actions", desk.manager)
    [mine] = seen["orders"]
    assert allowed(mine) == {"extend": (True, ""), "suspend": (True, "")}
    assert allowed(seen)["appeal"] == (False, "诉求结案后方可申诉")
    assert seen["extension_reasons"]["weather"] == "恶劣天气等不可抗力"
    [theirs] = (await desk.get(f"/clocks/{case_id}/actions", desk.leader))["orders"]
    assert allowed(theirs)["extend"] == (False, "本环节由其他岗位办理")
    answer = await desk.browser.get(f"/clocks/{case_id}/actions", headers=desk.stranger)
    assert answer.status_code == 404


async def test_people_of_another_unit_find_nothing(desk: Desk, case_id: UUID, order: UUID) -> None:
    asked = await desk.post("/extensions", desk.manager, wish(case_id, order), status=201)
    assert (await desk.get("/extensions", desk.stranger))["items"] == []
    assert (await desk.get("/extensions", desk.stranger, unit_code="PS-CG"))["items"] == []
    hidden = await desk.browser.get(f"/extensions/{asked['extension_id']}", headers=desk.stranger)
    assert hidden.status_code == 404
