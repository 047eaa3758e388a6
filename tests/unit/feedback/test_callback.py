"""Who is called back, what a clerk may do with a call-back, and how stars become the national levels."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.router import Outcome
from services.feedback import catalogue
from services.feedback.domain.callback import Answer, AnsweredAlready, Callback, NotInTheQueue, NotYourCallback
from services.feedback.domain.case import Case
from services.feedback.domain.rating import Given
from shared.ids import new_id
from tests.unit.feedback import said

RULES = catalogue.callback_rules()
CONTENT = catalogue.content_rule()
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
GOOD = Answer("solved", "satisfied")
LUCKY, UNLUCKY = UUID(int=0), UUID(int=9_999)
"""Ids whose end is always, and never, in a sample."""


def ended(outcome: Outcome = "unrated", case_id: UUID = LUCKY, **more: object) -> Case:
    case, order = Case(case_id), new_id()
    steps = [said.submitted(citizen_id=new_id(), **more), said.filed(), said.dispatched(order)]
    for event in (*steps, said.replied(order), said.closed(outcome)):
        case.learn(event, NOW)
    return case


def waiting() -> Callback:
    return Callback(
        callback_id=new_id(), case_id=LUCKY, case_no=said.number(), round=1, unit_code="PS-CG", unit_name="区城管局",
        reason="sample", method="sms", state="open", attempts=0, claimed_by=None, claimed_at=None, next_at=NOW,
        created_at=NOW,
    )  # fmt: skip


def test_the_sample_is_drawn_from_the_cases_own_id() -> None:
    chosen = ended()
    owed = RULES.after_closing(chosen.facts, chosen.case_id)
    assert owed is not None
    assert (owed.reason, owed.method) == ("sample", "phone")
    spared = ended(case_id=UNLUCKY)
    assert RULES.after_closing(spared.facts, spared.case_id) is None


@given(st.integers(0, 2**128 - 1))
def test_about_the_share_of_the_rule_is_drawn(number: int) -> None:
    rule = RULES.rules[1]
    assert rule.chooses(UUID(int=number)) is (number % 10_000 < rule.percent * 100)


@pytest.mark.parametrize("secret", [{"confidential": True}, {"reply_wanted": False}])
def test_who_wants_no_answer_or_secrecy_is_not_called(secret: dict[str, bool]) -> None:
    case = ended(**secret)
    assert RULES.after_closing(case.facts, case.case_id) is None


def test_a_case_withdrawn_or_never_answered_is_not_called_back() -> None:
    assert RULES.after_closing(ended("withdrawn").facts, LUCKY) is None


def test_a_low_mark_is_always_followed_up_by_a_call() -> None:
    case = ended(case_id=UNLUCKY)
    owed = RULES.after_low_mark(case.facts, case.case_id)
    assert owed is not None
    assert (owed.reason, owed.method, owed.wait) == ("low_mark", "phone", timedelta())


def test_one_clerk_at_a_time_and_an_idle_one_loses_it() -> None:
    callback = waiting()
    callback.claim("a", RULES, now=NOW)
    with pytest.raises(NotInTheQueue):
        callback.claim("b", RULES, now=NOW + timedelta(minutes=29))
    with pytest.raises(NotYourCallback):
        callback.missed("b", RULES, note="", now=NOW)
    callback.claim("b", RULES, now=NOW + timedelta(minutes=30))
    assert (callback.claimed_by, callback.method) == ("b", "phone")


def test_not_reached_twice_is_the_end_of_it() -> None:
    callback = waiting()
    callback.claim("a", RULES, now=NOW)
    callback.missed("a", RULES, note="无人接听", now=NOW)
    assert (callback.state, callback.attempts, callback.next_at) == ("open", 1, NOW + timedelta(hours=4))
    with pytest.raises(NotInTheQueue):
        callback.claim("a", RULES, now=NOW)
    callback.claim("a", RULES, now=callback.next_at)
    callback.missed("a", RULES, note="", now=callback.next_at)
    assert (callback.state, callback.attempts) == ("unreached", 2)


def test_a_citizen_answers_over_the_link_once() -> None:
    callback = waiting()
    callback.answered(GOOD, now=NOW)
    assert (callback.state, callback.method) == ("reached", "sms")
    with pytest.raises(AnsweredAlready):
        callback.answered(GOOD, now=NOW)


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (GOOD, True),
        (replace(GOOD, solved="partly"), True),
        (replace(GOOD, solved="unsolved"), False),
        (replace(GOOD, satisfied="dissatisfied"), False),
        (replace(GOOD, process_satisfied="very_dissatisfied"), True),
    ],
)
def test_solved_and_satisfied_are_judged_apart_from_how_it_was_passed_on(answer: Answer, content: bool) -> None:
    assert RULES.content(answer) is content


@pytest.mark.parametrize(
    ("stars", "solved", "level"),
    [
        ((5, 5, 5, 5), True, "very_satisfied"),
        ((5, 5, 4, 4), True, "very_satisfied"),
        ((4, 4, 4, 4), True, "satisfied"),
        ((3, 3, 3, 3), True, "fairly_satisfied"),
        ((2, 2, 2, 2), True, "dissatisfied"),
        ((1, 1, 1, 1), True, "very_dissatisfied"),
        ((5, 5, 5, 5), False, "dissatisfied"),
        ((1, 1, 1, 1), False, "very_dissatisfied"),
    ],
)
def test_stars_count_as_one_of_the_national_five_levels(
    stars: tuple[int, int, int, int], solved: bool, level: str
) -> None:
    assert CONTENT.level(Given(*stars, solved=solved)) == level


@pytest.mark.parametrize(("marks", "low"), [((5, 5, 5, 1), False), ((2, 5, 5, 5), True), ((3, 3, 3, 3), False)])
def test_low_marks_for_the_work_are_followed_up_and_those_for_the_system_are_not(
    marks: tuple[int, int, int, int], low: bool
) -> None:
    assert CONTENT.low(Given(*marks, solved=True)) is low
