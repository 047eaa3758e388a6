"""Which rule gives a limit by everything it may depend on, what the law gives, and compression rounds."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.sla import compression
from services.sla.calendars import shipped_calendar
from services.sla.compression import PastCase
from services.sla.legal import legal_clocks
from services.sla.limits import Asked, Edition, FixedLimit, Rule, shipped_limits
from services.sla.past import PastCasesNotUsable, read_past
from services.sla.published_limits import EditionKnown, EditionTooEarly, must_begin_later
from services.sla.workdays import Calendar, Limit

BOOK = shipped_limits()
NOW = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
CALENDAR = Calendar(shipped_calendar())


def ruled(**what: Any) -> Edition:
    """Today's edition with one rule before all others."""
    rule = Rule(code="extra", clocks=("handle",), limit=FixedLimit(amount=9, unit="work_hour"), reason="试算", **what)
    edition = BOOK.at(NOW)
    return edition.model_copy(update={"rules": (rule, *edition.rules)})


FITTING: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("category", {"categories": ("0101",)}, {"category_code": "0101001"}),
    ("category", {"categories": ("0101001/2",)}, {"category_code": "0101001", "standard_no": 2}),
    ("source", {"sources": ("hotline_12345",)}, {"channel_code": "hotline_12345"}),
    ("group", {"groups": ("elderly", "disabled")}, {"groups": ("disabled",)}),
    ("emergency", {"emergency": True}, {"emergency": True}),
    ("grade", {"grades": ("A",)}, {"grade": "A"}),
]


@pytest.mark.parametrize(("name", "rule", "case"), FITTING, ids=[f"{n}-{at}" for at, (n, *_) in enumerate(FITTING)])
def test_a_rule_is_found_by_all_a_limit_may_depend_on_and_passed_over_with_the_reason(
    name: str, rule: dict[str, Any], case: dict[str, Any]
) -> None:
    plain = {"type_code": "complaint", "grade": "B", "category_code": "0202001", "standard_no": 1}
    edition = ruled(**rule)
    given, weighed = edition.work_out(Asked("handle", **(plain | case)))
    assert given.rule_code == "2019/extra"
    assert weighed[-1].against is None
    given, weighed = edition.work_out(Asked("handle", **plain))
    assert given.rule_code == "2019/standard"
    assert [each.against for each in weighed if each.rule_code == "2019/extra"] == [name]


@pytest.mark.parametrize(
    ("clock", "type_code", "standard", "limit", "rule"),
    [
        ("contact", "complaint", (7, "work_day"), Limit(1, "work_hour"), "enterprise-124/contact"),
        ("total", "complaint", (7, "work_day"), Limit(4, "work_day"), "enterprise-124/others"),
        ("total", "complaint", (3, "work_day"), Limit(3, "work_day"), "2019/standard"),
        ("total", "consultation", (7, "work_day"), Limit(1, "work_day"), "2019/consultation"),
        ("handle", "help", (2, "urgent_hour"), Limit(2, "urgent_hour"), "2019/standard"),
    ],
)
def test_an_enterprise_has_one_two_four_wherever_nobody_else_has_less(
    clock: Any, type_code: Any, standard: tuple[int, Any], limit: Limit, rule: str
) -> None:
    found, _ = BOOK.at(NOW).work_out(Asked(clock, type_code, "B", *standard, groups=("business",)))
    assert (found.limit, found.rule_code) == (limit, rule)
    assert BOOK.explain(rule)


def test_the_petition_regulations_clocks_are_in_force_since_may_2022() -> None:
    assert {each.code: (each.amount, each.unit, each.extension) for each in legal_clocks()} == {
        "petition-inform": (15, "calendar_day", None),
        "petition-object": (5, "work_day", None),
        "petition-close": (60, "calendar_day", 30),
        "petition-review-ask": (30, "calendar_day", None),
        "petition-review": (30, "calendar_day", None),
        "petition-second-review-ask": (30, "calendar_day", None),
        "petition-second-review": (30, "calendar_day", None),
    }
    before, since = (BOOK.at(datetime(2022, *day, 4, tzinfo=UTC)) for day in ((4, 30), (5, 1)))
    assert "xinfang-2022" not in {each.overlay for each in before.overlays}
    assert "xinfang-2022" in {each.overlay for each in since.overlays}


def past(hours: int, *, late: bool | None = None, category: str = "0101001") -> PastCase:
    start = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
    return PastCase("complaint", category, start, CALENDAR.add_working_seconds(start, hours * 3600), late)


def test_a_round_is_proposed_from_what_was_used_and_says_what_it_would_do() -> None:
    cases = [past(hours) for hours in range(1, 41)] + [past(3, category="0202002")]
    rules = compression.shipped_rules()
    big, small = compression.propose(cases, BOOK.at(NOW), CALENDAR, rules)
    assert (big.category_code, big.cases, big.average, big.p50, big.p90) == ("0101001", 40, 20.5, 20.0, 36.0)
    assert (big.now, big.proposed) == (Limit(7, "work_day"), Limit(5, "work_day"))
    assert big.would_be_late == 0  # whole days, from the next one on
    assert (small.category_code, small.proposed) == ("", None)
    average = compression.propose(cases, BOOK.at(NOW), CALENDAR, rules, "average")[0]
    assert (average.proposed, average.would_be_late) == (Limit(3, "work_day"), 9 / 40)


def test_the_edition_that_follows_judges_later_cases_and_is_simulated_on_the_old_ones() -> None:
    cases = [past(hours) for hours in range(1, 41)]
    base, rules = BOOK.at(NOW), compression.shipped_rules()
    found = compression.propose(cases, base, CALENDAR, rules, "average")
    made = compression.edition_of(
        found, base, code="2027", name="2027年办理时限", valid_from=date(2027, 1, 1), basis="average"
    )
    book = must_begin_later(made, BOOK, NOW)
    asked = Asked("total", "complaint", "B", 7, "work_day", "0101001")
    assert book.at(datetime(2026, 12, 31, 15, tzinfo=UTC)).work_out(asked)[0].limit == Limit(7, "work_day")
    assert book.at(datetime(2026, 12, 31, 16, tzinfo=UTC)).work_out(asked)[0].limit == Limit(3, "work_day")
    urgent = asked._replace(amount=2, unit="urgent_hour")
    assert made.work_out(urgent)[0].limit == Limit(2, "urgent_hour")
    [outcome] = compression.simulate(cases, base, made, CALENDAR)
    assert (outcome.cases, outcome.late_before, outcome.late_after, outcome.shorter) == (40, 0, 9, 40)
    with pytest.raises(EditionKnown):
        must_begin_later(made, book, NOW)
    with pytest.raises(EditionTooEarly):
        must_begin_later(made.model_copy(update={"edition": "2026", "valid_from": date(2026, 9, 28)}), BOOK, NOW)


def test_past_cases_are_read_from_a_file_and_wrong_rows_are_named(tmp_path: Any) -> None:
    file = tmp_path / "past.csv"
    file.write_text(
        "type_code,category_code,started_at,finished_at,late\ncomplaint,0101001,2026-03-02 09:00:00,2026-03-03T02:00:00Z,0\n"
        "consultation,0101001,,,1\n",
        "utf-8",
    )
    first, second = read_past(file)
    assert compression.used_hours(first, CALENDAR) == 9
    assert (second.late, compression.used_hours(second, CALENDAR)) == (True, None)
    file.write_text(
        "type_code,category_code,started_at,finished_at\nwish,01,,\nhelp,01,2026-03-02,2026-03-01\n", "utf-8"
    )
    with pytest.raises(PastCasesNotUsable) as refused:
        read_past(file)
    assert [fault.pointer for fault in refused.value.fields] == ["/rows/0", "/rows/1"]
