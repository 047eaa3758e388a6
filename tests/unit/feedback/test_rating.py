"""What counts as not content, and when an answer can be rated."""

import pytest

from services.feedback import catalogue
from services.feedback.domain.case import Case
from services.feedback.domain.rating import AlreadyRated, Given, NotYetReplied, RatingClosed
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import START

RULE = catalogue.content_rule()


def case_replied(turn: int = 1) -> Case:
    case = Case(new_id())
    case.learn(said.submitted(), START)
    case.learn(said.replied(new_id(), turn=turn), START)
    return case


@pytest.mark.parametrize(
    ("given", "satisfied"),
    [
        (Given(5, 5, 5, 5, solved=True), True),
        (Given(1, 3, 2, 4, solved=True), True),
        (Given(5, 5, 5, 5, solved=False), False),
        (Given(5, 2, 5, 5, solved=True), False),
        (Given(1, 3, 1, 1, solved=True), False),
    ],
)
def test_not_solved_a_poor_result_or_poor_marks_throughout_mean_not_content(given: Given, satisfied: bool) -> None:
    stars = case_replied().rate(given, RULE, now=START)
    assert stars.satisfied is satisfied


def test_only_somebody_not_content_asks_for_the_work_to_be_done_again() -> None:
    content, not_content = case_replied(), case_replied()
    content.rate(Given(5, 5, 5, 5, solved=True), RULE, now=START)
    not_content.rate(Given(5, 1, 5, 5, solved=True), RULE, now=START)
    assert [event.TYPE for _, event in content.said] == ["rating.submitted.v1"]
    assert [event.TYPE for _, event in not_content.said] == ["rating.submitted.v1", "citizen.dissatisfied.v1"]
    assert [sequence for sequence, _ in not_content.said] == [1, 2]


def test_an_answer_is_rated_once_and_the_next_rounds_answer_once_more() -> None:
    case = case_replied()
    five = Given(5, 5, 5, 5, solved=True)
    case.rate(five, RULE, now=START)
    with pytest.raises(AlreadyRated):
        case.rate(five, RULE, now=START)
    case.learn(said.reworked(), START)
    with pytest.raises(NotYetReplied):
        case.rate(five, RULE, now=START)
    case.learn(said.replied(new_id(), turn=2), START)
    assert case.rate(five, RULE, now=START).round == 2


def test_nothing_is_rated_before_the_answer_or_after_the_closing() -> None:
    case = Case(new_id())
    case.learn(said.submitted(), START)
    with pytest.raises(NotYetReplied):
        case.rate(Given(5, 5, 5, 5, solved=True), RULE, now=START)
    closed = case_replied()
    closed.learn(said.closed("unrated"), START)
    with pytest.raises(RatingClosed):
        closed.rate(Given(5, 5, 5, 5, solved=True), RULE, now=START)
