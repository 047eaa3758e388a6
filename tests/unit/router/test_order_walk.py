"""The work order's life walked at random, by anybody, with everything the table knows."""

from collections.abc import Callable
from datetime import timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from contracts.events.intake import CaseType
from services.router.domain import closing, ending, handling, tasks
from services.router.domain.chain import first_break
from services.router.domain.guards import case_permissions, order_permissions
from services.router.domain.orders import WorkOrder
from services.router.domain.rules import SYSTEM
from shared.errors import DomainError
from tests.unit.router.desk import DISPATCHER, REVIEWER, START, UNIT, actor, filed, rules
from tests.unit.router.scenes import CENTRE, DEPARTMENT, ELSEWHERE, TABLE, do

BELOW = "PS-W01"
"""A community of UNIT, which orders can be given on to."""
UNITS = (UNIT, ELSEWHERE, "PS-S03", DEPARTMENT, CENTRE, BELOW)
ACTORS = {
    **{f"people of {unit}": actor("handler", "unit_manager", units=(unit,)) for unit in UNITS},
    "department": actor("department", units=(UNIT,), kind="machine"),
    "dispatcher": DISPATCHER,
    "reviewer": REVIEWER,
    "panel": actor("ruling_panel"),
    "leader": actor("leader"),
}
OPEN = {"dispatched", "signed", "contacted", "handling", "resolved", "returned", "ending", "reworking"}


class Life(RuleBasedStateMachine):
    """Anybody tries anything at any time.

    INVARIANT: what `allowed_actions` shows and what happens are the same, and what is refused changes nothing; there is
    never a state without a way out, a double lead, a closed case with an open order, or a child order without its parent.
    """

    @initialize(
        accused=st.sampled_from([None, "PS-D05"]),
        photo=st.booleans(),
        kind=st.sampled_from(["complaint", "complaint", "suggestion", "praise"]),
        area=st.sampled_from(["440310001", None]),
        category=st.sampled_from(["0101001", "0502001", "0515003"]),
    )
    def begin(self, accused: str | None, photo: bool, kind: CaseType, area: str | None, category: str) -> None:
        self.case = filed(
            accused_unit_code=accused, photo=photo, type_code=kind, category=category, area=area, said_category=category
        )
        self.now = START

    def _try(self, allowed: bool, deed: Callable[[], object]) -> None:
        before = self._seen()
        try:
            deed()
        except DomainError:
            assert not allowed
            assert self._seen() == before
        else:
            assert allowed
            assert self.case.log_seq > before[2]

    def _seen(self) -> tuple[object, int, int, list[str]]:
        case = self.case
        return case.state, case.sequence, case.log_seq, [order.state for order in case.orders]

    def _free_for(self, action: str, order: WorkOrder) -> list[str]:
        """Units that hold nothing of this case; to be given an order on, only those below who holds it."""
        free = [unit for unit in UNITS if unit not in self.case.units() and unit != CENTRE]
        if action != "delegate":
            return free
        return [unit for unit in free if order.unit_code in rules().catalogue.units.ancestors(unit)]

    @rule(data=st.data(), who=st.sampled_from(sorted(ACTORS)))
    def act_on_an_order(self, data: st.DataObject, who: str) -> None:
        order = data.draw(st.sampled_from(self.case.orders))
        shown = data.draw(st.sampled_from(order_permissions(self.case, order, ACTORS[who], rules(), now=self.now)))
        row = rules().table_of(self.case).action(shown.action, shown.outcome)
        assert row is not None
        free = self._free_for(row.name, order)
        if (not free and row.name in {"add_co", "delegate", "redispatch"}) or (
            row.name == "rule" and order is not self.case.lead()
        ):
            return
        away = data.draw(st.sampled_from(free or [ELSEWHERE]))
        self._try(shown.allowed, lambda: do(self.case, row, order, by=ACTORS[who], now=self.now, away=away))

    @precondition(lambda self: self.case.state == "handling")
    @rule(data=st.data())
    def somebody_who_may_acts(self, data: st.DataObject) -> None:
        """So that the walk gets anywhere; there is always somebody."""
        open_now = [order for order in self.case.live_orders() if order.state in OPEN]
        order = data.draw(st.sampled_from(open_now))
        may = [
            (who, one)
            for who in sorted(ACTORS)
            for one in order_permissions(self.case, order, ACTORS[who], rules(), now=self.now)
            if one.allowed
        ]
        if order.unit_code in UNITS:
            assert may, f"nobody can do anything with an order that is {order.state}"
        if may:
            who, shown = data.draw(st.sampled_from(may))
            row = rules().table_of(self.case).action(shown.action, shown.outcome)
            assert row is not None
            free = self._free_for(row.name, order)
            if free or row.name not in {"add_co", "delegate", "redispatch"}:
                do(self.case, row, order, by=ACTORS[who], now=self.now, away=(free or [ELSEWHERE])[0])

    @rule(who=st.sampled_from(sorted(ACTORS)), action=st.sampled_from(["close", "reopen"]))
    def act_on_the_case(self, who: str, action: str) -> None:
        shown = next(one for one in case_permissions(self.case, ACTORS[who], rules()) if one.action == action)
        deed = closing.close if action == "close" else closing.reopen
        self._try(shown.allowed, lambda: deed(self.case, ACTORS[who], rules(), now=self.now))

    @rule(hours=st.integers(1, 60))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(outcome=st.sampled_from(["passed", "failed"]))
    def the_grid_officers_look(self, outcome: str) -> None:
        for task in self.case.tasks:
            if task.state == "open" and task.kind == "check":
                task.photos.append(task.task_id)
                by = actor("grid_officer", units=(task.unit_code,))
                tasks.finish(
                    self.case, task, by, rules(), outcome=outcome, note="", photo_ids=[task.task_id], now=self.now
                )

    @rule()
    def a_clock_runs_out(self) -> None:
        for order in list(self.case.orders):
            if not handling.sign_automatically(self.case, order, rules(), now=self.now):
                ending.acknowledge_automatically(self.case, order, rules(), now=self.now)
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
            # Whose part has been accepted may still become the lead: only work in hand is counted.
            held = [order.unit_code for order in self.case.live_orders() if order.state in OPEN]
            assert len(set(held)) == len(held)
            assert self.case.accused_unit_code not in {order.unit_code for order in self.case.orders}

    @invariant()
    def a_case_that_is_answered_or_closed_has_no_open_order(self) -> None:
        if hasattr(self, "case") and self.case.state != "handling":
            done = {"closed", "redispatched", "cancelled"} | ({"reviewed"} if self.case.state == "replied" else set())
            assert {order.state for order in self.case.orders} <= done

    @invariant()
    def a_child_has_its_parent_and_work_goes_on(self) -> None:
        if not hasattr(self, "case"):
            return
        for order in self.case.orders:
            if order.role == "sub" and order.state in OPEN:
                assert order.parent_order_id is not None
                assert self._open(self.case.order(order.parent_order_id))
        if self.case.state == "handling":
            assert any(order.state in OPEN for order in self.case.live_orders())
        assert len([one for one in self.case.rulings if one.state == "open"]) <= 1

    def _open(self, order: WorkOrder) -> bool:
        return order.state in OPEN and order in self.case.live_orders()


# A busy machine draws slowly, and that is no fault of the walk.
Life.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAnybodyTriesAnything = Life.TestCase


def test_every_state_that_is_no_end_can_be_left_in_every_process() -> None:
    """INVARIANT: no order waits for ever. Breaks when a process has a row into a state and none out of it."""
    for process in rules().catalogue.processes.processes:
        table = TABLE.of_process(process.code)
        reached, pending = {table.initial}, [table.initial]
        while pending:
            state = pending.pop()
            targets = {target for row in table.actions if (target := row.target(state)) is not None}
            assert targets - {state} or state in {*TABLE.final, "closed"}, f"{state} in {process.code}"
            pending += targets - reached
            reached |= targets
        assert "closed" in reached
    assert SYSTEM.id == "system"
