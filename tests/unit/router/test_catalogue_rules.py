"""Processes and the work-order state table as shipped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import ROUTER
from services.router.catalogue.reading import load

CATALOGUE = load(edition="2019")
ORDERS = CATALOGUE.orders


def test_the_simple_process_has_five_nodes_and_the_general_one_nine() -> None:
    simple, general = CATALOGUE.processes.get("simple"), CATALOGUE.processes.get("general")
    assert [node.name for node in simple.nodes] == ["登记", "受理", "分拨", "处置/答复", "结案"]
    assert len(general.nodes) == 9
    assert [node.key for node in general.for_citizen][:4] == ["registered", "accepted", "dispatched", "signed"]


def test_a_question_is_answered_by_the_simple_process_whatever_its_category() -> None:
    collapse = CATALOGUE.category("0501001")
    assert CATALOGUE.processes.for_case("consultation", collapse).code == "simple"
    assert CATALOGUE.processes.for_case("complaint", collapse).code == "general"


def test_a_complaint_follows_the_process_of_its_category() -> None:
    assert CATALOGUE.processes.for_case("complaint", CATALOGUE.category("0101001")).code == "simple"


def test_every_event_an_action_emits_is_one_the_router_publishes() -> None:
    published = {event.TYPE for event in ROUTER}
    assert {event for action in ORDERS.actions for event in action.emits} <= published


@pytest.mark.parametrize(
    ("name", "outcome", "state", "after"),
    [
        ("sign", None, "dispatched", "signed"),
        ("sign", None, "signed", None),
        ("contact", None, "signed", "contacted"),
        ("contact", None, "handling", "handling"),
        ("progress", None, "contacted", "handling"),
        ("progress", None, "reworking", "reworking"),
        ("resolve", None, "handling", "resolved"),
        ("resolve", None, "dispatched", None),
        ("return", None, "handling", "returned"),
        ("return", None, "resolved", None),
        ("return", None, "reworking", None),
        ("redispatch", None, "returned", "redispatched"),
        ("redispatch", None, "resolved", None),
        ("review", "approve", "resolved", "reviewed"),
        ("review", "send_back", "resolved", "reworking"),
        ("review", None, "resolved", None),
        ("close", None, "reviewed", "closed"),
        ("close", None, "resolved", None),
        ("review", "send_back", "signed", None),
        ("rework", None, "reviewed", "closed"),
        ("reopen", None, "closed", "closed"),
        ("abolish", None, "dispatched", None),
    ],
)
def test_an_action_leads_from_one_state_to_the_next(
    name: str, outcome: str | None, state: str, after: str | None
) -> None:
    assert ORDERS.target(name, state, outcome) == after


@given(st.lists(st.sampled_from(ORDERS.of_process("general").actions), max_size=30))
def test_no_sequence_of_actions_leaves_the_table_and_only_a_review_makes_a_result_final(actions: list) -> None:
    state, approved = ORDERS.initial, False
    known = {entry.key for entry in ORDERS.states}
    for action in actions:
        after = action.target(state)
        if after is None:
            continue
        # What was once approved stays so while the order stays done; another round is another order.
        approved = action.outcome == "approve" or (approved and after in {"reviewed", "closed"})
        state = after
        assert state in known
        assert state not in {"reviewed", "closed"} or approved


def test_only_the_holding_units_people_work_on_an_order_and_only_a_reviewer_reviews() -> None:
    for action in ORDERS.actions:
        assert action.own_unit == bool({"handler", "unit_manager"} & set(action.roles))
    assert {role for action in ORDERS.actions if action.name == "review" for role in action.roles} == {"reviewer"}


def test_a_return_is_early_rare_and_has_one_of_seven_reasons() -> None:
    returns = ORDERS.returns
    assert (str(returns.return_window), returns.max_per_unit, returns.max_per_case) == ("2 work_day", 1, 2)
    assert [reason.zh for reason in returns.reasons] == [
        "属地不符",
        "职责不符",
        "权属不清",
        "信息不全",
        "重复",
        "已办结",
        "超职责",
    ]
    assert returns.reason("wrong_area") is not None
    assert returns.reason("no_mood") is None
