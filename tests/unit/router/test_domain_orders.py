"""The work order's state table, row by row; `test_order_walk.py` walks it at random."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.router.domain import handling
from services.router.domain.cases import Case
from services.router.domain.errors import (
    PhotoMissing,
    PhotoUnknown,
    ReplyMissing,
    ReturnCapReached,
    ReturnUnfounded,
    ReturnWindowOver,
    SameUnit,
    UnitIsParty,
)
from services.router.domain.guards import must_act
from services.router.domain.orders import WorkOrder
from shared.errors import DomainError
from shared.ids import new_id
from shared.tokens import Actor
from tests.unit.router.desk import DISPATCHER, HANDLER, MANAGER, REVIEWER, START, UNIT, actor, filed, rules, said
from tests.unit.router.scenes import scene, somebody

SOON = START + timedelta(hours=1)


def _in_state(state: str) -> tuple[Case, WorkOrder]:
    case = filed()
    order = case.orders[0]
    order.state = state
    return case, order


@pytest.mark.parametrize("state", [state.key for state in rules().table.states])
@pytest.mark.parametrize("row", rules().table.actions, ids=lambda row: f"{row.name}-{row.outcome}")
def test_the_table_is_the_only_judge_of_states(state: str, row: Any) -> None:
    """Every state against every row, by somebody with every role, where nothing else is in the way."""
    case, order = scene(row, state)
    case.state, anybody = "handling", somebody(case, row, order)
    if row.target(state) is None:
        with pytest.raises(DomainError):
            must_act(case, order, row.name, anybody, rules(), now=SOON, outcome=row.outcome)
    else:
        must_act(case, order, row.name, anybody, rules(), now=SOON, outcome=row.outcome)


def _first(row: Any) -> tuple[Case, WorkOrder]:
    return scene(row, row.stays[0] if row.stays else row.moves[0].from_states[0])


@pytest.mark.parametrize("row", [row for row in rules().table.actions if row.own_unit], ids=lambda row: row.name)
def test_another_unit_may_do_nothing(row: Any) -> None:
    case, order = _first(row)
    with pytest.raises(DomainError, match="held by another unit"):
        must_act(case, order, row.name, actor(*row.roles, units=("PS-S02",)), rules(), now=SOON, outcome=row.outcome)


def test_a_result_needs_words_for_the_citizen_and_photos_of_this_order() -> None:
    case, order = _in_state("signed")

    def resolve(reply: str, photos: list[Any]) -> None:
        handling.resolve(
            case, order, HANDLER, rules(), public_reply=reply, handling_note="", photo_ids=photos, now=SOON
        )

    known = order.photos[0].photo_id
    for reply, photos, error in (
        ("  ", [known], ReplyMissing),
        ("已处理", [], PhotoMissing),
        ("已处理", [new_id()], PhotoUnknown),
    ):
        with pytest.raises(error):
            resolve(reply, photos)
    resolve("已处理", [known, known])
    assert order.photo_ids == (known,)


def test_a_return_names_a_reason_from_the_list() -> None:
    case, order = _in_state("dispatched")
    with pytest.raises(ReturnUnfounded):
        handling.give_back(case, order, MANAGER, rules(), reason_code="no_time", legal_basis="x", now=SOON)


@pytest.mark.parametrize(
    ("dispatched", "last"),
    [
        (datetime(2026, 9, 14, 2, 0, tzinfo=UTC), datetime(2026, 9, 16, 16, 0, tzinfo=UTC)),
        (datetime(2026, 9, 18, 2, 0, tzinfo=UTC), datetime(2026, 9, 21, 16, 0, tzinfo=UTC)),
        (datetime(2026, 9, 30, 2, 0, tzinfo=UTC), datetime(2026, 10, 9, 16, 0, tzinfo=UTC)),
    ],
    ids=["Monday: to the end of Wednesday", "before a Sunday that is worked", "over the national holidays"],
)
def test_a_return_comes_within_two_working_days_after_the_dispatch(dispatched: datetime, last: datetime) -> None:
    assert rules().return_until(dispatched) == last
    case, order = _in_state("dispatched")
    order.dispatched_at = dispatched
    must_act(case, order, "return", MANAGER, rules(), now=last - timedelta(seconds=1))
    with pytest.raises(ReturnWindowOver):
        must_act(case, order, "return", MANAGER, rules(), now=last)


def give_back(case: Case, order: WorkOrder, by: Actor) -> None:
    handling.give_back(case, order, by, rules(), reason_code="wrong_area", legal_basis="辖区不符", now=SOON)


def test_after_two_returns_a_case_is_not_returned_again() -> None:
    case = filed()
    for unit in (UNIT, "PS-S02"):
        order = case.live_orders()[0]
        by = actor("unit_manager", units=(unit,))
        give_back(case, order, by)
        away = "PS-S02" if unit == UNIT else "PS-S03"
        handling.redispatch(case, order, DISPATCHER, rules(), to_unit=away, own_error=False, now=SOON)
    with pytest.raises(ReturnCapReached):
        must_act(case, case.live_orders()[0], "return", actor("unit_manager", units=("PS-S03",)), rules(), now=SOON)


def test_an_order_is_not_sent_where_it_is_nor_to_the_accused() -> None:
    case = filed(accused_unit_code="PS-D05")
    for unit, error in ((UNIT, SameUnit), ("PS-D05", UnitIsParty)):
        with pytest.raises(error):
            handling.redispatch(case, case.orders[0], DISPATCHER, rules(), to_unit=unit, own_error=True, now=SOON)
    assert case.orders[0].state == "dispatched"


def test_a_co_unit_s_approved_work_is_no_reply_to_the_citizen() -> None:
    category = next(one for one in rules().catalogue.categories.values() if one.unit_kind == "gas_supply")
    case = filed(category=category.code)
    co = case.orders[1]
    co.state = "resolved"
    handling.review(case, co, REVIEWER, rules(), outcome="approve", note="", now=SOON)
    assert (case.state, said(case)[-1]) == ("handling", "case.reviewed")


@pytest.mark.parametrize(
    "row", [row for row in rules().table.actions if row.own_unit], ids=lambda row: f"{row.name}-{row.outcome}"
)
def test_a_department_s_system_may_do_what_its_people_may(row: Any) -> None:
    case, order = _first(row)
    system = actor("department", units=tuple(somebody(case, row, order).units), kind="machine")
    must_act(case, order, row.name, system, rules(), now=SOON, outcome=row.outcome)
