"""The citizen's view: its words, its nodes, and what never appears in it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.events.router import (
    CaseReviewed,
    OrderReturnRejected,
)
from contracts.events.sla import CaseSupervised
from services.feedback import catalogue
from services.feedback.domain.case import Case
from services.feedback.domain.view import view_of
from shared.cloudevents import Event
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import GENERAL, LEAD, OTHER, SIMPLE, START

WORDS = catalogue.wording()


def told(*events: Event, case: Case | None = None, start: datetime = START) -> Case:
    case = case or Case(new_id())
    for minutes, event in enumerate(events):
        case.learn(event, start + timedelta(minutes=minutes))
    return case


def view(*events: Event) -> dict[str, Any]:
    return view_of(told(*events).facts, WORDS)


def texts(seen: dict[str, Any], state: str = "done") -> list[str]:
    return [node["text"] for node in seen["nodes"] if node["state"] == state]


def test_a_case_just_submitted_has_a_bar_of_five_nodes_and_waits_for_acceptance() -> None:
    seen = view(said.submitted())
    assert seen["status"] == {"code": "submitted", "text": "已提交，待受理"}
    assert [node["state"] for node in seen["nodes"]] == ["done", "current", "pending", "pending", "pending"]


def test_the_promised_time_completes_the_acceptance_whenever_it_comes() -> None:
    before = view(said.submitted(), said.promised(), said.filed())
    after = view(said.submitted(), said.filed(), said.promised())
    assert "已受理，承诺于11月30日 18:00前办结" in texts(before)
    assert texts(before)[1] == texts(after)[1]
    assert "已受理" in texts(view(said.submitted(), said.filed()))


def test_a_promise_in_a_year_without_a_calendar_says_so() -> None:
    due = datetime(2027, 1, 8, 10, tzinfo=UTC)
    seen = view(said.submitted(), said.filed(), said.promised(due, provisional=True))
    assert seen["due_provisional"]
    assert "承诺于2027年1月8日 18:00（下一年度节假日安排公布后，时间可能微调）前办结" in texts(seen)[1]


@pytest.mark.parametrize(("process", "length"), [(SIMPLE, 5), (GENERAL, 9)])
def test_a_straight_case_shows_exactly_its_process(process: tuple[str, ...], length: int) -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(process), said.promised(), said.dispatched(order), said.signed(order)]
    steps += [said.resolved(order), said.replied(order), said.closed()]
    for count in range(2, len(steps) + 1):
        assert len(view(*steps[:count])["nodes"]) == length
    assert {node["state"] for node in view(*steps)["nodes"]} == {"done"}


def test_the_steps_of_a_general_case_read_as_a_citizen_would_say_them() -> None:
    order = new_id()
    seen = view(
        said.submitted(),
        said.filed(),
        said.promised(),
        said.dispatched(order),
        said.signed(order),
        said.contacted(order),
        said.progressed(order, "已安排清运车辆"),
        said.resolved(order),
        said.replied(order),
    )
    assert texts(seen) == [
        "已提交，待受理",
        "已受理，承诺于11月30日 18:00前办结",
        "已分派至区城管局",
        "区城管局已签收",
        "承办单位已联系您",
        "区城管局：已安排清运车辆",
        "区城管局已办理",
        "区城管局已反馈办理结果",
        "已答复",
    ]
    assert texts(seen, "current") == ["已答复，请评价"]
    assert seen["replies"][0]["text"] == "垃圾已清运，并增加了每日巡查。"


def test_co_units_are_named_while_the_case_is_handled() -> None:
    lead, other = new_id(), new_id()
    seen = view(
        said.submitted(),
        said.filed(SIMPLE),
        said.dispatched(lead),
        said.dispatched(other, OTHER, role="co"),
        said.progressed(lead, "正在会同处理"),
    )
    assert texts(seen, "current") == ["办理中（主办：区城管局，协办：区水务局）"]
    assert seen["units"] == {"lead": "区城管局", "others": ["区水务局"]}


def test_a_return_is_one_node_that_never_says_return() -> None:
    """INVARIANT: no citizen reads that a unit has handed the case back, why, or who it was.

    Breaks when an order that was returned or withdrawn still gives a node, a note or a unit's name.
    """
    first, second = new_id(), new_id()
    steps = [said.submitted(), said.filed(), said.dispatched(first), said.signed(first)]
    steps += [said.progressed(first, "非我单位职责"), said.returned(first)]
    pending = view(*steps)
    assert pending["status"]["text"] == "正在确认责任单位"
    assert texts(pending, "current") == ["正在确认责任单位"]
    moved = view(*steps, said.redispatched(first, second), said.dispatched(second, OTHER))
    assert "已分派至区水务局" in texts(moved)
    for seen in (pending, moved):
        text = json.dumps(seen, ensure_ascii=False)
        assert LEAD[1] not in text
        for word in ("退", "职责", "争议", "return", "not_our_duty"):
            assert word not in text


def test_a_unit_whose_return_was_refused_and_works_on_is_shown_again() -> None:
    order = new_id()
    seen = view(said.submitted(), said.filed(), said.dispatched(order), said.returned(order), said.signed(order))
    assert "区城管局已签收" in texts(seen)


def test_a_refused_return_brings_the_unit_back_at_once() -> None:
    order = new_id()
    refused = OrderReturnRejected(order_id=order, unit_code=LEAD[0])
    seen = view(said.submitted(), said.filed(), said.dispatched(order), said.returned(order), refused)
    assert seen["status"]["text"] == "已分派至区城管局"


def test_work_sent_back_by_the_reviewer_is_being_handled_again() -> None:
    order = new_id()
    back = CaseReviewed(order_id=order, outcome="sent_back", round=1)
    seen = view(said.submitted(), said.filed(), said.dispatched(order), said.signed(order), said.resolved(order))
    assert texts(seen, "current") == ["结果核查中"]
    again = view(said.submitted(), said.filed(), said.dispatched(order), said.resolved(order), back)
    assert again["status"]["code"] == "dispatched"


def test_a_second_round_keeps_the_first_answer_and_shows_the_work_anew() -> None:
    order, again = new_id(), new_id()
    steps = [said.submitted(), said.filed(), said.dispatched(order), said.resolved(order), said.replied(order)]
    seen = view(*steps, said.reworked(), CaseSupervised(cause="dissatisfied_twice"), said.dispatched(again, turn=2))
    assert seen["status"]["text"] == "重新办理中"
    assert texts(seen) == ["已提交，待受理", "已受理", "第1次答复", "已退回重新办理", "已列入督办", "已分派至区城管局"]
    assert [reply["round"] for reply in seen["replies"]] == [1]
    assert not seen["closed"]


def test_the_units_own_deadlines_are_not_shown_but_a_broken_promise_is() -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(), said.promised(), said.dispatched(order)]
    assert view(*steps, said.breached("sign"))["nodes"] == view(*steps)["nodes"]
    late = view(*steps, said.breached())
    assert late["overdue"]
    assert "已超过承诺时间，正在督促承办单位尽快办理" in texts(late)


def test_the_bar_never_grows_past_thirteen_nodes_and_keeps_the_newest_notes() -> None:
    order = new_id()
    notes = [said.progressed(order, f"第{turn}次进展") for turn in range(20)]
    seen = view(said.submitted(), said.filed(), said.dispatched(order), *notes)
    assert len(seen["nodes"]) == 13
    assert [text for text in texts(seen) if "次进展" in text] == [f"区城管局：第{turn}次进展" for turn in range(16, 20)]
    assert [note["text"] for note in seen["notes"]] == [f"第{turn}次进展" for turn in range(16)]


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ("satisfied", "已办结"),
        ("unrated", "已办结（未评价）"),
        ("dissatisfied", "已办结"),
        ("not_accepted", "不予受理"),
    ],
)
def test_the_end_says_how_it_ended(outcome: str, text: str) -> None:
    seen = view(said.submitted(), said.closed(outcome))
    assert seen["status"]["text"] == text
    assert seen["closed"]
    assert texts(seen)[-1] == text
    assert len(seen["nodes"]) == 5


def test_what_was_refused_shows_the_nodes_it_never_reached_as_skipped() -> None:
    seen = view(said.submitted(), said.closed("not_accepted"))
    assert [node["state"] for node in seen["nodes"]] == ["done", "skipped", "skipped", "skipped", "done"]


def actions(seen: dict[str, Any]) -> dict[str, str | None]:
    """Why each action is refused; None for what is allowed."""
    assert all(each["allowed"] is (each["reason"] is None) for each in seen["allowed_actions"])
    return {each["action"]: each["reason"] for each in seen["allowed_actions"]}


def test_the_view_says_what_may_be_done_and_why_not_the_rest() -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(), said.dispatched(order)]
    assert actions(view(*steps)) == {
        "rate": "尚未答复，收到答复后即可评价",
        "urge": None,
        "supplement": None,
        "withdraw": None,
    }
    replied = view(*steps, said.replied(order))
    assert actions(replied)["rate"] is None
    assert "不满意的会重新办理" in (actions(replied)["urge"] or "")
    closed = actions(view(*steps, said.replied(order), said.closed()))
    assert all(closed.values())
    assert "重新提交" in (closed["supplement"] or "")


def test_a_process_with_nodes_nobody_here_knows_still_moves() -> None:
    order = new_id()
    process = ("registered", "accepted", "dispatched", "expert_panel", "handling", "closed")
    seen = view(
        said.submitted(), said.filed(process), said.dispatched(order), said.resolved(order), said.replied(order)
    )
    assert [node["state"] for node in seen["nodes"]] == ["done"] * 5 + ["current"]


def merged(order: Any) -> list[Event]:
    steps = [said.submitted(), said.filed(), said.dispatched(order), said.cancelled(order, "merged"), said.merged()]
    return [*steps]


def test_a_follower_is_answered_and_asked_to_rate_like_anybody() -> None:
    order = new_id()
    seen = view(*merged(order), said.replied(order))
    assert seen["status"]["code"] == "replied"
    assert seen["allowed_actions"][0]["allowed"]
    assert [node["state"] for node in seen["nodes"] if not node["side"]][-1] == "current"
