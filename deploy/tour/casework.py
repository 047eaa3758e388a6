"""Owns what people at the desk and in the units do in the tour of the desk, one method for each deed."""

from collections.abc import Mapping
from typing import Any

from deploy.demo.pictures import photo
from deploy.tour.people import Call, Official, Platform

type Seen = dict[str, Any]

REPLY = {"public_reply": "经现场核实，情况属实，已清理完毕并列入每日巡查。", "handling_note": "派员一次"}
APPROVED = {"outcome": "approve", "closing_condition_met": True, "override_reason": "已当面向诉求人说明"}


class Casework:
    """A case of the tour, and everybody who has a hand in it."""

    def __init__(
        self, people: Mapping[str, Official], platform: Platform, words: Mapping[str, Mapping[str, Any]]
    ) -> None:
        self.dispatcher, self.reviewer = people["dispatcher"], people["reviewer"]
        self.unit, self.panel = people["unit"], people["panel"]
        self._platform, self._words, self._calls = platform, words, 0

    def call(self, name: str) -> str:
        """A citizen calls; answers the case once the desk has it."""
        self._calls += 1
        case_id = self._platform.post(Call.of(self._words[name]), self._calls)["case_id"]
        self.dispatcher.find(f"/v1/desk/cases/{case_id}")
        return case_id

    def case(self, case_id: str) -> Seen:
        return self.dispatcher.get(f"/v1/desk/cases/{case_id}")

    def lead(self, case_id: str) -> Seen:
        orders = [one for one in self.case(case_id)["orders"] if one["role"] == "lead"]
        return dict(next(one for one in reversed(orders) if one["state"] not in ("redispatched", "cancelled")))

    def act(self, who: Official, order: Mapping[str, Any] | str, deed: str, body: object = None) -> Seen:
        return who.post(f"/v1/orders/{_id(order)}/{deed}", body)

    def refused(self, who: Official, order: Mapping[str, Any] | str, deed: str, body: object = None) -> str:
        """The name of the rule that stood in the way; empty where nothing did."""
        call: dict[str, Any] = {} if body is None else {"json": body}
        answer = who.ask("POST", f"/v1/orders/{_id(order)}/{deed}", **call)
        return "" if answer.is_success else str(answer.json()["type"]).rpartition(":")[2]

    def work(self, order: Mapping[str, Any] | str, *, photographed: bool = True) -> Seen:
        """Sign, contact, report, photograph, resolve."""
        self.act(self.unit, order, "sign")
        self.act(self.unit, order, "contact", {"method": "phone", "note": "已电话说明处理时间"})
        self.act(self.unit, order, "progress", {"public_note": "已派人到场"})
        return self.resolve(order, photographed=photographed)

    def resolve(self, order: Mapping[str, Any] | str, *, photographed: bool = True) -> Seen:
        photos = [self.unit.upload(_id(order), "after", photo(cleaned=True, variant=0))] if photographed else []
        return self.unit.until("POST", f"/v1/orders/{_id(order)}/resolve", {**REPLY, "photo_ids": photos})

    def find_out(self, task: Mapping[str, Any], outcome: str) -> Seen:
        """On the spot, with a photo."""
        picture = self.unit.upload(task["task_id"], "near", photo(cleaned=outcome == "passed", variant=1))
        body = {"outcome": outcome, "note": "已到现场", "photo_ids": [picture]}
        return self.unit.until("POST", f"/v1/tasks/{task['task_id']}/finding", body)

    def task(self, case_id: str, kind: str) -> Seen:
        return dict(next(one for one in reversed(self.case(case_id)["tasks"]) if one["kind"] == kind))


def _id(order: Mapping[str, Any] | str) -> str:
    return order if isinstance(order, str) else str(order["order_id"])
