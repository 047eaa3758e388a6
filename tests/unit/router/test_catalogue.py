"""The shipped edition, whole: what is in it and how it is looked up."""

from collections import Counter
from datetime import date

import pytest

from services.router.catalogue import (
    SHIPPED,
    Catalogue,
    NoEditionInForce,
    UnknownCategory,
    check,
    edition_in_force,
    load,
)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load(SHIPPED / "2019")


def test_the_shipped_edition_has_no_wrong_row() -> None:
    assert check(SHIPPED / "2019") == ()


def test_it_has_the_districts_seventeen_classes_and_at_least_seventy_categories(catalogue: Catalogue) -> None:
    assert [main.name for main in catalogue.classes.values()] == [
        "市容环卫",
        "市政设施",
        "环保水务",
        "交通运输",
        "安全隐患",
        "教育卫生",
        "规土城建",
        "社区管理",
        "文体旅游",
        "食药市监",
        "劳动社保",
        "民政服务",
        "治安维稳",
        "组织人事",
        "党纪政纪",
        "党建群团",
        "统一战线",
    ]
    assert len(catalogue.categories) >= 70


def test_every_class_has_two_categories_or_more(catalogue: Catalogue) -> None:
    per_class = Counter(category.class_code for category in catalogue.categories.values())
    assert min(per_class[code] for code in catalogue.classes) >= 2


def test_every_hazard_is_limited_in_urgent_hours(catalogue: Catalogue) -> None:
    hazards = [category for category in catalogue.categories.values() if category.grade == "A"]
    assert {"道路塌陷", "燃气泄漏", "井盖缺失破损", "电线断落漏电"} <= {category.name for category in hazards}
    assert {category.limit.unit for category in hazards} == {"urgent_hour"}


def test_complaint_limits_run_from_one_hour_to_seven_working_days(catalogue: Catalogue) -> None:
    by_length = sorted((category.limit for category in catalogue.categories.values()), key=lambda lim: lim.rough_hours)
    assert (str(by_length[0]), str(by_length[-1])) == ("1 urgent_hour", "7 work_day")


def test_no_two_categories_share_a_text(catalogue: Catalogue) -> None:
    texts = [text for c in catalogue.categories.values() for text in (c.covers, c.excludes, *c.examples)]
    assert len(texts) == len(set(texts))


def test_a_category_is_found_by_its_code_with_the_names_above_it(catalogue: Catalogue) -> None:
    assert catalogue.category("0501001").name == "道路塌陷"
    assert catalogue.path("0501001") == ("安全隐患", "道路交通安全", "道路塌陷")


def test_an_unknown_code_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownCategory):
        catalogue.category("9999999")
    with pytest.raises(UnknownCategory):
        catalogue.children("99")


def test_children_lead_from_the_classes_down_to_the_categories(catalogue: Catalogue) -> None:
    assert len(catalogue.children()) == 17
    assert [child.code for child in catalogue.children("03")] == ["0301", "0302", "0303", "0304"]
    assert [child.code for child in catalogue.children("0304")] == ["0304001"]
    assert catalogue.children("0304001") == ()


def test_rows_are_flat_and_name_their_edition(catalogue: Catalogue) -> None:
    rows = catalogue.as_rows()
    assert len(rows) == len(catalogue.categories)
    assert rows[0]["edition"] == "2019"
    assert rows[0]["class_name"] == "市容环卫"
    assert all(not isinstance(value, tuple) for row in rows for value in row.values())


def test_the_edition_in_force_is_the_one_begun_on_that_day() -> None:
    assert edition_in_force(date(2019, 8, 1)).name == "2019"
    assert edition_in_force(date(2026, 11, 24)).name == "2019"


def test_before_the_first_edition_none_is_in_force() -> None:
    with pytest.raises(NoEditionInForce):
        edition_in_force(date(2019, 7, 31))


def test_the_district_has_one_centre_six_subdistricts_and_twenty_four_communities(catalogue: Catalogue) -> None:
    levels = Counter(unit.level for unit in catalogue.units)
    assert (levels["district_centre"], levels["subdistrict"]) == (1, 6)
    assert Counter(area.level for area in catalogue.places) == {"subdistrict": 6, "community": 24}
