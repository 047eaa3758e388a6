"""The countdown to the promised time counts exactly what the stopwatch counts, without its calendar."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.feedback import catalogue
from services.feedback.domain.case import Case
from services.feedback.domain.countdown import counted_down, left
from services.feedback.domain.view import view_of
from services.sla.calendars import shipped_calendar
from services.sla.countdown import working_span
from services.sla.workdays import Calendar, Limit
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import DUE, START

WORDS = catalogue.wording()


def case_with(span: Any, due_at: datetime = DUE) -> Case:
    case = Case(new_id())
    for event in (said.submitted(), said.filed(), said.promised(due_at, span=span)):
        case.learn(event, START)
    return case


def shown(case: Case, now: datetime) -> dict[str, Any]:
    view = orjson.dumps(view_of(case.facts, WORDS))
    countdown: dict[str, Any] = orjson.loads(counted_down(view, now, WORDS.countdown))["countdown"]
    return countdown


@cache
def calendar() -> Calendar:
    return Calendar(shipped_calendar())


EPOCH = datetime(2019, 1, 2, tzinfo=UTC)
STARTS = st.integers(0, 7 * 365 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds))


@given(STARTS, st.integers(1, 30), st.floats(0, 1.2))
def test_it_counts_what_the_stopwatch_counts(start: datetime, days: int, share: float) -> None:
    """INVARIANT: the remaining seconds are the stopwatch's own, at any moment from the start to past the due time."""
    due = calendar().due(start, Limit(days, "work_day")).at
    now = start + (due - start) * share
    event = working_span(calendar(), start, due, "work_day")
    span = case_with(event, due).facts.span
    assert span is not None
    expected = max(0, calendar().remaining(now, due, "work_day"))
    assert left(span, due, now).seconds == expected


@pytest.mark.parametrize(
    ("now", "seconds", "text"),
    [
        (datetime(2026, 11, 24, 2, 0, tzinfo=UTC), (2 + 4 + 3 * 7 + 7) * 3600, "还剩4个工作日"),
        (datetime(2026, 11, 27, 11, 0, tzinfo=UTC), 7 * 3600, "还剩1个工作日"),
        (datetime(2026, 11, 30, 7, 30, tzinfo=UTC), 9000, "还剩2小时30分钟（工作时间）"),
        (datetime(2026, 11, 30, 9, 30, tzinfo=UTC), 1800, "还剩30分钟（工作时间）"),
        (DUE, 0, "已到承诺时间"),
    ],
)
def test_it_reads_as_a_citizen_would_say_it(now: datetime, seconds: int, text: str) -> None:
    countdown = shown(case_with(said.SPAN), now)
    assert (countdown["remaining_seconds"], countdown["text"]) == (seconds, text)
    assert countdown["working"]


def test_a_limit_that_runs_through_nights_counts_all_time() -> None:
    through = said.SPAN.model_copy(update={"days": "", "windows": ()})
    countdown = shown(case_with(through, START + timedelta(hours=5)), START)
    assert (countdown["remaining_seconds"], countdown["text"]) == (5 * 3600, "还剩5小时0分钟")


def test_a_promise_without_its_working_days_is_not_guessed_at() -> None:
    countdown = shown(case_with(None), START)
    assert (countdown["remaining_seconds"], countdown["text"]) == (None, "以承诺办结时间为准")


def test_a_view_without_a_countdown_comes_back_as_it_is() -> None:
    view = orjson.dumps({"text": '"countdown":', "countdown": None})
    assert counted_down(view, START, WORDS.countdown) is view


def test_the_span_names_every_day_up_to_the_promised_one() -> None:
    start = datetime(2026, 9, 30, 2, 0, tzinfo=UTC)  # before the National Day holiday
    due = calendar().due(start, Limit(1, "work_day")).at
    span = working_span(calendar(), start, due, "work_day")
    assert span.first_day == date(2026, 9, 30)
    assert span.days[0] == span.days[-1] == "1"
    assert set(span.days[1:-1]) <= {"0"}
