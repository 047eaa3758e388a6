"""The tour of the citizen: one case through every node and side branch, as the one who asked sees it, with each notice."""

import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import httpx

from contracts.numbers import SHENZHEN
from deploy.demo.pictures import photo
from deploy.tour.people import Official, Refused
from deploy.tour.showing import Screen
from deploy.tour.stage import Stage

PHONE, NAME = "13800138000", "导览市民"
CATEGORY, AREA = "0201001", "440310005001"
PATIENCE_SECONDS = 40.0
NOT_MODIFIED = 304
# What a citizen must never read: that somebody refused, who, why, and what staff write to each other.
INTERNAL = ("退件", "退回单位", "推诿", "三定", "内部记录", "争议", "wrong_duty", PHONE, NAME)
_MARKS = {"done": "[green]●[/]", "current": "[yellow]◐[/]", "pending": "[dim]○[/]", "skipped": "[dim]－[/]"}

type Seen = dict[str, Any]


class Asker:
    """Somebody with a number and a code, who waits for news as a client without a stream does."""

    def __init__(self, http: httpx.Client, receipt: Seen) -> None:
        self._http, self.receipt = http, receipt
        self.headers = {"X-Lookup-Code": str(receipt["look_up_code"])}
        self.path = f"/v1/progress/{receipt['case_no']}"
        self.views: list[Seen] = []
        self._etag = '"0"'

    def until(self, condition: Callable[[Seen], bool]) -> Seen:
        """Every version on the way is kept. Raises `Refused` when it does not come."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            answer = self._http.get(self.path, params={"wait": 5}, headers=self.headers | {"If-None-Match": self._etag})
            if answer.status_code != NOT_MODIFIED:
                if not answer.is_success:
                    raise Refused(f"GET {self.path}: {answer.status_code} {answer.text[:200]}")
                self._etag = answer.headers["ETag"]
                self.views.append(answer.json())
            if self.views and condition(self.views[-1]):
                return self.views[-1]
        raise Refused(
            f"{self.path}: what was waited for did not come; {self.views[-1]['status'] if self.views else ''}"
        )

    def post(self, path: str, body: object = None) -> Seen:
        call: dict[str, Any] = {} if body is None else {"json": body}
        answer = self._http.post(path, headers=self.headers, **call)
        if not answer.is_success:
            raise Refused(f"POST {path}: {answer.status_code} {answer.text[:200]}")
        return dict(answer.json())


class CitizenTour:
    """Walks chapter by chapter; `seen` is what was seen, `checks` what must hold."""

    rate = 60
    """An hour of its own system is a minute: a promised time is far enough to be counted down to."""

    def __init__(self, stage: Stage, http: httpx.Client, screen: Screen) -> None:
        self._http, self._screen = http, screen
        secrets = stage.secrets
        self._platform = {"Authorization": f"Bearer {secrets['operator_api_key']}"}
        self._dispatcher, self._reviewer, self._unit, self._admin = (
            Official(http, login, secrets[f"account_{login}"]) for login in ("dispatcher", "reviewer", "unit", "admin")
        )
        self.seen: Seen = {"own_system": stage.own}
        self.checks: dict[str, bool] = {}

    def walk(self) -> None:
        started = time.monotonic()
        main = self._submitted()
        self._handled_once(main)
        self._not_content(main)
        self._content(main)
        refused, gone = self._refused(), self._withdrawn()
        self._notices(main)
        everything = str([asker.views for asker in (main, refused, gone)])
        self.checks["no view ever held an internal word, a name or a number"] = not any(
            word in everything for word in INTERNAL
        )
        self.checks["the bar always had five to thirteen nodes"] = all(
            5 <= len(view["nodes"]) <= 13  # noqa: PLR2004  the reform's own figures
            for asker in (main, refused, gone)
            for view in asker.views
        )
        self.seen |= {"receipts": [one.receipt for one in (main, refused, gone)], "final": main.views[-1]}
        self.seen["seconds"], self.seen["checks"] = round(time.monotonic() - started, 1), self.checks

    def _call(self, text: str, **more: object) -> Asker:
        form = {"text": text, "call_id": uuid4().hex, "caller": {"phone": PHONE, "name": NAME}, **more}
        headers = {**self._platform, "Idempotency-Key": uuid4().hex}
        answer = self._http.post("/v1/calls", json=form, headers=headers)
        if not answer.is_success:
            raise Refused(f"POST /v1/calls: {answer.status_code} {answer.text[:200]}")
        return Asker(self._http, dict(answer.json()))

    def _submitted(self) -> Asker:
        self._screen.chapter("一", "提交、受理、派单", "submitted, accepted, dispatched")
        asker = self._call("人行道井盖缺失，请尽快处理", category_code=CATEGORY, place={"area_code": AREA})
        self._filed(asker)
        view = asker.until(lambda view: view["units"]["lead"] is not None and view["due_at"] is not None)
        self._show(view)
        countdown = view["countdown"]
        self.checks["the promised time counts down"] = bool(
            countdown and countdown["text"].startswith(("还剩", "已到"))
        )
        number = asker.receipt["case_no"]
        asker.post(f"/v1/cases/{number}/urges")
        asker.post(f"/v1/cases/{number}/supplements", {"text": "井口旁没有围挡，来往行人很多"})
        view = asker.until(lambda view: {"urged", "supplemented"} <= _keys(view))
        again = self._http.post(f"/v1/cases/{number}/urges", headers=asker.headers)
        self.checks["urging and supplementing are on the bar"] = True
        self.checks["a second urge on the same day is told to wait"] = "Retry-After" in again.headers
        return asker

    def _filed(self, asker: Asker) -> None:
        """By the rules, or by the dispatcher where they were not sure."""
        path = f"/v1/desk/cases/{asker.receipt['case_id']}"
        if self._dispatcher.find(path)["state"] == "queued":
            self._dispatcher.post(f"{path}/classification", {"category_code": CATEGORY})

    def _handled_once(self, asker: Asker) -> None:
        self._screen.chapter(
            "二", "退件、改派、签收、联系、办理、答复", "returned unseen, redispatched, handled, answered"
        )
        order = self._order(asker)
        path = f"/v1/orders/{order['order_id']}"
        basis = "按部门“三定”方案，该事项由其他单位主管"
        self._unit.post(f"{path}/return", {"reason_code": "wrong_duty", "legal_basis": basis})
        asker.until(lambda view: view["status"]["code"] == "dispatching")
        other = "PS-D01" if order["unit_code"] != "PS-D01" else "PS-D02"
        _patiently(self._dispatcher, f"{path}/redispatch", {"unit_code": other})
        view = asker.until(lambda view: view["status"]["code"] == "dispatched")
        self.checks["the unit that refused is no longer named"] = order["unit_name"] not in str(view)
        self._resolved(asker, notes=("已到现场设置围挡", "正在更换井盖"))

    def _not_content(self, asker: Asker) -> None:
        self._screen.chapter("三", "不满意，自动重办", "not content: handled again under the same number")
        number = asker.receipt["case_no"]
        low = {"speed": 3, "result": 1, "attitude": 4, "system": 5, "solved": False, "comment": "第二天又松动了"}
        rated = asker.post(f"/v1/ratings/{number}", low)
        self.checks["an unsolved matter counts as dissatisfied"] = rated["level"] == "dissatisfied"
        asker.until(lambda view: view["round"] > 1 and view["status"]["code"] != "rated_again")
        answer = {"solved": "unsolved", "satisfied": "dissatisfied", "contacted_in_time": True}
        asker.post(f"/v1/callbacks/{number}/answers", answer)
        asker.until(lambda view: view["units"]["lead"] is not None)
        self._resolved(asker, notes=())
        self.checks["both answers are kept"] = [reply["round"] for reply in asker.views[-1]["replies"]] == [1, 2]
        self.checks["the rework is on the bar"] = "reworked" in _keys(asker.views[-1])

    def _content(self, asker: Asker) -> None:
        self._screen.chapter("四", "满意，办结", "content: closed, and the unit is thanked")
        good = {"speed": 5, "result": 5, "attitude": 5, "system": 5, "solved": True, "praise": True}
        asker.post(f"/v1/ratings/{asker.receipt['case_no']}", good)
        view = asker.until(lambda view: bool(view["closed"]))
        self._show(view)
        self.checks["the case closed as its citizen is content"] = view["status"]["code"] == "closed_satisfied"
        late = self._http.post(f"/v1/cases/{asker.receipt['case_no']}/supplements", json={"text": "谢谢"},
                               headers=asker.headers)  # fmt: skip
        self.checks["after the end one is told what is possible"] = late.is_success or "重新提交" in late.text

    def _refused(self) -> Asker:
        self._screen.chapter("五", "不予受理", "not accepted, with a reason")
        asker = self._call("我对法院的判决不服，想请你们改判")
        case_id = asker.receipt["case_id"]
        case = self._dispatcher.find(f"/v1/desk/cases/{case_id}")
        if case["state"] == "queued":
            reasons = self._dispatcher.get("/v1/desk/reasons")["not_accepted"]
            self._dispatcher.post(f"/v1/desk/cases/{case_id}/close", {"reason_code": reasons[0]["code"]})
        view = asker.until(lambda view: bool(view["closed"]) or view["units"]["lead"] is not None)
        self._show(view)
        self.checks["a refusal reads as one"] = view["status"]["code"] == "closed_not_accepted"
        return asker

    def _withdrawn(self) -> Asker:
        self._screen.chapter("六", "撤回", "withdrawn by its citizen")
        asker = self._call("楼下井盖松动，晚上很响", category_code=CATEGORY, place={"area_code": AREA})
        self._filed(asker)
        asker.until(lambda view: view["units"]["lead"] is not None)
        asker.post(f"/v1/cases/{asker.receipt['case_no']}/withdrawal", {"reason_code": "solved"})
        view = asker.until(lambda view: "withdrawing" in _keys(view))
        self._show(view)
        self.checks["the wish to withdraw is on the bar"] = True
        return asker

    def _notices(self, asker: Asker) -> None:
        self._screen.chapter("七", "发出的通知", "the notices that went out")
        ledger = self._admin.get("/v1/notices", case_id=asker.receipt["case_id"])["items"]
        for notice in reversed(ledger):
            self._screen.say(f"  {notice['template']}  {notice['state']}  {notice.get('body') or ''}")
        self.seen["notices"] = [notice["template"] for notice in ledger]
        self.checks["acceptance, answer and rework were told"] = {"accepted", "replied", "reworked"} <= set(
            self.seen["notices"]
        )

    def _order(self, asker: Asker) -> Seen:
        case = self._dispatcher.find(f"/v1/desk/cases/{asker.receipt['case_id']}")
        leads = [order for order in case["orders"] if order["role"] == "lead"]
        return dict(max(leads, key=lambda order: (order["round"], order["order_id"])))

    def _resolved(self, asker: Asker, *, notes: tuple[str, ...]) -> None:
        """The unit's work up to the answer, each step seen before the next is taken."""
        order = self._order(asker)
        path, round_ = f"/v1/orders/{order['order_id']}", order["round"]
        if order["state"] == "dispatched":
            self._unit.ask("POST", f"{path}/sign")  # the limit for signing may have signed it already
        self._unit.post(f"{path}/contact", {"method": "phone", "note": "内部记录：已联系"})
        for note in notes:
            self._unit.post(f"{path}/progress", {"public_note": note, "internal_note": "内部记录"})
            asker.until(partial(_holds, note))
        photos = [self._photo(order["order_id"], kind) for kind in ("before", "after")]
        reply = f"{order['unit_name']}已更换井盖并清理现场，现场照片附后，感谢您的监督。"
        form = {"public_reply": reply, "handling_note": "内部记录：更换井盖一套", "photo_ids": photos}
        _patiently(self._unit, f"{path}/resolve", form)
        asker.until(lambda view: view["status"]["code"] == "verifying")
        _patiently(self._reviewer, f"{path}/review", {"outcome": "approve", "closing_condition_met": True})
        view = asker.until(lambda view: view["status"]["code"] == "replied" and view["round"] == round_)
        self._show(view)
        shown = view["replies"][-1]["photos"]
        seen = self._http.get(shown[0]["url"], headers=asker.headers | {"X-Case-No": asker.receipt["case_no"]})
        self.checks[f"round {round_}: the answer shows its photos"] = len(shown) == len(photos) and seen.is_success

    def _photo(self, order_id: str, kind: str) -> str:
        sent = self._unit.ask(
            "POST",
            "/v1/photos",
            data={"order_id": order_id, "kind": kind},
            files={"file": (f"{kind}.jpg", photo(cleaned=kind == "after", variant=1), "image/jpeg")},
        )
        if not sent.is_success:
            raise Refused(f"POST /v1/photos: {sent.status_code} {sent.text[:200]}")
        return str(sent.json()["photo_id"])

    def _show(self, view: Seen) -> None:
        self._screen.say(f"[bold]{view['case_no']}[/]  {view['status']['text']}")
        for node in view["nodes"]:
            when = f"  [dim]{_local(node['at'])}[/]" if node["at"] else ""
            self._screen.say(f"  {_MARKS[node['state']]} {node['label']}  {node['text']}{when}")
        if view["countdown"]:
            self._screen.say(f"  [dim]{view['countdown']['text']}[/]")


def _patiently(who: Official, path: str, body: Seen) -> None:
    """Asks again while the desk has not yet heard of what it needs, such as a photo."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (answer := who.ask("POST", path, json=body)).is_success:
        if "Retry-After" not in answer.headers or time.monotonic() > deadline:
            raise Refused(f"POST {path}: {answer.status_code} {answer.text[:200]}")
        time.sleep(0.3)


def _local(at: str) -> str:
    """In Shenzhen, as the citizen's clock shows it."""
    return f"{datetime.fromisoformat(at).astimezone(SHENZHEN):%m-%d %H:%M}"


def _holds(text: str, view: Seen) -> bool:
    return text in str(view)


def _keys(view: Seen) -> set[str]:
    return {node["key"] for node in view["nodes"]}
