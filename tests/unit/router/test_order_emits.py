"""The order table's `emits`, row by row, against what the code writes when that row is acted out."""

import pytest

from services.router.catalogue.orders import OrderAction
from services.router.domain import handling
from tests.unit.router.desk import HANDLER, START, rules
from tests.unit.router.scenes import ELSEWHERE, TABLE, do, scene, somebody

ROWS = [(row, state, move.to) for row in TABLE.actions for move in row.moves for state in move.from_states]
STILL = [(row, state) for row in TABLE.actions for state in row.stays]
BACK = {"reject_return": "signed", "decide_ending": "signed"}
"""Rows that lead back to where the order was."""


@pytest.mark.parametrize(("row", "state", "to"), ROWS, ids=[f"{r.name}-{r.outcome}-{state}" for r, state, _ in ROWS])
def test_an_action_says_what_its_row_lists_and_ends_where_its_row_says(row: OrderAction, state: str, to: str) -> None:
    case, order = scene(row, state)
    before = len(case.orders)
    do(case, row, order, by=somebody(case, row, order))
    assert tuple(news.event.TYPE for news in case.news) == row.emits
    assert order.state == to
    made = case.orders[before:]
    assert bool(made) is row.new_order
    assert all(new.state == TABLE.initial and new.replaces == order.order_id for new in made)


@pytest.mark.parametrize(("row", "state"), STILL, ids=[f"{row.name}-{row.outcome}-{state}" for row, state in STILL])
def test_an_action_that_leaves_the_order_where_it_is_says_what_its_row_lists(row: OrderAction, state: str) -> None:
    case, order = scene(row, state)
    do(case, row, order, by=somebody(case, row, order), away=ELSEWHERE)
    said = [news.event.TYPE for news in case.news]
    assert said == [kind for kind in row.emits if row.name != "rule" or kind == "ruling.made.v1"]
    assert order.state == BACK.get(row.name, state)
    assert case.log_seq > 0


def test_what_is_marked_as_conditional_is_silent_otherwise() -> None:
    """Work without a note for the citizen is no news."""
    progress = TABLE.action("progress")
    assert progress is not None
    case, order = scene(progress, "handling")
    handling.progress(case, order, HANDLER, rules(), public_note="", internal_note="等配件", now=START)
    assert case.news == []


def test_a_result_sent_back_stays_in_its_round_with_the_reason_for_the_unit() -> None:
    row = TABLE.action("review", "send_back")
    assert row is not None
    case, order = scene(row, "resolved")
    do(case, row, order, by=somebody(case, row, order))
    assert (case.round, case.state, order.state, len(case.orders)) == (1, "handling", "reworking", 1)
    assert order.review is not None
    assert (order.review.outcome, order.review.note) == ("sent_back", "请补充照片")
