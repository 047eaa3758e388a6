"""Filing: what is sure goes to its unit, what is not waits, and nothing reaches the accused."""

import pytest

from services.router.domain import filing
from services.router.domain.chain import first_break
from services.router.domain.errors import (
    CaseUnknown,
    NotWaiting,
    Recused,
    RoleMissing,
    TypeNotFileable,
    UnitIsParty,
    UnitUnknown,
)
from services.router.domain.scope import must_see, orders_of
from tests.unit.router.desk import (
    DISPATCHER,
    GARBAGE,
    HANDLER,
    REVIEWER,
    START,
    actor,
    decision,
    filed,
    received,
    rules,
    said,
)


def test_a_sure_case_is_classified_filed_and_dispatched_in_that_order() -> None:
    case = filed()
    assert said(case) == ["case.classified", "case.filed", "order.dispatched"]
    assert [news.sequence for news in case.news] == [1, 2, 3]
    assert case.news[2].units == ("PS-S01",)
    assert (case.state, case.grade, case.edition) == ("handling", "C", "2019")


def test_co_units_get_orders_of_their_own() -> None:
    category = next(one for one in rules().catalogue.categories.values() if one.unit_kind == "gas_supply")
    case = filed(category=category.code)
    assert [(order.role, order.unit_code) for order in case.orders] == [("lead", "PS-E02"), ("co", "PS-D02")]


@pytest.mark.parametrize(
    "unsure", [decision(sure=False), decision(None), decision(type_code="invalid")], ids=["unsure", "none", "invalid"]
)
def test_what_is_not_sure_waits_without_a_category(unsure: filing.Decision) -> None:
    case = received()
    filing.decide(case, unsure, rules(), now=START)
    assert (case.state, case.category_code, said(case)) == ("queued", None, ["case.classified"])


def test_a_case_about_everybody_who_could_act_waits_too() -> None:
    case = received(accused_unit_code="PS-C00", place={"area_code": None})
    filing.decide(case, decision("0101001", area=""), rules(), now=START)
    assert case.state == "queued"
    assert case.reasons[-1].kind == "no_unit_left"


def test_a_dispatcher_decides_what_waits_and_nobody_else() -> None:
    case = received()
    filing.decide(case, decision(sure=False), rules(), now=START)
    for by, error in ((REVIEWER, RoleMissing), (HANDLER, RoleMissing)):
        with pytest.raises(error):
            filing.decide_by_hand(case, decision(), rules(), by=by, now=START)
    filing.decide_by_hand(case, decision(), rules(), by=DISPATCHER, now=START)
    with pytest.raises(NotWaiting):
        filing.decide_by_hand(case, decision(), rules(), by=DISPATCHER, now=START)


def test_a_dispatcher_of_the_accused_unit_steps_aside() -> None:
    case = received(accused_unit_code="PS-S01")
    filing.decide(case, decision(sure=False), rules(), now=START)
    with pytest.raises(Recused):
        filing.decide_by_hand(case, decision(), rules(), by=actor("dispatcher", units=("PS-S01",)), now=START)


@pytest.mark.parametrize(
    ("lead", "co_units", "error"),
    [("PS-S01", (), UnitIsParty), ("PS-D01", ("PS-S01",), UnitIsParty), ("PS-X99", (), UnitUnknown)],
)
def test_a_hand_made_dispatch_goes_to_real_units_and_not_to_the_accused(
    lead: str, co_units: tuple[str, ...], error: type[Exception]
) -> None:
    case = received(accused_unit_code="PS-S01")
    filing.decide(case, decision(sure=False), rules(), now=START)
    before = case.log_seq
    with pytest.raises(error):
        filing.decide_by_hand(case, decision(), rules(), lead=lead, co_units=co_units, by=DISPATCHER, now=START)
    assert (case.log_seq, case.state, case.orders) == (before, "queued", [])


def test_nonsense_is_not_filed_as_nonsense() -> None:
    case = received()
    filing.decide(case, decision(type_code="invalid"), rules(), now=START)
    with pytest.raises(TypeNotFileable):
        filing.decide_by_hand(case, decision(type_code="invalid"), rules(), by=DISPATCHER, now=START)


def test_a_photo_is_demanded_only_where_there_is_a_result_to_see() -> None:
    assert rules().catalogue.category(GARBAGE).standards[0].photo_required
    assert filed(type_code="complaint").photo_required
    assert not filed(type_code="praise").photo_required


def test_every_case_sees_its_holder_and_the_desk_and_no_other_unit() -> None:
    case = filed()
    must_see(HANDLER, case, rules())
    must_see(DISPATCHER, case, rules())
    with pytest.raises(CaseUnknown):
        must_see(actor("handler", units=("PS-S02",)), case, rules())
    assert [order.unit_code for order in orders_of(HANDLER, case)] == ["PS-S01"]


def test_the_log_holds_codes_and_no_words_of_the_citizen() -> None:
    case = filed()
    assert first_break(case.entries) is None
    assert "垃圾堆" not in str([entry.facts for entry in case.entries])
