"""The tour of the desk: everything a work order can do, driven through the doors, with each case's log shown."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import yaml

from deploy.tour.casework import APPROVED, Casework, Seen
from deploy.tour.people import Official, Platform
from deploy.tour.showing import Screen
from deploy.tour.stage import Stage

SECONDS_TO_TAKE_OVER = 6.0
"""Longer than a running process needs to hear of a ruling (`services/router/takeover.py`)."""
PEOPLE = ("dispatcher", "reviewer", "unit", "panel")
DISPUTE = {"argument": "红线内外归属不清，三家单位均称不属其职责"}


class DeskTour:
    """Walks chapter by chapter; `seen` is what was seen, `checks` what must hold."""

    rate = 1
    """Nothing here waits for a night; the limits for signing and returning must not run away."""

    def __init__(self, stage: Stage, http: httpx.Client, screen: Screen) -> None:
        people = {name: Official(http, name, stage.secrets[f"account_{name}"]) for name in PEOPLE}
        words = yaml.safe_load(Path(__file__).with_name("desk.yaml").read_text("utf-8"))
        self._at = Casework(people, Platform(http, stage.secrets["operator_api_key"]), words)
        self._screen = screen
        self.seen: Seen = {"own_system": stage.own, "cases": {}}
        self.checks: dict[str, bool] = {}

    def walk(self) -> None:
        started = time.monotonic()
        chapters: list[tuple[str, str, Callable[[], None]]] = [
            ("首办负责与并联派件", "one lead, co-units, and an answer when all of them are done", self._parallel),
            ("退件与改派", "returned with evidence, refused, agreed to; the desk's own error", self._returned),
            ("会商裁决", "a dispute, a temporary handler, the panel's word, a precedent", self._ruled),
            ("二次分拨", "given on to a unit below, taken back, accepted", self._delegated),
            ("先抢修再问责", "repaired first, accounted for after", self._repaired),
            ("核实、看护、核查", "looked at before filing, guarded, checked before closing", self._looked_at),
            ("终止办理", "ended with approval, and a reason the citizen reads", self._ended),
            ("表扬与建议", "praise is known, a suggestion is adopted", self._short),
        ]
        for number, (zh, english, chapter) in enumerate(chapters):
            self._screen.chapter("一二三四五六七八"[number], zh, english)
            chapter()
        self._figures()
        broken = [name for name, case in self.seen["cases"].items() if case["log_broken_at"] is not None]
        self.checks["every case's log is a chain that holds"] = not broken
        self.seen["seconds"] = round(time.monotonic() - started, 1)
        self.seen["checks"] = self.checks

    def _show(self, name: str, case_id: str) -> Seen:
        """What is kept of a case, and its log on the screen."""
        case = self._at.case(case_id)
        self._screen.say(f"[bold]{case['case_no']}[/] {case['title']} → {case['outcome'] or case['state']}")
        for entry in case["log"]:
            facts = " ".join(f"{key}={value}" for key, value in entry["facts"].items() if key in SHOWN)
            self._screen.say(f"  [dim]{entry['seq']:>3}[/] {entry['action']:<16} {facts}")
        kept = {name: case[name] for name in ("case_no", "state", "outcome", "log_broken_at")}
        self.seen["cases"][name] = kept | {"log": [entry["action"] for entry in case["log"]]}
        return case

    def _parallel(self) -> None:
        at, case_id = self._at, self._at.call("parallel")
        lead = at.lead(case_id)
        co = at.act(at.dispatcher, lead, "co-orders", {"unit_code": "PS-D01"})
        optional = at.act(at.dispatcher, lead, "co-orders", {"unit_code": "PS-D04", "mandatory": False})
        at.work(lead)
        unconfirmed = at.refused(at.reviewer, lead, "review", {"outcome": "approve"})
        at.act(at.reviewer, lead, "review", {"outcome": "send_back", "note": "请补拍整体照片"})
        at.resolve(lead)
        at.act(at.reviewer, lead, "review", APPROVED)
        waiting = at.case(case_id)["state"]
        at.work(co)
        at.act(at.reviewer, co, "review", APPROVED)
        at.reviewer.post(f"/v1/desk/cases/{case_id}/close", {})
        case = self._show("parallel", case_id)
        states = {one["order_id"]: one["state"] for one in case["orders"]}
        self.checks |= {
            "an approval confirms the closing condition": unconfirmed == "closing-condition-open",
            "the answer waits for the mandatory co-unit": waiting == "handling",
            "what was not mandatory is cancelled": states[optional["order_id"]] == "cancelled",
            "with all done the case is answered and closed": case["state"] == "closed",
        }

    def _returned(self) -> None:
        at, case_id = self._at, self._at.call("returned")
        reason = {"reason_code": "unclear_ownership", "legal_basis": "环卫作业范围划分方案"}
        lead = at.lead(case_id)
        bare = at.refused(at.unit, lead, "return", reason)
        at.act(at.unit, lead, "return", {**reason, "evidence": "附作业范围图"})
        at.act(at.dispatcher, lead, "return/rejection", {"note": "该点位在你处作业范围内"})
        again = at.refused(at.unit, lead, "return", {**reason, "evidence": "附作业范围图"})
        self._show("return refused", case_id)
        second = at.call("misdirected")
        at.act(at.unit, at.lead(second), "return", {"reason_code": "wrong_duty", "legal_basis": "三定方案"})
        at.act(at.dispatcher, at.lead(second), "redispatch", {"unit_code": "PS-D01"})
        self._show("return agreed", second)
        third = at.call("misdirected")
        at.act(at.dispatcher, at.lead(third), "redispatch", {"unit_code": "PS-D01", "own_error": True})
        at.act(at.unit, at.lead(third), "sign")
        fixed = at.refused(at.dispatcher, at.lead(third), "redispatch", {"unit_code": "PS-S03"})
        self._show("own error", third)
        self.checks |= {
            "this reason for returning needs evidence": bare == "evidence-missing",
            "a unit returns a case once": again == "return-cap-reached",
            "an agreed return moves the case": at.lead(second)["unit_code"] == "PS-D01",
            "a lead that has begun is not simply moved": fixed == "lead-fixed",
        }

    def _ruled(self) -> None:
        at, case_id = self._at, self._at.call("disputed")
        lead = at.act(at.dispatcher, at.lead(case_id), "redispatch", {"unit_code": "PS-D12"})
        ruling = at.act(at.dispatcher, lead, "referral", DISPUTE)
        acting = at.lead(case_id)
        verdict = {
            "lead_unit_code": "PS-D01",
            "co_unit_codes": ["PS-D12"],
            "grounds": "红线外公共区域由城管部门主办，土地整备部门配合",
            "legal_basis": "部门三定方案",
            "words": ["红线"],
            "propose_row": True,
        }
        made = at.panel.post(f"/v1/rulings/{ruling['ruling_id']}/decision", verdict)
        basis = {"reason_code": "wrong_duty", "legal_basis": "三定方案"}
        designated = at.refused(at.unit, at.lead(case_id), "return", basis)
        self._show("ruled", case_id)
        time.sleep(SECONDS_TO_TAKE_OVER)
        later = self._show("cited", at.call("cited"))
        rows = at.panel.get("/v1/rulings/proposed-rows")
        self._screen.say(f"[dim]{rows['csv']}[/]")
        leads = [one["unit_code"] for one in later["orders"] if one["role"] == "lead"]
        self.checks |= {
            "a temporary handler acts at once": acting["temporary"] and acting["unit_code"] == "PS-S04",
            "the panel names the lead and who helps": made["state"] == "made"
            and at.lead(case_id)["unit_code"] == "PS-D01",
            "a unit named by a ruling cannot return the case": designated == "designated-by-ruling",
            "a later case follows the precedent": leads == ["PS-D01"],
            "and cites it": any(one["kind"] == "precedent" for one in later["reasons"]),
            "the dispatcher is shown it": bool(later["precedents"]),
            "the panel proposes a row of the dispatch table": bool(rows["items"]),
        }

    def _delegated(self) -> None:
        at, case_id = self._at, self._at.call("delegated")
        lead = at.lead(case_id)
        at.act(at.unit, lead, "sign")
        first = at.act(at.unit, lead, "sub-orders", {"unit_code": "PS-S02"})
        at.act(at.unit, first, "take-back")
        sub = at.act(at.unit, lead, "sub-orders", {"unit_code": "PS-S01"})
        at.work(sub, photographed=False)
        early = at.refused(at.unit, lead, "resolve", {"public_reply": "已处理", "photo_ids": []})
        at.act(at.unit, sub, "acceptance", {"outcome": "approve"})
        at.resolve(lead)
        at.act(at.reviewer, lead, "review", APPROVED)
        case = self._show("delegated", case_id)
        self.checks |= {
            "the parent answers for what it gave on": early in {"children-not-done", "photo-missing"},
            "what came back is accepted, and the case answered": case["state"] == "replied",
            "what was taken back is cancelled": "cancelled" in {one["state"] for one in case["orders"]},
        }

    def _repaired(self) -> None:
        at, case_id = self._at, self._at.call("repair")
        orders = at.case(case_id)["orders"]
        for order in orders:
            at.work(order, photographed=False)
            at.act(at.reviewer, order, "review", APPROVED)
        at.reviewer.post(f"/v1/desk/cases/{case_id}/close", {})
        account = at.task(case_id, "account")
        at.unit.post(f"/v1/tasks/{account['task_id']}/finding", {"outcome": "done", "note": "责任单位已确认"})
        case = self._show("repaired first", case_id)
        self.checks |= {
            "a hazard is ordered at once, in urgent hours": all(one["urgent"] for one in orders),
            "the repair needs no photo": not orders[0]["photo_required"],
            "who is liable is settled after closing": case["tasks"][-1]["state"] == "done",
        }

    def _looked_at(self) -> None:
        at, case_id = self._at, self._at.call("verified")
        verify, path = at.task(case_id, "verify"), f"/v1/desk/cases/{case_id}"
        early = at.dispatcher.ask("POST", f"{path}/classification", json={"category_code": "0510002"})
        found = at.find_out(verify, "confirmed")
        at.dispatcher.post(f"{path}/classification", {"category_code": "0510002"})
        guard = at.dispatcher.post(f"{path}/tasks", {"kind": "guard", "instruction": "劝阻明火，守到消防到场"})
        at.unit.post(f"/v1/tasks/{guard['task_id']}/finding", {"outcome": "done", "note": "已守至交接"})
        lead = at.lead(case_id)
        at.work(lead)
        check = at.reviewer.post(f"{path}/tasks", {"kind": "check", "instruction": "看住宿床铺是否清出"})
        waits = at.refused(at.reviewer, lead, "review", APPROVED)
        at.find_out(check, "failed")
        failed = at.refused(at.reviewer, lead, "review", APPROVED)
        at.act(at.reviewer, lead, "review", {"outcome": "send_back", "note": "床铺仍在"})
        at.resolve(lead)
        at.find_out(at.reviewer.post(f"{path}/tasks", {"kind": "check"}), "passed")
        at.act(at.reviewer, lead, "review", APPROVED)
        case = self._show("looked at", case_id)
        self.checks |= {
            "it is not filed before somebody has looked": early.json()["type"].endswith("verification-pending"),
            "the nearest grid officers looked, with a photo": found["unit_code"] == "PS-S06"
            and bool(found["photo_ids"]),
            "nothing is approved while it is being checked": waits == "tasks-not-done",
            "nor when the check has failed": failed == "check-failed",
            "checked again and passed, it is approved": "case" in path and case["orders"][0]["state"] == "reviewed",
        }

    def _ended(self) -> None:
        at, case_id = self._at, self._at.call("ended")
        lead, asked = at.lead(case_id), {"reason_code": "matter_gone", "public_reason": "床板已由失主取回"}
        at.act(at.unit, lead, "sign")
        at.act(at.unit, lead, "termination", asked)
        at.act(at.dispatcher, lead, "termination/decision", {"outcome": "reject", "note": "请再核实一次"})
        at.act(at.unit, lead, "termination", asked)
        at.act(at.dispatcher, lead, "termination/decision", {"outcome": "approve", "note": "同意"})
        self.checks["a termination needs approval, and ends the case"] = (
            self._show("ended", case_id)["outcome"] == "terminated"
        )

    def _short(self) -> None:
        at, praise, idea = self._at, self._at.call("praise"), self._at.call("suggestion")
        at.act(at.unit, at.lead(praise), "acknowledgement")
        lead = at.lead(idea)
        at.act(at.unit, lead, "sign")
        reply: dict[str, Any] = {"outcome": "adopt", "public_reply": "已采纳，本周内增设两个垃圾桶。"}
        at.act(at.unit, lead, "conclusion", reply)
        self.checks |= {
            "praise reaches the unit and is closed": self._show("praise", praise)["outcome"] == "praised",
            "a suggestion is adopted, with a reply": self._show("suggestion", idea)["outcome"] == "adopted",
        }

    def _figures(self) -> None:
        figures = self._at.dispatcher.get("/v1/desk/dispatch-accuracy")
        self.seen["dispatch_accuracy"] = figures
        self._screen.say(
            f"一次派单准确率 [bold]{figures['rate']:.1%}[/]（{figures['stayed']}/{figures['dispatched']}）"
        )
        self.checks["the desk's own errors and units' returns count apart"] = (
            figures["own_error"] >= 1 and figures["returned"] >= 1
        )


SHOWN = frozenset(
    {"unit", "to_unit", "outcome", "kind", "reason_code", "cause", "temporary_unit", "lead", "mandatory", "own_error"}
)
"""Facts of a log entry the screen has room for."""
