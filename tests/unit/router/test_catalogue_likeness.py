"""What is too alike, what cannot be found, and which laws have expired."""

from datetime import date
from pathlib import Path

import pytest

from services.router.catalogue.examination import examine_fully
from services.router.catalogue.files import read_folder
from services.router.catalogue.likeness import bare
from services.router.catalogue.sheet import Problem
from tests.unit.router.sample import build, change, places, put

TODAY = date(2026, 9, 14)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return build(tmp_path / "catalog")


def faults(folder: Path) -> tuple[Problem, ...]:
    return tuple(one for one in examine_fully(read_folder(folder), TODAY)[1] if one.level == "fault")


def warnings(folder: Path) -> list[Problem]:
    return [one for one in examine_fully(read_folder(folder), TODAY)[1] if one.level == "warning"]


def test_the_sample_has_no_fault(folder: Path) -> None:
    assert faults(folder) == ()


def test_a_name_bare_of_what_says_nothing() -> None:
    assert bare("道路（人行道）的破损、及修补") == "道路人行道破损修补"


@pytest.mark.parametrize("name", ["路面与垃圾堆积", "路面垃圾、堆积", "垃圾堆积路面", "路面的垃圾堆积"])
def test_a_name_that_says_the_same_in_other_signs_or_order_is_a_fault(folder: Path, name: str) -> None:
    put(folder / "01/categories.csv", 3, "name", name)
    assert ("01/categories.csv", 3, "name") in places(faults(folder))


def test_two_names_that_are_nearly_one_are_a_fault_until_somebody_says_why_they_are_two(folder: Path) -> None:
    put(folder / "01/categories.csv", 3, "name", "路面垃圾的堆积物")
    assert places(faults(folder)) == {("01/categories.csv", 3, "name")}
    (folder / "looked_at.csv").write_text("code_a,code_b,why\n0101002,0101001,一为容器一为地面\n", "utf-8")
    assert faults(folder) == ()


def test_a_name_inside_another_one_is_looked_at(folder: Path) -> None:
    put(folder / "02/categories.csv", 2, "name", "机动车道路面坑洼处的井盖")
    assert places(faults(folder)) == {("02/categories.csv", 3, "name")}


def test_categories_that_cover_the_same_in_the_same_words_are_looked_at(folder: Path) -> None:
    put(folder / "01/categories.csv", 3, "covers", "道路、街巷、绿地边成堆的垃圾无人清运处理")
    assert places(faults(folder)) == {("01/categories.csv", 3, "name")}


def test_a_pair_that_is_no_longer_alike_is_told_as_a_warning(folder: Path) -> None:
    (folder / "looked_at.csv").write_text("code_a,code_b,why\n0101001,0201001,毫不相干\n", "utf-8")
    assert ("looked_at.csv", 2, "code_b") in places(tuple(warnings(folder)))


def test_a_pair_that_does_not_exist_is_a_fault(folder: Path) -> None:
    (folder / "looked_at.csv").write_text("code_a,code_b,why\n0101001,0299999,没有这一项\n", "utf-8")
    assert places(faults(folder)) == {("looked_at.csv", 2, "code_b")}


def test_a_category_its_own_words_do_not_lead_to_is_named(folder: Path) -> None:
    def bury(rows: list[list[str]]) -> None:
        rows[2][8], rows[2][9] = "外溢|桶满|装满", "外|溢|桶|满|装"

    change(folder / "01/categories.csv", bury)
    assert ("01/categories.csv", 3, "keywords") in places(faults(folder))


def test_an_expired_basis_is_a_warning_that_names_what_came_in_its_place(folder: Path) -> None:
    expired = [one for one in warnings(folder) if one.column == "legal_basis"]
    assert [(one.file, one.row) for one in expired] == [("01/categories.csv", 4)]
    assert "replaced by 市容管理条例" in expired[0].detail
    assert "2020-01-01" in expired[0].zh


def test_a_law_that_is_not_in_force_yet_and_one_nobody_cites_are_warnings(folder: Path) -> None:
    laws = folder / "laws.csv"
    laws.write_text(laws.read_text("utf-8").replace("1996-10-01", "2030-01-01") + "某新条例,,,,,\n", "utf-8")
    found = places(tuple(warnings(folder)))
    assert {("02/categories.csv", 2, "legal_basis"), ("laws.csv", 5, "name")} <= found


def test_two_rows_of_a_law_with_other_dates_are_a_warning(folder: Path) -> None:
    (folder / "01/laws.csv").write_text(
        "name,issuer,valid_from,valid_to,replaced_by,note\n市容管理条例,,2001-01-01,,,\n", "utf-8"
    )
    assert len([one for one in warnings(folder) if one.column == "valid_from"]) == 1
