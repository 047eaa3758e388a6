"""The rules of oversight are data, and data with a hole is not loaded."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.sla.limits import CATALOG
from services.sla.oversight.rules import Oversight, OversightBook, OversightRulesNotUsable, shipped_oversight
from services.sla.workdays import Limit

NOW = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
RULES = shipped_oversight().at(NOW)


def edited(**changes: Any) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((CATALOG / "oversight-1.yaml").read_text("utf-8"))
    return {**raw, **changes}


def rung(**changes: Any) -> dict[str, Any]:
    return {**edited()["ladder"][0], **changes}


LEVELS = edited()["supervision"]["levels"]


@pytest.mark.parametrize(
    "changes",
    [
        {"ladder": [rung(), rung()]},
        {"ladder": [rung(rung=50)]},
        {"ladder": [rung(after={"amount": 1, "unit": "work_day"})]},
        {"ladder": [{key: value for key, value in rung().items() if key != "before"}]},
        {"ladder": [rung(clocks=["review"])]},
        {"supervision": {**edited()["supervision"], "levels": {"order": LEVELS["order"]}}},
        {
            "supervision": {
                **edited()["supervision"],
                "levels": {**LEVELS, "account": {**LEVELS["account"], "next": "order"}},
            }
        },
        {"extension": {**edited()["extension"], "steps": []}},
        {"suspension": {**edited()["suspension"], "longest_days": 400}},
        {"appeal": {**edited()["appeal"], "reviews": [["supervisor"]]}},
        {"unheard_of": 1},
    ],
    ids=str,
)
def test_rules_with_a_hole_or_a_contradiction_are_not_loaded(changes: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "oversight-1.yaml").write_text(yaml.safe_dump(edited(**changes), allow_unicode=True), "utf-8")
    with pytest.raises(OversightRulesNotUsable, match=r"oversight-1\.yaml"):
        OversightBook.load(tmp_path)


def test_editions_follow_each_other_without_a_gap_and_a_number_means_one_rung() -> None:
    first = Oversight.model_validate(edited(valid_to=date(2026, 12, 31)))
    later = edited(edition="2", valid_from=date(2027, 1, 1), ladder=[rung(code="renamed")])
    with pytest.raises(OversightRulesNotUsable, match="101"):
        OversightBook([first, Oversight.model_validate(later)])
    with pytest.raises(OversightRulesNotUsable, match="day after"):
        OversightBook([first, Oversight.model_validate(edited(edition="2", valid_from=date(2027, 1, 2)))])
    with pytest.raises(OversightRulesNotUsable):
        OversightBook([])
    book = OversightBook([first, Oversight.model_validate(edited(edition="2", valid_from=date(2027, 1, 1)))])
    assert [book.at(at).edition for at in (NOW, datetime(2026, 12, 31, 16, tzinfo=UTC))] == ["1", "2"]


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        ((1, "work_day"), ["red", "order-overdue"]),
        ((3, "work_day"), ["urge-2-days", "yellow", "red", "order-overdue"]),
        ((7, "work_day"), ["urge-3-days", "yellow", "red", "order-overdue"]),
        ((15, "work_day"), ["urge-5-days", "yellow", "red", "order-overdue"]),
        ((2, "urgent_hour"), ["red", "order-overdue"]),
    ],
)
def test_the_rungs_suit_the_length_of_the_limit(limit: tuple[int, Any], codes: list[str]) -> None:
    assert [each.code for each in RULES.rungs("handle", *limit)] == codes
    assert RULES.rungs("review", *limit) == ()


def test_urgent_limits_run_without_a_break() -> None:
    assert RULES.urgent(Limit(2, "work_day")) == Limit(16, "urgent_hour")
    assert RULES.urgent(Limit(2, "urgent_hour")) == Limit(2, "urgent_hour")
