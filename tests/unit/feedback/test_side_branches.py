"""What happens beside the process: each its own node in the citizen's words, and nothing of what is internal."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contracts.events.sla import CaseSupervised
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import LEAD, OTHER
from tests.unit.feedback.test_progress import actions, texts, view


def sides(seen: dict[str, Any]) -> list[str]:
    return [node["text"] for node in seen["nodes"] if node["side"]]


def test_an_extension_is_told_with_its_reason_and_moves_the_promise() -> None:
    seen = view(said.submitted(), said.filed(), said.promised(), said.extended())
    assert sides(seen) == ["延期至12月3日 18:00，原因：等待材料到货"]
    assert seen["due_text"] == "12月3日 18:00"
    assert "已受理，承诺于12月3日 18:00前办结" in texts(seen)


def test_the_extension_of_a_units_own_limit_is_not_the_citizens_business() -> None:
    steps = [said.submitted(), said.filed(), said.promised()]
    assert view(*steps, said.extended(kind="handle")) == view(*steps)


def test_while_it_is_suspended_the_bar_says_until_when_and_nothing_counts_down() -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(), said.promised(), said.dispatched(order), said.paused()]
    seen = view(*steps)
    assert seen["status"] == {"code": "suspended", "text": "分期推进中"}
    assert seen["countdown"] is None
    assert sides(seen) == [
        "分期推进，计划2027年2月28日 18:00完成，下次告知时间12月30日 18:00。原因：须待雨季结束后施工"
    ]
    again = view(*steps, said.resumed())
    assert again["status"]["code"] == "dispatched"
    assert sides(again)[1] == "已恢复办理"
    assert again["countdown"] is not None


def test_a_new_calendar_tells_the_new_date_once_and_only_when_it_moved() -> None:
    steps = [said.submitted(), said.filed(), said.promised()]
    assert sides(view(*steps, said.recomputed())) == ["工作日历调整，承诺办结时间改为12月1日 18:00"]
    assert view(*steps, said.recomputed(said.DUE)) == view(*steps)


def test_what_the_citizen_added_is_on_the_bar() -> None:
    seen = view(said.submitted(), said.filed(), said.urged(), said.supplemented(), said.withdrawn())
    assert sides(seen) == ["您已催办，承办单位会收到提醒", "您补充的内容已转给承办单位", "您已申请撤回"]
    assert actions(seen)["withdraw"] == "已提交过撤回申请"
    assert actions(seen)["urge"] is None


def test_a_merged_case_says_so_and_names_nobody_elses_case() -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(), said.dispatched(order), said.merged(), said.cancelled(order)]
    seen = view(*steps)
    assert seen["status"]["text"] == "已并入同类事项，进度同步"
    assert said.number(99) not in json.dumps(seen)
    replied = view(*steps, said.replied(order))
    assert replied["status"]["code"] == "replied"
    assert actions(replied)["rate"] is None
    alone = view(*steps, said.unmerged(), said.dispatched(new_id(), OTHER))
    assert alone["status"]["text"] == f"已分派至{OTHER[1]}"
    assert "已恢复单独办理" in sides(alone)


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        ("withdrawn", "已撤回"),
        ("terminated", "已终止办理"),
        ("merged", "已并入您此前反映的同一诉求，进度同步"),
        ("adopted", "已办结，建议已采纳"),
        ("praised", "已办结，感谢您的表扬"),
    ],
)
def test_every_end_has_its_words(outcome: str, text: str) -> None:
    order = new_id()
    seen = view(said.submitted(), said.filed(), said.dispatched(order), said.closed(outcome))
    assert seen["status"]["text"] == text
    assert seen["closed"]
    assert texts(seen)[-1] == text


def test_a_terminated_case_gives_its_reason() -> None:
    closed = said.closed("terminated").model_copy(update={"public_reason": "经多次联系未能取得配合"})
    seen = view(said.submitted(), said.filed(), closed)
    assert texts(seen)[-1] == "已终止办理：经多次联系未能取得配合"


@pytest.mark.parametrize(
    ("handed_over", "text"),
    [
        (False, "不予受理：属于诉讼事项。请向人民法院提出。"),
        (True, "不予受理：属于诉讼事项。已为您转交，请向人民法院提出。"),
    ],
)
def test_what_is_not_accepted_names_the_reason_and_the_right_channel(handed_over: bool, text: str) -> None:
    seen = view(said.submitted(), said.not_accepted(handed_over=handed_over), said.closed("not_accepted"))
    assert texts(seen)[-1] == text
    assert [node["state"] for node in seen["nodes"]] == ["done", "skipped", "skipped", "skipped", "done"]


def test_an_order_a_ruling_moved_is_never_shown() -> None:
    first, second = new_id(), new_id()
    steps = [said.submitted(), said.filed(), said.dispatched(first), said.cancelled(first, "ruled")]
    seen = view(*steps, said.dispatched(second, OTHER))
    assert LEAD[1] not in json.dumps(seen, ensure_ascii=False)


def test_urging_from_above_is_not_told_as_supervision() -> None:
    steps = [said.submitted(), said.filed(), said.dispatched(new_id())]
    assert view(*steps, CaseSupervised(cause="overdue", level="urged")) == view(*steps)
    assert sides(view(*steps, CaseSupervised(cause="overdue", level="listed"))) == ["已列入督办"]


def test_nodes_name_the_unit_and_the_promised_time_of_what_is_to_come() -> None:
    order = new_id()
    seen = view(said.submitted(), said.filed(), said.promised(), said.dispatched(order), said.signed(order))
    by_key = {node["key"]: node for node in seen["nodes"]}
    assert by_key["signed"]["unit"] == LEAD[1]
    assert by_key["accepted"]["unit"] is None
    assert by_key["reviewed"]["promised_at"] == said.DUE.isoformat()
    assert by_key["signed"]["promised_at"] is None


def test_however_much_happens_beside_the_bar_keeps_to_thirteen() -> None:
    order = new_id()
    steps = [said.submitted(), said.filed(), said.promised(), said.dispatched(order)]
    steps += [said.extended(said.DUE + timedelta(days=day), times=day) for day in (1, 2)]
    steps += [said.paused(), said.resumed(), said.recomputed(), said.urged(), said.supplemented(), said.breached()]
    seen = view(*steps)
    assert len(seen["nodes"]) == 13
    assert "您已催办，承办单位会收到提醒" not in sides(seen)
