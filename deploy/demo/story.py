"""One request from its door to its end, and everybody who has a hand in it."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx

from deploy.demo.clients import CONFLICT, Desk, Doors, Receipt, Refused
from deploy.demo.messages import Message
from deploy.demo.pictures import VARIANTS, photo
from deploy.demo.watching import View, Watcher

SHORT = frozenset({"praise", "suggestion"})
"""Processes that end with the unit's own word."""
REPLIES = (
    "关于{matter}：经现场核实，情况属实。{unit}已于当日安排人员处理完毕，并列入每日巡查；后续情况可通过“@坪山”小程序随时查询。",
    "{unit}工作人员当天到场，{matter}的问题已经解决，现场照片附后。如再次出现，可以通过“@坪山”小程序提交，预计当天到场。",
    "您反映的{matter}，{unit}已于当日办理完成，具体情况已电话向您说明。后续我们会持续跟进，也可以到社区服务中心了解。",
)
ANSWER = (
    "关于{matter}：可在工作日9时至18时到{unit}的服务窗口申请办理，请携带身份证和相关材料，也可通过“@坪山”小程序提交，"
    "一般3个工作日内办结，不收取费用。"
)
"""To a consultation: when, where, how and at what cost."""
SHARE_RETURNED, SHARE_UNHAPPY, SHARE_SILENT = 0.06, 0.1, 0.08
STEP_SECONDS = 90.0


@dataclass
class Outcome:
    """What happened to one request, for the summary."""

    message: Message
    receipt: Receipt | None = None
    submitted_at: float = 0.0
    watcher: Watcher | None = None
    category: str = ""
    queued: bool = False
    returned: bool = False
    reworked: bool = False
    late: bool = False
    closed: bool = False
    stars: int = 0
    acted: list[tuple[float, str]] = field(default_factory=list)
    """When an officer's action was answered, and the status it should lead the citizen to see."""
    problem: str = ""

    @property
    def view(self) -> View | None:
        return self.watcher.view if self.watcher else None


@dataclass
class Cast:
    """Who plays, and what has been done so far (shown while it runs)."""

    http: httpx.AsyncClient
    doors: Doors
    unit: Desk
    dispatcher: Desk
    reviewer: Desk
    units: list[str]
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)


async def play(message: Message, number: int, cast: Cast, *, late: bool, wait_for_breach: bool) -> Outcome:
    """Submit, watch, handle, rate. What goes wrong is told in `Outcome.problem`."""
    outcome = Outcome(message, late=late)
    watching: asyncio.Task[None] | None = None
    try:
        outcome.submitted_at = time.perf_counter()
        outcome.receipt = await cast.doors.submit(message, number)
        cast.done["submitted"] += 1
        outcome.watcher = Watcher(outcome.receipt.case_no, outcome.receipt.code)
        watching = asyncio.create_task(outcome.watcher.run(cast.http))
        await outcome.watcher.until(lambda _: True, seconds=STEP_SECONDS)
        cast.done["watched"] += 1
        if not await _filed(outcome, cast):
            return outcome
        if wait_for_breach:
            await outcome.watcher.until(lambda view: bool(view["overdue"]), seconds=STEP_SECONDS)
            cast.done["overdue"] += 1
        await _handled(outcome, number, cast)
        await _rated(outcome, number, cast)
    except Exception as error:
        outcome.problem = f"{type(error).__name__}: {error}"
        cast.done["problems"] += 1
    finally:
        if watching is not None:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return outcome


async def _case(outcome: Outcome, cast: Cast) -> dict[str, Any]:
    assert outcome.receipt is not None
    return await cast.dispatcher.get(f"/v1/desk/cases/{outcome.receipt.case_id}")


async def _filed(outcome: Outcome, cast: Cast) -> bool:
    """Wait until it has an order; the dispatcher helps where the rules were not sure. False when it was not accepted."""
    assert outcome.receipt is not None
    while True:
        try:
            case = await _case(outcome, cast)
        except Exception:
            await asyncio.sleep(0.2)  # the desk has not heard of it yet
            continue
        if case["orders"]:
            outcome.category = case["category_name"]
            return True
        if case["state"] == "queued":
            outcome.queued = True
            cast.done["by hand"] += 1
            return await _decided(outcome, case, cast)
        await asyncio.sleep(0.1)


async def _decided(outcome: Outcome, case: dict[str, Any], cast: Cast) -> bool:
    """What a dispatcher does with the queue: the category it really is, the best guess, or a reason for refusing."""
    path = f"/v1/desk/cases/{case['case_id']}"
    guesses = [guess["category_code"] for guess in case.get("candidates", [])]
    code = outcome.message.category_code or (guesses[0] if guesses else "")
    if not code or outcome.message.type_code == "invalid":
        reasons = (await cast.dispatcher.get("/v1/desk/reasons"))["not_accepted"]
        await cast.dispatcher.post(f"{path}/close", {"reason_code": reasons[0]["code"]})
        cast.done["not accepted"] += 1
        outcome.closed = True
        assert outcome.watcher is not None
        await outcome.watcher.until(lambda view: bool(view["closed"]), seconds=STEP_SECONDS)
        return False
    filed = await cast.dispatcher.post(f"{path}/classification", {"category_code": code})
    outcome.category = filed["category_name"]
    return True


async def _concluded(outcome: Outcome, case: dict[str, Any], cast: Cast) -> None:
    """Praise is known, a suggestion answered; either ends the case, and nobody is asked to rate it."""
    [order] = [one for one in case["orders"] if one["state"] not in ("redispatched", "cancelled")]
    path = f"/v1/orders/{order['order_id']}"
    if case["process_code"] == "praise":
        await _in_time(f"{path}/acknowledgement", cast)
    else:
        if order["state"] == "dispatched":
            await _in_time(f"{path}/sign", cast)
        reply = "您的建议已转相关科室研究，将结合年度计划统筹安排，感谢您的关心。"
        await cast.unit.post(f"{path}/conclusion", {"outcome": "answer", "public_reply": reply})
    assert outcome.watcher is not None
    await outcome.watcher.until(lambda view: bool(view["closed"]), seconds=STEP_SECONDS)
    outcome.closed = True
    cast.done["concluded"] += 1


async def _handled(outcome: Outcome, number: int, cast: Cast) -> None:
    """All open orders of the case: sign, contact, photograph, resolve; then the review."""
    case = await _case(outcome, cast)
    if case["process_code"] in SHORT:
        await _concluded(outcome, case, cast)
        return
    orders = [order for order in case["orders"] if order["state"] in ("dispatched", "signed", "reworking")]
    if cast.chance.random() < SHARE_RETURNED and len(orders) == 1 and not outcome.late and orders[0]["round"] == 1:
        orders = [await _returned(outcome, orders[0], cast)]
    for order in orders:
        await _work(outcome, order, number, cast)
    for order in orders:
        await cast.reviewer.post(
            f"/v1/orders/{order['order_id']}/review", {"outcome": "approve", "closing_condition_met": True}
        )
    _acted(outcome, "replied", order["round"])
    cast.done["answered"] += 1


def _acted(outcome: Outcome, status: str, round_: int) -> None:
    outcome.acted.append((time.perf_counter(), f"{status}@{round_}"))


async def _returned(outcome: Outcome, order: dict[str, Any], cast: Cast) -> dict[str, Any]:
    """退件: the unit is not the right one; the dispatcher agrees and sends it elsewhere."""
    path = f"/v1/orders/{order['order_id']}"
    body = {"reason_code": "wrong_duty", "legal_basis": "按部门“三定”方案，该事项由其他单位主管"}
    await cast.unit.post(f"{path}/return", body)
    other = cast.chance.choice([code for code in cast.units if code != order["unit_code"]])
    outcome.returned = True
    cast.done["returned"] += 1
    return await cast.dispatcher.post(f"{path}/redispatch", {"unit_code": other})


async def _in_time(path: str, cast: Cast) -> bool:
    """False when the limit for signing was over and the system had signed already."""
    try:
        await cast.unit.post(path)
    except Refused as refused:
        if f": {CONFLICT} " in str(refused):
            return False
        raise
    return True


async def _work(outcome: Outcome, order: dict[str, Any], number: int, cast: Cast) -> None:
    path, again = f"/v1/orders/{order['order_id']}", order["round"]
    lead = order["role"] == "lead"
    if order["state"] == "dispatched" and await _in_time(f"{path}/sign", cast) and lead:
        _acted(outcome, "signed", again)
    await cast.unit.post(f"{path}/contact", {"method": "phone", "note": "已电话联系"})
    if lead:
        _acted(outcome, "contacted", again)
    photos = [
        await cast.unit.upload(order["order_id"], kind, photo(cleaned=kind == "after", variant=number % VARIANTS))
        for kind in ("before", "after")
    ]
    words = ANSWER if order["type_code"] == "consultation" else cast.chance.choice(REPLIES)
    reply = words.format(unit=order["unit_name"], matter=order["category_name"])
    await cast.unit.post(f"{path}/resolve", {"public_reply": reply, "handling_note": "已处置", "photo_ids": photos})
    if lead:
        _acted(outcome, "verifying", again)
    cast.done["resolved"] += 1


async def _rated(outcome: Outcome, number: int, cast: Cast) -> None:
    """Most are content, some are not and get a second round, some say nothing."""
    if outcome.closed:
        return
    assert outcome.watcher is not None
    await outcome.watcher.until(_may_rate, seconds=STEP_SECONDS)
    mood = cast.chance.random()
    if mood < SHARE_SILENT:
        cast.done["silent"] += 1
        return
    if mood < SHARE_SILENT + SHARE_UNHAPPY:
        await _rate(outcome, 2, cast, solved=False)
        outcome.reworked = True
        cast.done["reworked"] += 1
        await outcome.watcher.until(lambda view: view["round"] > 1 and not _may_rate(view), seconds=STEP_SECONDS)
        await _handled(outcome, number, cast)
        await outcome.watcher.until(_may_rate, seconds=STEP_SECONDS)
    outcome.stars = cast.chance.choice((4, 5, 5))
    await _rate(outcome, outcome.stars, cast, solved=True)
    await outcome.watcher.until(lambda view: bool(view["closed"]), seconds=STEP_SECONDS)
    outcome.closed = True
    cast.done["closed"] += 1


def _may_rate(view: View) -> bool:
    return any(action["action"] == "rate" and action["allowed"] for action in view["allowed_actions"])


async def _rate(outcome: Outcome, stars: int, cast: Cast, *, solved: bool) -> None:
    assert outcome.receipt is not None
    form = {"speed": stars, "result": stars, "attitude": min(5, stars + 1), "system": 5, "solved": solved}
    answer = await cast.http.post(
        f"/v1/ratings/{outcome.receipt.case_no}", json=form, headers={"X-Lookup-Code": outcome.receipt.code}
    )
    answer.raise_for_status()
