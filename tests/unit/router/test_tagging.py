"""How a case gets and loses its tags: by rule, by what happens, by hand; and that its log and its events say so."""

from datetime import timedelta
from typing import Any

import pytest

from contracts.events.router import CaseTagged
from services.router.domain import chain, closing, handling, tagging
from services.router.domain.cases import Case, Tagging
from services.router.domain.errors import Recused, RoleMissing, TagNotByHand, TagUnknown
from services.router.tagger import Past
from tests.unit.router.desk import DISPATCHER, HANDLER, MANAGER, START, UNIT, actor, filed, received, rules

SUPERVISOR = actor("supervisor", units=("PS-C00",))
FLOOD = "路口积水，老人没法过"


def held(case: Case) -> set[str]:
    return {code for code in case.tags if case.has_tag(code)}


def retag(case: Case, *past: Past) -> None:
    tagging.retag(case, rules(), past, now=START)


def follow(case: Case) -> None:
    """As it is done before a case is saved."""
    tagging.follow(case, lambda _: rules())
    case.news.clear()


def told(case: Case) -> list[CaseTagged]:
    return [news.event for news in case.news if isinstance(news.event, CaseTagged)]


def test_what_changes_at_once_is_one_entry_of_the_log_and_one_event() -> None:
    case = received(text=FLOOD, anonymous=True)
    retag(case)
    assert held(case) == {"flood_season", "elderly", "anonymous"}
    assert {code: case.tags[code].set_by for code in held(case)} == {
        "flood_season": "rule",
        "elderly": "rule",
        "anonymous": "system",
    }
    assert [entry.action for entry in case.entries] == ["tag"]
    assert case.entries[0].facts["added"] == ["elderly", "anonymous", "flood_season"]
    assert case.entries[0].facts["reasons"] == {
        "elderly": ["keyword:老人"],
        "anonymous": ["anonymous:true"],
        "flood_season": ["keyword:积水", "season:4-10"],
    }
    assert [event.tags for event in told(case)] == [("anonymous", "elderly", "flood_season")]


def test_a_case_without_tags_has_nothing_in_its_log() -> None:
    case = received()
    retag(case)
    assert (held(case), case.entries, case.news) == (set(), [], [])


def test_the_rules_judged_again_take_away_what_no_longer_holds() -> None:
    case = received(text=FLOOD)
    retag(case)
    case.text = "路口的树枯死了"
    retag(case)
    assert held(case) == set()
    assert told(case)[-1] == CaseTagged(added=(), removed=("elderly", "flood_season"), tags=())
    retag(case)
    assert len(told(case)) == 2


def test_what_a_person_took_away_no_rule_sets_again() -> None:
    case = received(text=FLOOD)
    retag(case)
    tagging.remove_by_hand(case, "elderly", DISPATCHER, rules(), now=START)
    retag(case)
    assert held(case) == {"flood_season"}
    tagging.set_by_hand(case, "elderly", DISPATCHER, rules(), note="", now=START)
    assert held(case) == {"flood_season", "elderly"}


def test_what_a_person_set_or_confirmed_no_rule_takes_away() -> None:
    case = received(text=FLOOD)
    retag(case)
    tagging.set_by_hand(case, "elderly", HANDLER, rules(), note="家属代为反映", now=START)
    tagging.set_by_hand(case, "campaign", DISPATCHER, rules(), note="", now=START)
    case.text = "路口的树枯死了"
    retag(case)
    assert held(case) == {"elderly", "campaign"}
    assert [entry.facts.get("confirmed") for entry in case.entries] == [None, ["elderly"], None, None]
    assert [event.added for event in told(case)] == [("elderly", "flood_season"), ("campaign",), ()]


def test_a_note_stays_with_the_tag_and_out_of_log_and_event() -> None:
    case = received()
    tagging.set_by_hand(case, "campaign", DISPATCHER, rules(), note="第三批整治", now=START)
    assert [one.text for one in case.tags["campaign"].reasons] == ["第三批整治"]
    assert "第三批整治" not in str(case.entries[0].facts) + told(case)[0].model_dump_json()


def test_setting_and_taking_away_twice_is_the_same_as_once() -> None:
    case = received()
    for _ in range(2):
        tagging.set_by_hand(case, "campaign", DISPATCHER, rules(), note="", now=START)
    assert len(case.entries) == len(case.news) == 1
    for _ in range(2):
        tagging.remove_by_hand(case, "campaign", DISPATCHER, rules(), now=START)
    assert len(case.entries) == len(case.news) == 2
    assert (held(case), case.tags["campaign"].removed) == (set(), True)


@pytest.mark.parametrize(
    ("code", "by", "refusal"),
    [
        ("no_such_tag", DISPATCHER, TagUnknown),
        ("anonymous", DISPATCHER, TagNotByHand),
        ("overdue", SUPERVISOR, TagNotByHand),
        ("instructed", DISPATCHER, RoleMissing),
        ("special_complainant", DISPATCHER, RoleMissing),
        ("elderly", SUPERVISOR, RoleMissing),
        ("campaign", HANDLER, RoleMissing),
        ("sensitive", MANAGER, TagUnknown),
    ],
)
def test_who_may_set_a_tag_is_said_by_its_row(code: str, by: Any, refusal: type[Exception]) -> None:
    case = received()
    with pytest.raises(refusal):
        tagging.set_by_hand(case, code, by, rules(), note="", now=START)
    assert case.tags == {}


def test_who_may_take_a_tag_away_is_said_by_its_row() -> None:
    case = received(text=FLOOD)
    retag(case)
    with pytest.raises(RoleMissing):
        tagging.remove_by_hand(case, "elderly", MANAGER, rules(), now=START)
    tagging.hear(case, "clock.breached.handle", rules(), now=START)
    with pytest.raises(RoleMissing):
        tagging.remove_by_hand(case, "overdue", DISPATCHER, rules(), now=START)
    tagging.remove_by_hand(case, "overdue", SUPERVISOR, rules(), now=START)
    assert "overdue" not in held(case)


def test_nobody_tags_a_case_about_their_own_unit() -> None:
    case = received(accused_unit_code=UNIT)
    with pytest.raises(Recused):
        tagging.set_by_hand(case, "elderly", HANDLER, rules(), note="", now=START)


def test_a_unit_does_not_learn_of_personal_tags_of_a_confidential_case() -> None:
    case = received(confidential=True)
    with pytest.raises(TagUnknown):
        tagging.set_by_hand(case, "elderly", HANDLER, rules(), note="", now=START)
    tagging.set_by_hand(case, "hazard", HANDLER, rules(), note="", now=START)
    assert held(case) == {"hazard"}


def test_a_clock_sets_near_due_and_then_overdue_whatever_comes_first() -> None:
    case = filed()
    tagging.hear(case, "clock.warned.handle", rules(), now=START)
    assert held(case) == {"near_due"}
    tagging.hear(case, "clock.breached.handle", rules(), now=START)
    assert held(case) == {"overdue"}
    tagging.hear(case, "clock.warned.total", rules(), now=START)
    tagging.hear(case, "clock.breached.contact", rules(), now=START)
    assert held(case) == {"overdue"}


def test_a_return_is_disputed_until_the_case_goes_to_another_unit() -> None:
    case = filed()
    handling.give_back(case, case.orders[0], MANAGER, rules(), reason_code="wrong_duty", legal_basis="权责", now=START)
    follow(case)
    assert held(case) == {"return_disputed"}
    handling.reject_return(case, case.orders[0], DISPATCHER, rules(), note="属你单位", now=START)
    follow(case)
    assert held(case) == {"return_disputed"}
    handling.redispatch(case, case.orders[0], DISPATCHER, rules(), to_unit="PS-S02", own_error=False, now=START)
    follow(case)
    assert held(case) == set()


def test_an_event_sets_again_what_a_person_took_away() -> None:
    case = filed()
    tagging.hear(case, "order.returned", rules(), now=START)
    tagging.remove_by_hand(case, "return_disputed", DISPATCHER, rules(), now=START)
    tagging.hear(case, "order.returned", rules(), now=START)
    assert held(case) == {"return_disputed"}


def test_discontent_leaves_its_tag_and_supervision_another() -> None:
    case = filed()
    case.state, case.orders[0].state = "replied", "reviewed"
    closing.hear_dissatisfied(case, 1, rules(), now=START)
    follow(case)
    tagging.hear(case, "case.supervised", rules(), now=START)
    assert held(case) == {"redone", "supervised"}


def test_near_due_goes_with_the_reply_or_the_end() -> None:
    case = filed()
    tagging.hear(case, "clock.warned.total", rules(), now=START)
    case.state, case.orders[0].state = "replied", "reviewed"
    closing.close_unrated(case, rules(), now=START)
    follow(case)
    assert held(case) == set()


def test_tags_follow_events_once_and_the_chain_of_the_log_holds() -> None:
    case = received(text=FLOOD)
    retag(case, Past(case.category_code, case.channel_code, START - timedelta(days=1)))
    tagging.hear(case, "clock.breached.total", rules(), now=START)
    tagging.remove_by_hand(case, "elderly", DISPATCHER, rules(), now=START)
    assert chain.first_break(case.entries) is None
    assert [news.sequence for news in case.news] == list(range(1, len(case.news) + 1))


def test_a_tag_the_edition_does_not_know_is_left_alone() -> None:
    case = received()
    case.put_tag(Tagging("of_a_later_edition", "rule", "system", START))
    retag(case)
    assert held(case) == {"of_a_later_edition"}
