"""The tour of the catalogue: a broken workbook, a good one, its dry run on past cases, and the day it is switched on."""

import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from datetime import time as moment
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from deploy.tour.people import Call, Official, Platform
from deploy.tour.showing import Screen, limit_zh
from deploy.tour.stage import RATE, Stage
from deploy.tour.workbooks import SCRIPT, broken, changed

SHENZHEN = ZoneInfo("Asia/Shanghai")
VERSIONS = "/v1/catalogue-versions"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TITLE = "目录试改（导览）"
SECONDS_TO_TAKE_OVER = 6.0
"""Longer than a running process needs to hear that something was published (`services/router/takeover.py`)."""
SECONDS_TO_WAIT = 60.0
"""For a day that is further away nobody waits."""
INVALID, CONFLICT = 422, 409

type Seen = dict[str, Any]


class Tour:
    """Walks chapter by chapter; `seen` is what was seen, `checks` what must hold."""

    rate = RATE

    def __init__(self, stage: Stage, http: httpx.Client, screen: Screen) -> None:
        self._clock, self._screen, self._own = stage.clock, screen, stage.own
        self._admin = Official(http, "admin", stage.secrets["account_admin"])
        self._dispatcher = Official(http, "dispatcher", stage.secrets["account_dispatcher"])
        self._platform = Platform(http, stage.secrets["operator_api_key"])
        self.seen: Seen = {"own_system": stage.own}
        self.checks: dict[str, bool] = {}

    def walk(self) -> None:
        started = time.monotonic()
        calls = [Call.of(row) for row in SCRIPT["calls"]]
        listed = self._versions()
        self._current, year = listed["in_force"], str(self._today().year)
        taken = {one["id"] for one in listed["items"]}
        self._version = next(name for n in range(1, 1000) if (name := f"{year}-tour{n}") not in taken)
        self.seen |= {"version": self._version, "in_force": self._current}
        workbook = self._admin.fetch(f"{VERSIONS}/{self._current}/export", format="xlsx")
        self._break(workbook)
        self._improve(workbook, year)
        before = self._simulate(calls)
        self._switch(calls, before)
        self.seen["seconds"] = round(time.monotonic() - started, 1)
        self.seen["checks"] = self.checks

    def _break(self, workbook: bytes) -> None:
        """Every fault by sheet, row and column, and nothing changed, even for who insists."""
        self._screen.chapter("一", "改坏了的工作簿", "a broken workbook: every fault named, nothing changed")
        before, (content, mistakes) = self._versions(), broken(workbook)
        answer = self._upload(content, dry_run=True).json()
        faults = {(one["sheet"], one["row"], one["heading"]): one for one in answer["problems"]}
        shown = []
        for one in mistakes:
            told = faults.get((one.sheet, one.row, one.column))
            values = {"what": one.what, "sheet": one.sheet, "row": one.row, "column": one.column, "value": one.value}
            words = {"detail": told["detail"] if told else "", "zh": told["zh"] if told else ""}
            shown.append(values | words | {"found": told is not None and told["level"] == "fault"})
        insisted = self._upload(content, dry_run=False)
        self._screen.mistakes(shown)
        self._screen.say(f"不试算、直接上传：[bold]{insisted.status_code}[/] {insisted.json()['type']}")
        self.seen["broken"] = {"faults": answer["faults"], "mistakes": shown, "insisted": insisted.status_code}
        self.checks |= {
            "every mistake was named by sheet, row and column": all(one["found"] for one in shown),
            "nothing else was called a fault": answer["faults"] == len(mistakes),
            "the broken workbook was refused": not answer["accepted"] and insisted.status_code == INVALID,
            "the versions are what they were before": self._versions() == before,
        }

    def _improve(self, workbook: bytes, year: str) -> None:
        """The good change becomes a draft, and its difference can be read."""
        self._screen.chapter("二", "改好的工作簿", "a good change, kept as a draft, and what is different")
        content, self._new = changed(workbook, year)
        answer = self._upload(content, dry_run=False).json()
        difference = self._dispatcher.get(f"{VERSIONS}/{self._version}/difference")
        lines = [one["text"] for one in difference["changes"]]
        self._screen.difference(lines)
        self.seen["draft"] = {"kept": answer.get("kept"), "new_category": self._new, "difference": lines}
        expected = {("added", "category", self._new), ("renamed", "category", SCRIPT["changes"]["renamed"]["code"])}
        expected.add(("changed", "category", SCRIPT["changes"]["moved"]["code"]))
        sooner = SCRIPT["changes"]["sooner"]
        expected.add(("changed", "standard", f"{sooner['code']}/{sooner['standard']}"))
        found = {(one["kind"], one["level"], one["code"]) for one in difference["changes"]}
        self.checks["the good workbook was kept as a draft"] = bool(answer.get("kept"))
        self.checks["the difference names all four changes"] = expected <= found
        self.checks["a draft is not in force"] = self._versions()["in_force"] == self._current

    def _simulate(self, calls: Sequence[Call]) -> list[Seen]:
        """Cases of today, filed under the version in force, judged by the draft."""
        self._screen.chapter("三", "先拿已有事件试算", "past cases, replayed by the draft")
        first = self._today()
        before = self._filed(calls)
        days = {"from": str(first), "to": str(self._today() + timedelta(days=1))}
        report = self._dispatcher.post(f"{VERSIONS}/{self._version}/simulation", days)
        while report["next"]:  # of a long day the last page, where the calls just made are
            report = self._dispatcher.post(f"{VERSIONS}/{self._version}/simulation", {**days, "after": report["next"]})
        self._screen.simulation(report)
        self.seen["past"], self.seen["simulation"] = before, report
        counts = {one["kind"]: one["by_change"] for one in report["kinds"]}
        by = {change: sum(call.change == change for call in calls) for change in ("split", "moved", "sooner")}
        flows = {(one["from_code"], one["to_code"]): one["count"] for one in report["category_flows"]}
        split = flows.get((SCRIPT["changes"]["split"]["from"], self._new), 0)
        left = {one["from_code"] for one in report["unit_flows"]}
        moved = {one["unit_code"] for one in before if one["change"] == "moved"}
        self.checks |= {
            "the dry run finds the cases of the split category": min(counts["category"], split) >= by["split"],
            "the dry run finds the cases that would go to another unit": report["elsewhere"] >= by["moved"]
            and moved <= left,
            "the dry run finds the cases that would have less time": counts["standard"] >= by["sooner"],
            "the dry run changed nothing": self._again(before) == before,
        }
        return before

    def _switch(self, calls: Sequence[Call], before: list[Seen]) -> None:
        """From its day on new cases are judged by the new version, and those before by theirs."""
        self._screen.chapter("四", "按日期生效", "switched on from a date; running cases keep their version")
        day = self._next_day()
        self._admin.post(f"{VERSIONS}/{self._version}/publish", {"effective_from": str(day)})
        waiting = self._clock.seconds_until(_midnight(day))
        self.seen["switch"] = {"effective_from": str(day), "switched": waiting <= SECONDS_TO_WAIT}
        self._screen.say(f"版本 [bold]{self._version}[/] 已发布，自 [bold]{day}[/] 零时（深圳）起生效")
        eve = [one for one in calls if one.change == "split"][:1]
        [last] = self._filed(eve)
        self.checks["until its day the old version judges"] = last["edition"] == self._current
        if waiting > SECONDS_TO_WAIT:
            self._leave(day)
            return
        self._screen.say(f"[dim]等待 {self._clock.seconds_until(_midnight(day)):.0f} 秒，到那一天 …[/]")
        while (left := self._clock.seconds_until(_midnight(day))) > 0:
            time.sleep(left)
        after = self._filed(calls)
        again = self._again(before)
        self._screen.before_and_after(before, after)
        self.seen["switch"] |= {"before": again, "after": after}
        pairs = {old["change"]: (old, new) for old, new in zip(before, after, strict=True)}
        self.checks |= {
            "on its day the new version is in force": self._versions()["in_force"] == self._version,
            "cases filed before keep the old version": {one["edition"] for one in again} == {self._current},
            "cases filed before still read as they did": again == before,
            "cases filed after are judged by the new version": {one["edition"] for one in after} == {self._version},
            "the split category has another name and limit": pairs["split"][1]["category_code"] == self._new
            and _differ(pairs["split"], "category_name", "limit"),
            "the moved category goes to another unit": _differ(pairs["moved"], "unit_code"),
            "the shortened limit is shorter": _differ(pairs["sooner"], "limit"),
            "the renamed category has its new name": _differ(pairs["renamed"], "category_name"),
            "what was not changed is the same": not any(
                _differ(pairs["none"], name) for name in ("category_code", "standard", "limit", "unit_code")
            ),
        }
        self._refused()

    def _refused(self) -> None:
        self._screen.chapter("五", "已生效的版本不能撤回", "a version in force is not withdrawn")
        answer = self._admin.ask("POST", f"{VERSIONS}/{self._version}/withdraw")
        problem = answer.json()
        said = problem.get("title_zh") or problem.get("detail", "")
        self._screen.say(f"撤回：[bold]{answer.status_code}[/] {problem['type']} {said}")
        self.seen["withdrawal"] = {"status": answer.status_code, "type": problem["type"]}
        refused = answer.status_code == CONFLICT and problem["type"].endswith("version-in-force")
        still = self._versions()["in_force"] == self._version
        self.checks["a version in force cannot be withdrawn"] = refused and still

    def _leave(self, day: date) -> None:
        """A system that runs in real time is left as it was: what is not in force yet can be withdrawn."""
        self._screen.say(
            f"此系统按真实时间运行，要到 {day} 才换版；现在撤回这次发布，系统恢复原样。\n"
            "[dim]To see the switch: python -m deploy.tour catalogue --own[/]"
        )
        withdrawn = self._admin.post(f"{VERSIONS}/{self._version}/withdraw")
        self.checks["a version before its day can be withdrawn"] = withdrawn["status"] == "withdrawn"
        self.checks["the version in force is what it was"] = self._versions()["in_force"] == self._current

    def _upload(self, content: bytes, *, dry_run: bool) -> httpx.Response:
        asked = {"id": self._version, "title": TITLE, "dry_run": str(dry_run).lower()}
        return self._admin.ask("POST", VERSIONS, kind=XLSX, content=content, params=asked)

    def _versions(self) -> Seen:
        return self._admin.get(VERSIONS)

    def _filed(self, calls: Sequence[Call]) -> list[Seen]:
        """The calls, posted by the telephone platform, and what the desk made of them."""
        receipts = [self._platform.post(call, number) for number, call in enumerate(calls)]
        return [self._judged(one["case_id"], call.change) for one, call in zip(receipts, calls, strict=True)]

    def _again(self, cases: Sequence[Seen]) -> list[Seen]:
        return [self._judged(one["case_id"], one["change"]) for one in cases]

    def _judged(self, case_id: str, change: str) -> Seen:
        """Which version judged a case, and how; the limit is what that version says to everybody."""
        case = self._dispatcher.find(f"/v1/desk/cases/{case_id}")
        lead: Seen = next((one for one in case["orders"] if one["role"] == "lead"), {})
        standard = case["standard"] or {"no": 0, "name": "", "filing_condition": ""}
        limit: Seen = {}
        if case["category_code"]:
            entry = self._dispatcher.get(f"/v1/catalogue/{case['category_code']}", edition=case["edition"])
            limit = next(one["limit"] for one in entry["category"]["standards"] if one["no"] == standard["no"])
        return {
            "change": change,
            **{name: case[name] for name in ("case_id", "case_no", "edition", "category_code", "category_name")},
            "standard": standard["name"],
            "filing_condition": standard["filing_condition"],
            "limit": limit,
            "limit_zh": limit_zh(limit) if limit else "",
            "unit_code": lead.get("unit_code", ""),
            "unit_name": lead.get("unit_name", "人工分拨"),
        }

    def _today(self) -> date:
        return self._clock.now().astimezone(SHENZHEN).date()

    def _next_day(self) -> date:
        """Tomorrow, or where that is too near or taken, the day after."""
        taken = {one["effective_from"] for one in self._versions()["items"] if one["status"] == "published"}
        day = self._today() + timedelta(days=1)
        while str(day) in taken or self._clock.seconds_until(_midnight(day)) < SECONDS_TO_TAKE_OVER:
            day += timedelta(days=1)
        return day


def _midnight(day: date) -> datetime:
    return datetime.combine(day, moment(), tzinfo=SHENZHEN)


def _differ(pair: tuple[Seen, Seen], *names: str) -> bool:
    return all(pair[0][name] != pair[1][name] for name in names)
