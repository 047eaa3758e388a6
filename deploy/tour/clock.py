"""The tour of the stopwatch: a working month under a clock that is moved, and the life of every clock in it."""

import io
import json
import time
import zipfile
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from deploy.tour.facts import Facts
from deploy.tour.showing import Screen
from deploy.tour.stopwatch import Stopwatch, stopwatch
from services.sla.hours import SHENZHEN
from shared.tokens import Actor

MANAGER = Actor("经理", "staff", frozenset({"unit_manager"}), frozenset({"PS-CG"}))
DISPATCHER = Actor("分拨员", "staff", frozenset({"dispatcher"}))
SUPERVISOR = Actor("督办员", "staff", frozenset({"supervisor"}))
LEADER = Actor("领导", "staff", frozenset({"leader"}))
DISCIPLINE = Actor("纪检", "staff", frozenset({"discipline"}))
EVIDENCE = ["photo-1"]
REFUSED = 409


def on(day: int, hour: int, minute: int = 0, *, month: int = 3) -> datetime:
    """Of 2026, in Shenzhen."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHENZHEN).astimezone(UTC)


class Tour:
    """March 2026: ten matters side by side, told in the order things happen."""

    def __init__(self, watch: Stopwatch, screen: Screen, console: Console) -> None:
        self._watch, self._screen, self._console = watch, screen, console
        self.checks: dict[str, bool] = {}
        self.seen: dict[str, Any] = {}
        titles = [
            "井盖松动",
            "路灯不亮",
            "管网改造",
            "绿地补种",
            "道路积水",
            "煤气泄漏",
            "噪声扰民",
            "重复诉求",
            "垃圾清运",
            "台风倒树",
        ]
        self.cases = [Facts(f"PS260302{n:08d}", title) for n, title in enumerate(titles)]

    async def walk(self) -> None:
        began = time.monotonic()
        await self._first_week()
        await self._second_week()
        await self._third_week()
        await self._after_the_month()
        for case in self.cases:
            await self._life(case)
        self.seen["seconds"] = round(time.monotonic() - began, 2)
        self.seen["checks"] = self.checks

    async def _begin(self, case: Facts, *filing: Any, **more: Any) -> None:
        now = self._watch.clock.now()
        await self._watch.hear(case.case_id, case.submitted(now), case.filed(*filing, **more), case.dispatched())

    async def _first_week(self) -> None:
        """Monday 2 March: ten requests come in."""
        watch = self._watch
        plain, late, longer, waits, pressed, urgent, sub, follower, unhappy, _ = self.cases
        for minute, (case, days) in enumerate(zip(self.cases, (5, 1, 5, 5, 5, 2, 5, 5, 3, 2), strict=True)):
            await watch.until(on(2, 9, minute))
            if case is urgent:
                now = watch.clock.now()
                emergency = case.dispatched(urgent=True)
                await watch.hear(case.case_id, case.submitted(now), case.filed(days, grade="A"), emergency)
            else:
                await self._begin(case, days)
            await watch.hear(case.case_id, case.noticed("accepted:1"), *(() if case is late else case.begun()))
        await watch.hear(sub.case_id, sub.given_on())
        await watch.hear(plain.case_id, plain.returned())
        await watch.until(on(2, 16))
        await watch.hear(urgent.case_id, urgent.resolved(), urgent.reviewed(), urgent.replied())
        await watch.hear(follower.case_id, follower.merged(plain))
        await watch.until(on(3, 10))
        form = self._wish(longer, 3, "engineering", "涉及管网改造，需要三个工作日")
        asked = await watch.done(MANAGER, "POST", "/extensions", form)
        decide = f"/extensions/{asked['extension_id']}/decisions"
        await watch.done(DISPATCHER, "POST", decide, {"agreed": True, "note": "同意"})
        form = self._wish(pressed, 5, "weather", "受暴雨影响，需要延长")
        asked = await watch.done(MANAGER, "POST", "/extensions", form)
        await watch.done(DISPATCHER, "POST", f"/extensions/{asked['extension_id']}/decisions", {"agreed": False})
        form = {**self._wish(waits, 1, "season", "待三月下旬适合补种时施工"), "promised_at": on(23, 9).isoformat()}
        del form["amount"], form["unit"]
        asked = await watch.done(MANAGER, "POST", "/suspensions", form)
        await watch.done(LEADER, "POST", f"/suspensions/{asked['suspension_id']}/decisions", {"agreed": True})
        self.seen["suspension"] = asked["suspension_id"]
        await watch.until(on(4, 9))
        for times in (1, 2, 3):
            await watch.until(on(4, 9 + times))
            await watch.hear(pressed.case_id, pressed.urged(times, watch.clock.now()))
        await watch.until(on(5, 15))
        await watch.hear(plain.case_id, plain.resolved(), plain.reviewed(), plain.replied(), plain.noticed("replied:1"))
        await watch.hear(sub.case_id, sub.resolved(sub.sub), sub.resolved(), sub.reviewed("sent_back"))
        await watch.hear(unhappy.case_id, unhappy.resolved(), unhappy.reviewed(), unhappy.replied())
        await watch.hear(unhappy.case_id, unhappy.noticed("replied:1"), *unhappy.rated(satisfied=False))
        await watch.hear(unhappy.case_id, unhappy.reworked(), unhappy.dispatched(turn=2))

    def _wish(self, case: Facts, amount: int, code: str, public: str) -> dict[str, Any]:
        return {
            "case_id": str(case.case_id),
            "order_id": str(case.lead),
            "amount": amount,
            "unit": "work_day",
            "reason_code": code,
            "reason": "见附件",
            "public_reason": public,
            "evidence": EVIDENCE,
        }

    async def _second_week(self) -> None:
        """The supervision of the flooded road goes up; the rest is late, or is not; the stopwatch is down for a day."""
        watch = self._watch
        plain, _, longer, _, pressed, _, sub, follower, unhappy, appealed = self.cases
        await watch.until(on(6, 10))
        await watch.hear(plain.case_id, *plain.rated(satisfied=True), plain.closed())
        await watch.hear(follower.case_id, follower.unmerged(plain))
        [order] = (await watch.done(SUPERVISOR, "GET", f"/supervisions?case_id={pressed.case_id}"))["items"]
        for _level in ("listed", "interview", "account"):
            path = f"/supervisions/{order['supervision_id']}"
            await watch.done(MANAGER, "POST", f"{path}/replies", {"note": "正在研究"})
            await watch.done(SUPERVISOR, "POST", f"{path}/judgements", {"agreed": False, "note": "没有实质措施"})
            [order] = (await watch.done(LEADER, "GET", f"/supervisions?case_id={pressed.case_id}&state=open"))["items"]
            if order["level"] == "listed":
                title = {"public_title": "某路段积水整治"}
                await watch.done(SUPERVISOR, "POST", f"/supervisions/{order['supervision_id']}/listing", title)
        path = f"/supervisions/{order['supervision_id']}"
        await watch.done(LEADER, "POST", f"{path}/accountability", {"note": "责令书面检讨"})
        await self._evidence(path)
        await watch.until(on(6, 16))
        await watch.hear(sub.case_id, sub.resolved(), sub.reviewed(), sub.replied(), sub.noticed("replied:1"))
        await watch.until(on(10, 9))
        before = len(await watch.told())
        await watch.asleep_until(on(11, 9))
        told = (await watch.told())[before:]
        breaches = [event.data.due_at for event in told if event.type.startswith("clock.breached")]
        self.seen["backlog"] = len(told)
        self.checks["停机一天后，积压的提醒按到期先后补发"] = bool(told) and breaches == sorted(breaches)
        for case in (unhappy, appealed):
            await watch.hear(case.case_id, case.resolved(), case.reviewed(), case.replied())
        await watch.hear(appealed.case_id, *appealed.rated(satisfied=True), appealed.closed())
        await watch.hear(unhappy.case_id, unhappy.replied(turn=2), *unhappy.rated(satisfied=False, turn=2))
        await watch.hear(unhappy.case_id, unhappy.closed("dissatisfied", turn=2))
        await watch.until(on(11, 17))
        await watch.hear(longer.case_id, longer.resolved(), longer.reviewed(), longer.replied())
        late = await watch.do(MANAGER, "POST", "/extensions", self._wish(pressed, 1, "weather", "再延长一日"))
        self.checks["到期以后不再受理延期申请"] = late.status_code == REFUSED

    async def _evidence(self, path: str) -> None:
        answer = await self._watch.do(DISCIPLINE, "GET", f"{path}/evidence")
        archive = zipfile.ZipFile(io.BytesIO(answer.content))
        manifest = json.loads(archive.read("manifest.json"))
        self.seen["evidence"] = manifest["chain"]
        self.checks["问责证据包的事实链完整"] = manifest["chain"]["facts"] > 0

    async def _third_week(self) -> None:
        watch, unhappy, appealed = self._watch, self.cases[8], self.cases[9]
        await watch.until(on(12, 10))
        await watch.hear(unhappy.case_id, unhappy.called())
        form = {
            "case_id": str(appealed.case_id),
            "unit_code": "PS-CG",
            "ground_code": "force_majeure",
            "statement": "台风期间无法施工",
        }
        asked = await watch.done(MANAGER, "POST", "/appeals", form)
        review = f"/appeals/{asked['appeal_id']}/reviews"
        await watch.done(DISPATCHER, "POST", review, {"agreed": True, "note": "属实"})
        done = await watch.done(SUPERVISOR, "POST", review, {"agreed": True, "mark": "reasonable"})
        self.checks["申诉成立只作免责标记，逾期事实不变"] = done["exempt"] and await self._is_late(appealed)
        await watch.until(on(20, 9))
        await watch.done(
            MANAGER, "POST", f"/suspensions/{self.seen['suspension']}/contacts", {"note": "已电话说明进度"}
        )

    async def _is_late(self, case: Facts) -> bool:
        rows = await self._watch.rows(
            "SELECT 1 FROM clocks WHERE case_id = :case AND kind = 'handle' AND stopped_at > due_at", case=case.case_id
        )
        return bool(rows)

    async def _after_the_month(self) -> None:
        watch = self._watch
        _, late, longer, waits, pressed, urgent, sub, _, unhappy, appealed = self.cases
        await watch.until(on(24, 9))
        await watch.hear(waits.case_id, waits.resolved(), waits.reviewed(), waits.replied())
        await watch.until(on(31, 18))
        heard = [(event.case_id, event.type.removesuffix(".v1"), event.data) for event in await watch.told()]
        kinds = {clock.kind for _, what, data in heard if what == "clock.started" for clock in data.clocks}

        def said(case: Facts, what: str, **like: Any) -> bool:
            return any(
                case_id == case.case_id and kind == what and all(getattr(data, n) == v for n, v in like.items())
                for case_id, kind, data in heard
            )

        self.checks |= {
            "十二种时限各有起止": len(kinds) == len(CLOCKS_ZH),
            "逾期先黄牌、后红牌，满三个工作日发督办单": said(pressed, "clock.warned", card="yellow")
            and said(pressed, "clock.warned", card="red")
            and said(appealed, "case.supervised", cause="overdue"),
            "延期经两级审批，诉求人看到新日期": said(longer, "clock.extended", times=1)
            and not said(longer, "clock.breached", kind="handle"),
            "被退回的延期申请不改时限": not said(pressed, "clock.extended"),
            "挂账期间不计时，到承诺日自动恢复": said(waits, "clock.paused")
            and said(waits, "clock.resumed")
            and not said(waits, "clock.breached", kind="handle"),
            "催办三次即督办，逐级升到问责": said(pressed, "case.supervised", level="account"),
            "应急工单按紧急工作时计": not said(urgent, "clock.breached", kind="handle"),
            "二次分拨不晚于上级单位": said(sub, "clock.stopped", kind="delegate", on_time=True),
            "退件不停诉求人的时限": said(self.cases[0], "clock.stopped", kind="total", on_time=True),
            "两次不满意即督办，并回访": said(unhappy, "case.supervised", cause="dissatisfied_twice")
            and said(unhappy, "clock.stopped", kind="callback"),
            "签收逾期有记录": said(late, "clock.breached", kind="sign"),
        }
        self.seen["events"] = len(heard)

    async def _life(self, case: Facts) -> None:
        view = await self._watch.done(LEADER, "GET", f"/clocks/{case.case_id}")
        table = Table(
            "时限", "单位", "开始", "原定到期", "现定到期", "停止", "结果", title=f"{case.case_no} {case.title}"
        )
        for clock in view["clocks"]:
            table.add_row(*_line(clock))
        self._console.print(table)
        told = [event for event in await self._watch.told(case.case_id) if event.type in TOLD_ZH]
        for event in told:
            words = f"{event.time.astimezone(SHENZHEN):%m-%d %H:%M}  {TOLD_ZH[event.type]}{_detail(event.data)}"
            self._console.print(f"  {words}", highlight=False)
        lives: list[dict[str, Any]] = self.seen.setdefault("lives", [])
        lives.append({"case_no": case.case_no, "clocks": view["clocks"], "told": len(told)})


CLOCKS_ZH = {
    "accept": "受理",
    "inform": "受理告知",
    "dispatch": "分拨",
    "sign": "签收",
    "contact": "首次联系",
    "handle": "处置",
    "delegate": "二次分拨处置",
    "review": "结案审核",
    "inform_result": "办理告知",
    "callback": "回访",
    "total": "总时限",
    "rate": "评价",
}
TOLD_ZH = {
    "clock.warned.v1": "提醒",
    "clock.breached.v1": "逾期",
    "clock.extended.v1": "延期",
    "clock.paused.v1": "挂账",
    "clock.resumed.v1": "恢复计时",
    "order.urged.v1": "催办",
    "case.supervised.v1": "督办",
    "supervision.answered.v1": "督办回复审核",
}
LEVELS_ZH = {"urged": "催办", "order": "督办单", "listed": "挂牌", "interview": "约谈", "account": "问责"}


def _line(clock: dict[str, Any]) -> Sequence[str]:
    stopped = clock["stopped_at"]
    ending = {None: "计时中", True: "按时", False: "逾期"}[clock["on_time"]] if clock["state"] != "paused" else "挂账"
    first, due = _short(clock["original_due_at"]), _short(clock["due_at"])
    begun, unit = _short(clock["started_at"]), clock["unit_code"] or ""
    return CLOCKS_ZH[clock["kind"]], unit, begun, first, due if due != first else "", _short(stopped), ending


def _short(at: str | None) -> str:
    return f"{datetime.fromisoformat(at):%m-%d %H:%M}" if at else ""


def _detail(data: Any) -> str:
    if getattr(data, "level", None):
        return f"：{LEVELS_ZH[data.level]}"
    card = {"yellow": "，黄牌", "red": "，红牌", None: ""}[getattr(data, "card", None)]
    step = f"（{data.step_code}）" if getattr(data, "step_code", "") else ""
    kind = CLOCKS_ZH.get(getattr(data, "kind", ""), "")
    times = f"：第{data.times}次" if hasattr(data, "by") else ""
    return f"：{kind}{step}{card}" if kind else times


async def walk(console: Console, screen: Screen) -> Tour:
    async with stopwatch(on(2, 9)) as watch:
        tour = Tour(watch, screen, console)
        await tour.walk()
        return tour
