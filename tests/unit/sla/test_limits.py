"""Which limit a clock gets, by which edition, and that no edition with a hole is loaded."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contracts.events.intake import CaseType
from contracts.events.sla import ClockKind
from services.sla.limits import CATALOG, Edition, Filing, LimitBook, LimitsNotUsable, NoLimitsInForce, shipped_limits
from services.sla.workdays import Limit, Unit

BOOK = shipped_limits()
NOW = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)


def filing(type_code: Any = "complaint", amount: int = 5, unit: Any = "work_day", grade: Any = "B") -> Filing:
    return Filing(NOW, type_code, grade, amount, unit)


@pytest.mark.parametrize(
    ("year", "consultation", "suggestion", "longest"),
    [(2017, 15, 15, 15), (2018, 3, 5, 10), (2019, 1, 3, 7), (2026, 1, 3, 7)],
)
def test_each_round_of_the_reform_has_its_limits(year: int, consultation: int, suggestion: int, longest: int) -> None:
    edition = BOOK.at(datetime(year, 6, 1, tzinfo=UTC))
    found = [
        edition.limit("handle", filing(kind, amount=60)).limit for kind in ("consultation", "suggestion", "complaint")
    ]
    assert found == [Limit(amount, "work_day") for amount in (consultation, suggestion, longest)]


@pytest.mark.parametrize(
    ("amount", "unit", "given_amount", "rule"),
    [
        (5, "work_day", 5, "2019/standard"),
        (7, "work_day", 7, "2019/standard"),
        (10, "work_day", 7, "2019/standard/bounded"),
        (2, "urgent_hour", 2, "2019/standard"),
        (0, "urgent_hour", 1, "2019/standard/bounded"),
        (60, "calendar_day", 7, "2019/standard/bounded"),
    ],
)
def test_a_standard_gives_its_own_limit_within_an_hour_and_seven_working_days(
    amount: int, unit: Unit, given_amount: int, rule: str
) -> None:
    for kind in ("complaint", "help", "report"):
        found = BOOK.at(NOW).limit("total", filing(kind, amount, unit))
        assert (found.limit, found.rule_code) == (Limit(given_amount, unit), rule)


def test_grade_a_is_signed_within_an_hour_and_contacted_within_two() -> None:
    edition = BOOK.at(NOW)
    assert edition.limit("sign", filing(grade="A")).limit == Limit(1, "urgent_hour")
    assert edition.limit("contact", filing(grade="A")).limit == Limit(2, "urgent_hour")
    assert edition.limit("sign", filing(grade="B")).limit == Limit(1, "work_day")


def test_before_filing_there_is_a_limit_to_accept() -> None:
    assert BOOK.at(NOW).limit("accept", None).limit == Limit(1, "work_day")


@given(
    st.sampled_from(get_args(ClockKind)),
    st.sampled_from(get_args(CaseType)),
    st.sampled_from("ABC"),
    st.tuples(st.integers(-5, 100), st.sampled_from(get_args(Unit))),
    st.dates(date(2017, 1, 1), date(2040, 1, 1)),
)
def test_every_clock_of_every_case_has_a_limit_and_a_reason(
    kind: Any, type_code: Any, grade: Any, standard: tuple[int, Unit], day: date
) -> None:
    edition = BOOK.at(datetime(day.year, day.month, day.day, 4, tzinfo=UTC))
    found = edition.limit(kind, Filing(NOW, type_code, grade, *standard))
    assert found.limit.amount >= 1
    assert BOOK.explain(found.rule_code)


def test_an_edition_begins_at_midnight_in_shenzhen() -> None:
    assert BOOK.at(datetime(2018, 12, 31, 15, 59, 59, tzinfo=UTC)).edition == "2018"
    assert BOOK.at(datetime(2018, 12, 31, 16, 0, 0, tzinfo=UTC)).edition == "2019"


def test_a_day_before_all_editions_has_no_limits() -> None:
    with pytest.raises(NoLimitsInForce):
        BOOK.at(datetime(2016, 12, 31, 15, tzinfo=UTC))


def test_a_bounded_limit_says_so() -> None:
    assert BOOK.explain("2019/standard/bounded").endswith("已按上下限调整）")
    assert BOOK.explain("2019/consultation") == "咨询类一个工作日内答复"
    assert BOOK.explain("1999/unheard-of/bounded") == ""


def edited(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((CATALOG / "limits-2019.yaml").read_text("utf-8"))
    return {**raw, **changes}


def without(code: str) -> list[Any]:
    return [rule for rule in edited()["rules"] if rule["code"] != code]


@pytest.mark.parametrize(
    "changes",
    [
        {"rules": without("accept")},
        {"rules": without("suggestion")},
        {"rules": without("sign")},
        {"rules": [*edited()["rules"], edited()["rules"][0]]},
        {"rules": [{**edited()["rules"][0], "limit": {"amount": 0, "unit": "work_day"}}, *edited()["rules"][1:]]},
        {"warnings": [80, 50]},
        {"warnings": [0]},
        {"within": {"work_day": [1, 7]}},
        {"within": {**edited()["within"], "work_day": [7, 1]}},
        {"valid_to": date(2018, 1, 1)},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_an_edition_with_a_hole_or_a_contradiction_is_not_loaded(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "limits-2019.yaml").write_text(yaml.safe_dump(edited(**changes), allow_unicode=True), "utf-8")
    with pytest.raises(LimitsNotUsable, match=r"limits-2019\.yaml"):
        LimitBook.load(tmp_path)


def test_editions_may_not_leave_a_gap_nor_overlap() -> None:
    first = Edition.model_validate(edited(edition="1", valid_from=date(2019, 1, 1), valid_to=date(2019, 6, 30)))
    for begins in (date(2019, 6, 30), date(2019, 7, 2)):
        with pytest.raises(LimitsNotUsable):
            LimitBook([first, Edition.model_validate(edited(edition="2", valid_from=begins))])
    with pytest.raises(LimitsNotUsable):
        LimitBook([])
