"""The work order's state table: an action succeeds exactly when it was shown as allowed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.router.domain import closing, handling
from services.router.domain.cases import Case
from services.router.domain.chain import first_break
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
from services.router.domain.guards import REJECT_RETURN, case_permissions, must_act, order_permissions
from services.router.domain.orders import WorkOrder
from shared.errors import DomainError
from shared.ids import new_id
from shared.tokens import Actor
from tests.unit.router.desk import DISPATCHER, HANDLER, MANAGER, REVIEWER, START, UNIT, actor, filed, rules, said

SOON = START + timedelta(hours=1)
ACTORS = {
    "handler": HANDLER,
    "manager": MANAGER,
    "dispatcher": DISPATCHER,
    "reviewer": REVIEWER,
    "stranger": actor("handler", "unit_manager", units=("PS-S02",)),
    "department": actor("department", units=(UNIT,), kind="machine"),
    "leader": actor("leader"),
}
PLACES = ("PS-S02", "PS-S03", "PS-D01", UNIT)


def act(case: Case, order: WorkOrder, action: str, outcome: str | None, *, by: Actor, now: datetime) -> None:
    """The action with everything it asks for."""
    away = next(unit for unit in PLACES if unit not in case.units())
    photos = [photo.photo_id for photo in order.photos]
    deeds: dict[str, Callable[[], Any]] = {
        "sign": lambda: handling.sign(case, order, by, rules(), now=now),
        "contact": lambda: handling.contact(case, order, by, rules(), method="phone", at=now, note="", now=now),
        "progress": lambda: handling.progress(
            case, order, by, rules(), public_note="已派人", internal_note="", now=now
        ),
        "resolve": lambda: handling.resolve(
            case, order, by, rules(), public_reply="已处理", handling_note="", photo_ids=photos, now=now
        ),
        "return": lambda: handling.give_back(
            case, order, by, rules(), reason_code="wrong_area", legal_basis="辖区不符", now=now
        ),
        REJECT_RETURN: lambda: handling.reject_return(case, order, by, rules(), note="维持", now=now),
        "redispatch": lambda: handling.redispatch(case, order, by, rules(), to_unit=away, own_error=False, now=now),
        "review": lambda: handling.review(case, order, by, rules(), outcome=outcome or "approve", note="", now=now),
    }
    deeds[action]()


def act_on_case(case: Case, action: str, by: Actor, now: datetime) -> None:
    if action == "close":
        closing.close(case, by, rules(), now=now)
    else:
        closing.reopen(case, by, rules(), now=now)


class Life(RuleBasedStateMachine):
    """Anybody tries anything at any time.

    INVARIANT: what `allowed_actions` shows and what happens are the same; what is refused changes nothing.
    """

    @initialize(accused=st.sampled_from([None, "PS-D05"]), photo=st.booleans())
    def begin(self, accused: str | None, photo: bool) -> None:
        self.case = filed(accused_unit_code=accused, photo=photo)
        self.now = START

    def _try(self, allowed: bool, deed: Callable[[], None]) -> None:
        before = (self.case.state, self.case.sequence, self.case.log_seq, [order.state for order in self.case.orders])
        try:
            deed()
        except DomainError:
            assert not allowed
            now = (self.case.state, self.case.sequence, self.case.log_seq, [o.state for o in self.case.orders])
            assert now == before
        else:
            assert allowed
            assert self.case.log_seq > before[2]

    @rule(data=st.data(), who=st.sampled_from(sorted(ACTORS)))
    def act_on_an_order(self, data: st.DataObject, who: str) -> None:
        order = data.draw(st.sampled_from(self.case.orders))
        shown = data.draw(st.sampled_from(order_permissions(self.case, order, ACTORS[who], rules(), now=self.now)))
        self._try(
            shown.allowed, lambda: act(self.case, order, shown.action, shown.outcome, by=ACTORS[who], now=self.now)
        )

    @rule(who=st.sampled_from(sorted(ACTORS)), action=st.sampled_from(["close", "reopen"]))
    def act_on_the_case(self, who: str, action: str) -> None:
        shown = next(one for one in case_permissions(self.case, ACTORS[who], rules()) if one.action == action)
        self._try(shown.allowed, lambda: act_on_case(self.case, action, ACTORS[who], self.now))

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def a_clock_runs_out(self) -> None:
        for order in self.case.orders:
            handling.sign_automatically(self.case, order, rules(), now=self.now)
        closing.close_unrated(self.case, rules(), now=self.now)

    @precondition(lambda self: self.case.state == "replied")
    @rule(content=st.booleans())
    def the_citizen_rates(self, content: bool) -> None:
        heard = closing.close_satisfied if content else closing.hear_dissatisfied
        assert heard(self.case, self.case.round, rules(), now=self.now)

    @invariant()
    def the_news_have_no_gap_and_the_log_holds(self) -> None:
        if hasattr(self, "case"):
            assert [news.sequence for news in self.case.news] == list(range(1, self.case.sequence + 1))
            assert first_break(self.case.entries) is None

    @invariant()
    def one_lead_at_a_time_and_never_the_accused(self) -> None:
        if hasattr(self, "case"):
            assert [order.role for order in self.case.live_orders()].count("lead") == 1
            assert len(set(self.case.units())) == len(self.case.units())
            assert self.case.accused_unit_code not in {order.unit_code for order in self.case.orders}

    @invariant()
    def a_closed_case_has_only_ended_orders(self) -> None:
        if hasattr(self, "case") and self.case.state == "closed":
            assert {order.state for order in self.case.orders} <= {"closed", "redispatched"}


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnybodyTriesAnything = Life.TestCase


def _in_state(state: str) -> tuple[Case, WorkOrder]:
    case = filed()
    order = case.orders[0]
    order.state = state
    return case, order


@pytest.mark.parametrize("state", [state.key for state in rules().table.states])
@pytest.mark.parametrize("row", rules().table.actions, ids=lambda row: f"{row.name}-{row.outcome}")
def test_the_table_is_the_only_judge_of_states(state: str, row: Any) -> None:
    """Every state against every row, by somebody with every role."""
    case, order = _in_state(state)
    anybody = actor(*row.roles, units=(UNIT,))
    if row.target(state) is None:
        with pytest.raises(DomainError):
            must_act(case, order, row.name, anybody, rules(), now=SOON, outcome=row.outcome)
    else:
        must_act(case, order, row.name, anybody, rules(), now=SOON, outcome=row.outcome)


@pytest.mark.parametrize("row", [row for row in rules().table.actions if row.own_unit], ids=lambda row: row.name)
def test_another_unit_may_do_nothing(row: Any) -> None:
    case, order = _in_state(row.moves[0].from_states[0])
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


def test_after_two_returns_a_case_is_not_returned_again() -> None:
    case = filed()
    for unit in (UNIT, "PS-S02"):
        order = case.live_orders()[0]
        by = actor("unit_manager", units=(unit,))
        act(case, order, "return", None, by=by, now=SOON)
        act(case, order, "redispatch", None, by=DISPATCHER, now=SOON)
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


@pytest.mark.parametrize("row", rules().table.actions, ids=lambda row: f"{row.name}-{row.outcome}")
def test_a_department_s_system_may_do_what_its_people_may(row: Any) -> None:
    if not row.own_unit:
        return
    case, order = _in_state(row.moves[0].from_states[0])
    system = actor("department", units=(UNIT,), kind="machine")
    must_act(case, order, row.name, system, rules(), now=SOON, outcome=row.outcome)
