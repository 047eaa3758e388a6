"""Which standard a request falls under: chosen by hand, told from its words, or the first."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events.router import CaseFiled
from services.router.catalogue import standards
from services.router.catalogue.entries import Category
from services.router.catalogue.reading import load
from services.router.domain import filing
from services.router.domain.cases import Case
from services.router.domain.rules import Rules
from services.router.rulebook import DESK, is_working_day, read_desk
from tests.unit.router.desk import DISPATCHER, decision, received
from tests.unit.router.sample import build

COVER = "0201001"
NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Rules:
    return Rules(load(build(tmp_path_factory.mktemp("sample") / "catalog")), read_desk(DESK), is_working_day)


@pytest.fixture
def cover(rules: Rules) -> Category:
    return rules.catalogue.category(COVER)


@pytest.mark.parametrize(
    ("text", "no"),
    [
        ("路中间的井没盖，差点掉进去", 2),
        ("井的盖子昨晚丢了", 2),
        ("井盖裂开一条大缝", 3),
        ("井盖一过车就哐当响", 1),
        ("请来看看这个井盖", 1),
        ("井盖裂开了，一过车就哐当哐当作响", 1),
        ("井盖破裂，旁边那个没盖", 2),
    ],
)
def test_the_words_tell_the_standard(rules: Rules, cover: Category, text: str, no: int) -> None:
    assert standards.told(cover, "", text, rules.catalogue.classification)[0].no == no


def test_the_reason_names_the_standard_and_the_words_that_told_it(rules: Rules, cover: Category) -> None:
    _, (reason,) = standards.told(cover, "井没盖", "", rules.catalogue.classification)
    assert (reason.kind, reason.text) == ("standard", "盖板丢失：没盖")
    _, (silent,) = standards.told(cover, "", "请来看看", rules.catalogue.classification)
    assert (silent.kind, silent.text) == ("first_standard", "松动作响")


def test_a_category_with_one_standard_needs_no_reason(rules: Rules) -> None:
    standard, reasons = standards.told(
        rules.catalogue.category("0201002"), "", "路上有坑", rules.catalogue.classification
    )
    assert (standard.no, reasons) == (1, ())


def filed(rules: Rules, text: str, **more: Any) -> tuple[Case, CaseFiled]:
    case = received(text=text)
    decided = decision(COVER, sure=not more)
    filing.decide(case, decided, rules, now=NOW)
    if more:
        by_hand = filing.Decision(COVER, "complaint", "440310001", 1.0, "dispatcher", **more)
        filing.decide_by_hand(case, by_hand, rules, by=DISPATCHER, now=NOW)
    event = next(news.event for news in case.news if isinstance(news.event, CaseFiled))
    return case, event


def test_a_case_is_filed_under_the_limit_of_its_standard(rules: Rules) -> None:
    case, event = filed(rules, "路中间的井没盖")
    assert event.standard is not None
    assert (case.standard_no, event.standard.no, event.standard.name) == (2, 2, "盖板丢失")
    assert (event.limit.amount, event.limit.unit) == (2, "urgent_hour")
    assert "standard" in {reason.kind for reason in case.reasons}


def test_the_dispatchers_standard_goes_before_the_words(rules: Rules) -> None:
    case, event = filed(rules, "路中间的井没盖", standard_no=3)
    assert (case.standard_no, event.limit.unit) == (3, "work_hour")
    assert "given_standard" in {reason.kind for reason in case.reasons}


def test_a_standard_that_is_none_changes_nothing(rules: Rules) -> None:
    case = received(text="井盖")
    filing.decide(case, decision(sure=False), rules, now=NOW)
    wrong = filing.Decision(COVER, "complaint", "440310001", 1.0, "dispatcher", standard_no=9)
    with pytest.raises(standards.UnknownStandard):
        filing.decide_by_hand(case, wrong, rules, by=DISPATCHER, now=NOW)
    assert (case.state, case.orders) == ("queued", [])


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("路上的井盖不见了，黑咕隆咚的口子，严重影响走路", "urgent_hour"),
        ("井盖裂了一道缝，还能盖住", "work_hour"),
        ("井盖松动，车一压就哐当哐当响", "work_day"),
    ],
)
def test_a_lid_that_ships_is_missing_cracked_or_rattling(text: str, unit: str) -> None:
    shipped = load()
    standard, _ = standards.told(shipped.category("0201001"), "", text, shipped.classification)
    assert standard.limit.unit == unit


def test_every_further_standard_that_ships_is_told_by_its_own_words() -> None:
    shipped = load()
    lost = [
        (category.code, one.no)
        for category, one in shipped.standards()
        if one.no > 1
        and standards.told(category, "", "，".join(one.keywords).replace("+", ""), shipped.classification)[0] != one
    ]
    assert lost == []
