"""The catalogue, whole: its editions, what is in them and how it is looked up."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from services.router.catalogue import reading
from services.router.catalogue.examination import examine_fully
from services.router.catalogue.files import read_folder
from services.router.catalogue.reading import NoEditionInForce, load, load_all
from services.router.catalogue.whole import Catalogue, UnknownCategory
from tests.unit.router.sample import build


@pytest.fixture(scope="module")
def shipped() -> Mapping[str, Catalogue]:
    return load_all()


@pytest.fixture(scope="module")
def catalogue(shipped: Mapping[str, Catalogue]) -> Catalogue:
    return shipped["2019"]


def test_the_shipped_tables_have_no_wrong_row() -> None:
    _, problems = reading.examine(read_folder(reading.SHIPPED))
    assert [str(problem) for problem in problems if problem.level == "fault"] == []


def test_it_has_the_districts_seventeen_classes(catalogue: Catalogue) -> None:
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


def test_the_older_edition_is_a_part_of_the_newer(shipped: Mapping[str, Catalogue]) -> None:
    older, newer = shipped["2017"], shipped["2019"]
    assert set(older.categories) <= set(newer.categories)
    assert set(older.subclasses) == set(newer.subclasses)


def test_every_hazard_has_an_urgent_standard(catalogue: Catalogue) -> None:
    hazards = [category for category in catalogue.categories.values() if category.grade == "A"]
    assert {"道路塌陷", "燃气泄漏", "井盖缺失破损", "电线断落漏电"} <= {category.name for category in hazards}
    assert all(any(one.limit.unit == "urgent_hour" for one in category.standards) for category in hazards)


def test_complaint_limits_run_from_one_hour_to_seven_working_days(catalogue: Catalogue) -> None:
    by_length = sorted((one.limit for _, one in catalogue.standards()), key=lambda limit: limit.rough_hours)
    assert (str(by_length[0]), by_length[-1].rough_hours) == ("1 urgent_hour", 7 * 24)


def test_no_two_categories_share_a_text(catalogue: Catalogue) -> None:
    texts = [text for c in catalogue.categories.values() for text in (c.covers, c.excludes, *c.examples)]
    assert [text for text, times in Counter(texts).items() if times > 1] == []


def test_it_has_the_size_the_district_gave_it(shipped: Mapping[str, Catalogue]) -> None:
    sizes = {name: (len(c.classes), len(c.subclasses), len(c.categories)) for name, c in shipped.items()}
    assert sizes == {"2017": (17, 189, 512), "2019": (17, 189, 1007)}


def test_many_categories_have_several_standards(catalogue: Catalogue) -> None:
    assert sum(len(category.standards) > 1 for category in catalogue.categories.values()) >= 150


def test_nothing_in_it_is_too_alike_or_out_of_reach() -> None:
    _, problems = examine_fully(read_folder(reading.SHIPPED), date(2026, 11, 24))
    assert [str(problem) for problem in problems if problem.level == "fault"] == []


def test_a_lid_is_known_by_its_national_code_and_by_ours(catalogue: Catalogue) -> None:
    (found,) = catalogue.code_maps.meaning("part.0103", "GB/T 30428.2")
    assert (catalogue.category(found.category).name, found.name) == ("雨污水井盖", "雨水井盖")
    assert [one.category for one in catalogue.code_maps.meaning("0205001", "Open311")] == ["0205001"]
    assert {one.table for one in catalogue.code_maps.of("0205001")} == {"GB/T 30428.2", "Open311"}
    assert catalogue.code_maps.meaning("part.9999") == ()


def test_a_category_is_found_by_its_code_with_the_names_above_it(catalogue: Catalogue) -> None:
    assert catalogue.category("0501001").name == "道路塌陷"
    assert catalogue.path("0501001") == ("安全隐患", "道路交通安全", "道路塌陷")


def test_an_unknown_code_is_not_found(catalogue: Catalogue) -> None:
    with pytest.raises(UnknownCategory):
        catalogue.category("9999999")
    with pytest.raises(UnknownCategory):
        catalogue.children("99")


def test_the_district_has_one_centre_six_subdistricts_and_twenty_four_communities(catalogue: Catalogue) -> None:
    levels = Counter(unit.level for unit in catalogue.units)
    assert (levels["district_centre"], levels["subdistrict"]) == (1, 6)
    assert Counter(area.level for area in catalogue.places) == {"subdistrict": 6, "community": 24}


@pytest.fixture
def small(tmp_path: Path) -> Mapping[str, Catalogue]:
    return load_all(build(tmp_path / "catalog"))


def test_an_edition_holds_what_came_by_its_year(small: Mapping[str, Catalogue]) -> None:
    assert list(small["2017"].categories) == ["0101001", "0102001", "0201001", "0201002"]
    assert len(small["2019"].categories) == 6


def test_a_row_that_has_left_is_in_the_older_edition_only(tmp_path: Path) -> None:
    folder = build(tmp_path / "catalog")
    path = folder / "02/categories.csv"
    path.write_text(path.read_text("utf-8").replace("0201002,路面坑洼,2017,,", "0201002,路面坑洼,2017,2019,"), "utf-8")
    editions = folder / "editions.yaml"
    editions.write_text(editions.read_text("utf-8").replace("categories: 6", "categories: 5"), "utf-8")
    found = load_all(folder)
    assert "0201002" in found["2017"].categories
    assert "0201002" not in found["2019"].categories


def test_the_edition_in_force_is_the_one_begun_on_that_day(small: Mapping[str, Catalogue]) -> None:
    editions = [one.edition for one in small.values()]
    for day, year in ((date(2017, 4, 1), "2017"), (date(2019, 7, 31), "2017"), (date(2019, 8, 1), "2019")):
        assert reading.in_force(editions, day).id == year
    with pytest.raises(NoEditionInForce):
        reading.in_force(editions, date(2017, 3, 31))


def test_children_lead_from_the_classes_down_to_the_categories(small: Mapping[str, Catalogue]) -> None:
    newest = small["2019"]
    assert [child.code for child in newest.children()] == ["01", "02"]
    assert [child.code for child in newest.children("01")] == ["0101", "0102"]
    assert [child.code for child in newest.children("0201")] == ["0201001", "0201002"]
    assert newest.children("0201001") == ()


def test_a_category_has_its_standards_in_their_order(small: Mapping[str, Catalogue]) -> None:
    cover = small["2019"].category("0201001")
    assert [(one.no, str(one.limit)) for one in cover.standards] == [
        (1, "2 work_day"),
        (2, "2 urgent_hour"),
        (3, "4 work_hour"),
    ]
    assert cover.standard(None) is cover.standards[0]
    assert cover.standard(9) is None


def test_a_legal_basis_names_law_and_theme_and_says_when_the_law_has_expired(small: Mapping[str, Catalogue]) -> None:
    cited = small["2019"].cited("0102001", date(2026, 9, 14))
    assert [(one.law.name, one.theme, one.expired) for one in cited] == [
        ("市容管理条例", "临街摆卖", False),
        ("旧市容办法", "摊点管理", True),
    ]
    assert cited[1].law.replaced_by == "市容管理条例"


def test_an_edition_out_of_use_is_judged_by_the_laws_of_its_last_day(small: Mapping[str, Catalogue]) -> None:
    cited = small["2017"].cited("0102001", date(2026, 9, 14))
    assert [one.expired for one in cited] == [False, False]


def test_the_newest_edition_is_read_where_none_is_named(tmp_path: Path) -> None:
    assert load(build(tmp_path / "catalog")).edition.id == "2019"
