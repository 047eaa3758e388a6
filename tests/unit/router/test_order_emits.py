"""The order table's `emits`, row by row, against what the code writes when that row is acted out."""

from collections.abc import Callable

import pytest

from services.router.domain import closing, handling, merging
from services.router.domain.cases import Case
from services.router.domain.orders import WorkOrder
from tests.unit.router.desk import DISPATCHER, HANDLER, MANAGER, REVIEWER, START, filed, rules

TABLE = rules().table

type Deed = Callable[[Case, WorkOrder], object]


def review(outcome: str) -> Deed:
    return lambda case, order: handling.review(
        case,
        order,
        REVIEWER,
        rules(),
        outcome="approve" if outcome == "approve" else "send_back",
        note="请补充照片",
        now=START,
    )


DEEDS: dict[tuple[str, str | None], Deed] = {
    ("sign", None): lambda case, order: handling.sign(case, order, HANDLER, rules(), now=START),
    ("contact", None): lambda case, order: handling.contact(
        case, order, HANDLER, rules(), method="phone", at=START, note="", now=START
    ),
    ("progress", None): lambda case, order: handling.progress(
        case, order, HANDLER, rules(), public_note="已派人", internal_note="", now=START
    ),
    ("resolve", None): lambda case, order: handling.resolve(
        case,
        order,
        HANDLER,
        rules(),
        public_reply="已处理",
        handling_note="",
        photo_ids=[photo.photo_id for photo in order.photos],
        now=START,
    ),
    ("return", None): lambda case, order: handling.give_back(
        case, order, MANAGER, rules(), reason_code="wrong_area", legal_basis="辖区不符", now=START
    ),
    ("redispatch", None): lambda case, order: handling.redispatch(
        case, order, DISPATCHER, rules(), to_unit="PS-S02", own_error=False, now=START
    ),
    ("review", "approve"): review("approve"),
    ("review", "send_back"): review("send_back"),
    ("cancel", None): lambda case, _: merging.cancel_orders(case, "ended", rules(), now=START),
    ("close", None): lambda case, _: closing.close(case, REVIEWER, rules(), now=START),
    ("rework", None): lambda case, _: closing.hear_dissatisfied(case, case.round, rules(), now=START),
    ("reopen", None): lambda case, _: closing.reopen(case, REVIEWER, rules(), now=START),
}


def in_state(state: str) -> tuple[Case, WorkOrder]:
    """A case as it is when its lead's order is in this state, with nothing said yet."""
    case = filed()
    order = case.orders[0]
    order.state = state
    if state == "reviewed":
        case.state = "replied"
    elif state == "closed":
        case.state, case.outcome = "closed", "unrated"
    case.news.clear()
    return case, order


def test_every_row_of_the_table_is_acted_out() -> None:
    assert {(row.name, row.outcome) for row in TABLE.actions} == DEEDS.keys()


ROWS = [(row, state, move.to) for row in TABLE.actions for move in row.moves for state in move.from_states]


@pytest.mark.parametrize(("row", "state", "to"), ROWS, ids=[f"{r.name}-{r.outcome}-{state}" for r, state, _ in ROWS])
def test_an_action_says_what_its_row_lists_and_ends_where_its_row_says(row: object, state: str, to: str) -> None:
    assert hasattr(row, "name")
    action = TABLE.action(row.name, getattr(row, "outcome", None))
    assert action is not None
    case, order = in_state(state)
    DEEDS[action.name, action.outcome](case, order)
    assert tuple(news.event.TYPE for news in case.news) == action.emits
    assert order.state == to
    made = case.orders[1:]
    assert bool(made) is action.new_order
    assert all(new.state == TABLE.initial and new.replaces == order.order_id for new in made)


def test_what_is_marked_as_conditional_is_silent_otherwise() -> None:
    """Work without a note for the citizen is no news."""
    case, order = in_state("handling")
    handling.progress(case, order, HANDLER, rules(), public_note="", internal_note="等配件", now=START)
    assert case.news == []


def test_a_result_sent_back_stays_in_its_round_with_the_reason_for_the_unit() -> None:
    case, order = in_state("resolved")
    DEEDS["review", "send_back"](case, order)
    assert (case.round, case.state, order.state, len(case.orders)) == (1, "handling", "reworking", 1)
    assert order.review is not None
    assert (order.review.outcome, order.review.note) == ("sent_back", "请补充照片")
