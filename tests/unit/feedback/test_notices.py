"""Who is to be told what, and in how many characters."""

import pytest

from contracts.events.sla import CaseSupervised
from services.feedback import catalogue
from services.feedback.domain.case import Case
from services.feedback.domain.composing import compose
from services.feedback.domain.notice import due_notices, values
from shared.cloudevents import Event
from shared.ids import new_id
from tests.unit.feedback import said
from tests.unit.feedback.said import START

RULES, WORDS = catalogue.notice_rules(), catalogue.wording()


def told(*events: Event) -> Case:
    case = Case(new_id())
    for event in events:
        case.learn(event, START)
    return case


def keys(case: Case) -> list[str]:
    return [occurrence.key for occurrence in due_notices(case.facts, RULES)]


def test_the_notice_of_acceptance_waits_for_the_promised_time() -> None:
    assert keys(told(said.submitted(), said.filed())) == []
    assert keys(told(said.submitted(), said.filed(), said.promised())) == ["accepted:1"]


def test_every_round_has_its_own_notices() -> None:
    order = new_id()
    case = told(said.submitted(), said.replied(order), said.reworked(), said.replied(order, turn=2))
    case.learn(CaseSupervised(cause="dissatisfied_twice"), START)
    assert keys(case) == ["replied:1", "replied:2", "reworked:2", "supervised:1"]


def test_what_somebody_was_told_is_not_told_again() -> None:
    case = told(said.submitted(), said.replied(new_id()))
    case.facts.noticed.append("replied:1/citizen")
    assert keys(case) == []


def test_who_wants_no_answer_gets_no_notice() -> None:
    assert keys(told(said.submitted(reply_wanted=False), said.replied(new_id()))) == []


def test_work_the_reviewer_sent_back_is_not_the_citizens_business() -> None:
    assert keys(told(said.submitted(), said.reworked(cause="review"))) == []


@pytest.mark.parametrize("template", sorted(RULES.templates))
def test_every_template_fits_its_channels_even_with_the_longest_names(template: str) -> None:
    case = told(said.submitted(), said.filed(category_name="长" * 40), said.promised(provisional=True))
    case.learn(said.dispatched(new_id(), ("X", "某某区某某局" * 8)), START)
    named = values(case.facts, WORDS)
    wechat = compose(RULES, template, "wechat", named)
    for field, text in wechat.fields.items():
        assert text
        assert len(text) <= RULES.limits[field.rstrip("0123456789")]
    sms = compose(RULES, template, "sms", named)
    assert sms.body.startswith("【坪山民生诉求】")
    assert len(sms.body) <= 134
    assert compose(RULES, template, "mail", named).body
