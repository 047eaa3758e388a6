"""Facts start and stop the clocks of a case, and the clocks are the same in whichever order publishers are heard."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.sla import CaseSupervised, ClockBreached, ClockStarted, ClockStopped, ClockWarned
from services.sla import wording
from services.sla.board import NotFiledYet
from services.sla.calendars import shipped_calendar
from services.sla.domain import CaseClocks
from services.sla.limits import Filing, shipped_limits
from services.sla.stopwatch import BREACH, Firing, Stopwatch
from services.sla.workdays import Calendar, Limit

STOPWATCH = Stopwatch(shipped_limits(), Calendar(shipped_calendar()))
START = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
CASE, ORDER, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def filing(minutes: float = 1, **said: Any) -> Filing:
    return Filing(at(minutes), said.get("type_code", "complaint"), said.get("grade", "B"), 5, "work_day")


def filed_case() -> CaseClocks:
    case = CaseClocks(CASE, STOPWATCH)
    case.submitted(START, "PS1")
    case.filed(filing())
    case.dispatched(at(2), order_id=ORDER, unit_code="CG", turn=1)
    return case


def running(case: CaseClocks) -> set[str]:
    return {clock.kind for clock in case.clocks if clock.running}


def test_acceptance_is_timed_from_submission_to_filing_and_the_whole_from_submission() -> None:
    case = CaseClocks(CASE, STOPWATCH)
    case.submitted(START, "PS1")
    assert running(case) == {"accept"}
    case.filed(filing(30))
    [accept, total, dispatch] = case.clocks
    assert (accept.stopped_at, accept.used_seconds) == (at(30), 1800)
    assert (total.started_at, total.running) == (START, True)
    assert (dispatch.kind, dispatch.started_at) == ("dispatch", at(30))


def test_the_clocks_of_an_order_are_said_in_one_event() -> None:
    case = filed_case()
    last = case.events[-1]
    assert isinstance(last, ClockStarted)
    assert [(clock.kind, clock.order_id, clock.unit_code) for clock in last.clocks] == [
        ("sign", ORDER, "CG"),
        ("contact", ORDER, "CG"),
        ("handle", ORDER, "CG"),
    ]


def test_contact_and_result_imply_that_the_unit_has_signed() -> None:
    case = filed_case()
    case.contacted(at(3), ORDER)
    assert running(case) == {"handle", "total"}
    case = filed_case()
    case.resolved(at(3), ORDER)
    assert running(case) == {"contact", "total", "review"}


def test_facts_about_one_order_leave_the_other_alone() -> None:
    case = filed_case()
    case.dispatched(at(2), order_id=OTHER, unit_code="SW", turn=1)
    case.signed(at(3), OTHER)
    case.redispatched(at(4), ORDER)
    assert {(clock.kind, clock.order_id) for clock in case.clocks if clock.running} == {
        ("total", None),
        ("contact", OTHER),
        ("handle", OTHER),
    }


def test_work_cannot_be_timed_before_filing() -> None:
    case = CaseClocks(CASE, STOPWATCH)
    with pytest.raises(NotFiledYet):
        case.dispatched(START, order_id=ORDER, unit_code="CG", turn=1)
    assert case.events == []


def test_a_case_that_is_not_accepted_stops_its_only_clock() -> None:
    case = CaseClocks(CASE, STOPWATCH)
    case.submitted(START, "PS1")
    case.closed(at(5))
    assert running(case) == set()
    late = CaseClocks(CASE, STOPWATCH)
    late.closed(at(5))
    late.submitted(START, "PS1")
    assert running(late) == set()
    assert late.clocks[0].stopped_at == at(5)


def test_a_stop_heard_late_is_never_older_than_the_start() -> None:
    case = filed_case()
    case.signed(START - timedelta(days=1), ORDER)
    [stop] = [event for event in case.events if isinstance(event, ClockStopped) and event.kind == "sign"]
    assert (stop.stopped_at, stop.used_seconds, stop.on_time) == (at(2), 0, True)


def test_the_due_second_itself_is_in_time_and_the_breach_comes_with_the_next() -> None:
    case = filed_case()
    sign = next(clock for clock in case.clocks if clock.kind == "sign")
    assert sign.timers[-1].percent == BREACH
    assert sign.timers[-1].due_at == sign.due_at + timedelta(seconds=1)
    case.signed(sign.due_at + timedelta(milliseconds=999), ORDER)
    assert sign.on_time
    case.contacted(sign.due_at + timedelta(seconds=1), ORDER)
    assert not next(clock for clock in case.clocks if clock.kind == "contact").on_time


def test_warnings_come_after_the_shares_of_the_working_time() -> None:
    """Urgent: half of two hours; office hours: half of 6 h today and 8 h tomorrow is 1 h into tomorrow."""
    urgent = STOPWATCH.clock("contact", START, filing=filing(grade="A"))
    assert [(timer.percent, timer.due_at) for timer in urgent.timers] == [
        (50, at(60)),
        (80, at(96)),
        (100, at(120) + timedelta(seconds=1)),
    ]
    consultation = STOPWATCH.clock("total", START, filing=filing(type_code="consultation"))
    assert consultation.timers[0].due_at == datetime(2026, 9, 29, 1, 0, tzinfo=UTC)


def test_a_timer_says_a_warning_below_the_whole_limit_and_a_breach_at_it() -> None:
    firings = {
        percent: Firing(
            case_id=CASE,
            clock_id=ORDER,
            kind="sign",
            order_id=ORDER,
            unit_code="CG",
            due_at=START,
            percent=percent,
            fell_due_at=START,
            share_used=percent / 100,
        )
        for percent in (50, 80, 100)
    }
    said = {percent: firing.said(0)[0] for percent, firing in firings.items()}
    assert isinstance(said[100], ClockBreached)
    assert [e.share_used for e in said.values() if isinstance(e, ClockWarned)] == [0.5, 0.8]


def test_rework_of_the_same_order_only_renews_the_time_to_handle() -> None:
    case = filed_case()
    case.contacted(at(3), ORDER)
    case.resolved(at(4), ORDER)
    case.replied(at(5), 1)
    case.dissatisfied(at(6), 1)
    case.reworked(at(7))
    case.dispatched(at(7), order_id=ORDER, unit_code="CG", turn=2)
    assert running(case) == {"handle"}
    assert [clock.round for clock in case.clocks if clock.kind == "handle"] == [1, 2]


def test_work_sent_back_is_not_timed_twice_when_it_is_also_dispatched_again() -> None:
    case = filed_case()
    case.resolved(at(3), ORDER)
    case.sent_back(at(4), order_id=ORDER, turn=1)
    case.dispatched(at(4), order_id=ORDER, unit_code="CG", turn=2)
    assert [clock.kind for clock in case.clocks if clock.kind == "handle" and clock.running] == ["handle"]


def test_supervision_begins_with_the_second_round_and_only_once() -> None:
    case = filed_case()
    case.replied(at(5), 1)
    case.dissatisfied(at(6), 1)
    assert not any(isinstance(event, CaseSupervised) for event in case.events)
    case.replied(at(7), 2)
    case.dissatisfied(at(8), 2)
    case.dissatisfied(at(9), 3)
    assert sum(isinstance(event, CaseSupervised) for event in case.events) == 1


def test_a_fact_heard_again_changes_nothing() -> None:
    case = filed_case()
    case.replied(at(5), 1)
    case.rated(at(6), 1)
    before = (len(case.events), len(case.clocks))
    case.submitted(at(9), "PS1")
    case.filed(filing(9))
    case.signed(at(9), ORDER)
    case.replied(at(9), 1)
    case.rated(at(9), 1)
    assert (len(case.events), len(case.clocks)) == before


type Fact = Callable[[CaseClocks], None]

INTAKE: list[Fact] = [lambda case: case.submitted(START, "PS1")]
ROUTER: list[Fact] = [
    lambda case: case.filed(filing(1)),
    lambda case: case.dispatched(at(2), order_id=ORDER, unit_code="CG", turn=1),
    lambda case: case.redispatched(at(3), ORDER),
    lambda case: case.dispatched(at(3), order_id=OTHER, unit_code="SW", turn=1),
    lambda case: case.signed(at(4), OTHER),
    lambda case: case.contacted(at(5), OTHER),
    lambda case: case.resolved(at(6), OTHER),
    lambda case: case.replied(at(7), 1),
]
FEEDBACK: list[Fact] = [lambda case: case.rated(at(8), 1), lambda case: case.dissatisfied(at(8), 1)]


@given(st.permutations([0] * len(INTAKE) + [1] * len(ROUTER) + [2] * len(FEEDBACK)), st.integers(1, len(ROUTER)))
def test_clocks_do_not_depend_on_the_order_in_which_publishers_are_heard(turns: list[int], heard: int) -> None:
    """INVARIANT: each publisher is heard in its own order; how they interleave does not matter.

    Breaks when a fact that finds its clock not started yet is forgotten.
    """
    queues = [iter(INTAKE), iter(ROUTER[:heard]), iter(FEEDBACK)]
    mixed, plain = CaseClocks(CASE, STOPWATCH), CaseClocks(CASE, STOPWATCH)
    for turn in turns:
        for fact in (next(queues[turn], None),):
            if fact is not None:
                fact(mixed)
    for fact in (*INTAKE, *ROUTER[:heard], *FEEDBACK):
        fact(plain)

    def seen(case: CaseClocks) -> list[tuple[object, ...]]:
        return sorted(
            (
                clock.kind,
                str(clock.order_id),
                clock.started_at,
                clock.due_at,
                str(clock.stopped_at),
                str(clock.used_seconds),
            )
            for clock in case.clocks
        )

    assert seen(mixed) == seen(plain)


@pytest.mark.parametrize(
    ("limit", "words"),
    [
        (Limit(3, "work_day"), "自2026年9月30日的次日起计3个工作日，至末日下班时为止，2026年10月10日18:00前办结。"),
        (
            Limit(1, "work_day", "now"),
            "自2026年9月30日16:30起计1个工作日，每日按8小时工作时间折算，2026年10月8日16:30前办结。",
        ),
        (Limit(2, "work_hour"), "自2026年9月30日16:30起计2个工作小时，只计工作时段，2026年10月8日08:30前办结。"),
        (Limit(2, "urgent_hour"), "自2026年9月30日16:30起连续计2小时，不分昼夜和节假日，2026年9月30日18:30前办结。"),
        (
            Limit(15, "calendar_day"),
            "自2026年9月30日的次日起计15个自然日，至末日二十四时为止，2026年10月15日24:00前办结。",
        ),
    ],
    ids=str,
)
def test_a_due_time_is_explained_in_the_words_people_use(limit: Limit, words: str) -> None:
    start = datetime(2026, 9, 30, 8, 30, tzinfo=UTC)
    assert wording.explain(STOPWATCH.calendar, start, limit, STOPWATCH.calendar.due(start, limit)) == words


def test_a_year_without_a_notice_is_named_in_the_explanation() -> None:
    start, limit = datetime(2030, 9, 30, 8, 30, tzinfo=UTC), Limit(3, "work_day")
    due = STOPWATCH.calendar.due(start, limit)
    assert "2030年的放假安排尚未载入" in wording.explain(STOPWATCH.calendar, start, limit, due)
