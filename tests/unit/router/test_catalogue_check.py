"""The validator: every wrong cell is named by file, row and column, whatever the size of the catalogue."""

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.router.catalogue import SHIPPED, CatalogueInvalid, check, load
from services.router.catalogue_sheet import Problem

type Rows = list[list[str]]


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    """A copy of the shipped edition to be spoiled."""
    return Path(shutil.copytree(SHIPPED / "2019", tmp_path / "edition"))


def change(path: Path, edit: Callable[[Rows], None]) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    edit(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def put(path: Path, line: int, column: str, value: str) -> None:
    """`line` counts from 1, which is the header."""

    def edit(rows: Rows) -> None:
        rows[line - 1][rows[0].index(column)] = value

    change(path, edit)


def places(problems: tuple[Problem, ...]) -> set[tuple[str, int, str]]:
    return {(problem.file, problem.row, problem.column) for problem in problems}


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("categories.csv", 3, "code", "0101001"),
        ("categories.csv", 3, "code", "01-1"),
        ("categories.csv", 3, "name", "暴露垃圾与道路保洁"),
        ("categories.csv", 3, "name", ""),
        ("categories.csv", 3, "name", "很" * 21),
        ("categories.csv", 3, "code", "9999001"),
        ("categories.csv", 5, "covers", ""),
        ("categories.csv", 5, "covers", "太短"),
        ("categories.csv", 5, "closing_condition", "结" * 500),
        ("categories.csv", 5, "legal_basis", "有\x07怪字符的法律依据"),
        ("categories.csv", 6, "unit_kind", "no_such_kind"),
        ("categories.csv", 6, "default_type", "grumble"),
        ("categories.csv", 6, "grade", "D"),
        ("categories.csv", 6, "process", "endless"),
        ("categories.csv", 6, "photo_required", "yes"),
        ("categories.csv", 6, "limit_amount", "soon"),
        ("categories.csv", 6, "limit_amount", "-1"),
        ("categories.csv", 6, "limit_amount", "0"),
        ("categories.csv", 6, "limit_amount", "8"),
        ("categories.csv", 6, "limit_unit", "fortnight"),
        ("categories.csv", 6, "keywords", "垃圾"),
        ("categories.csv", 6, "keywords", "垃圾|垃圾|落叶|清扫"),
        ("categories.csv", 6, "keywords", "垃圾+|落叶|清扫"),
        ("subclasses.csv", 2, "code", "9901"),
        ("subclasses.csv", 3, "code", "0101"),
        ("classes.csv", 3, "name", "市容环卫"),
        ("areas.csv", 9, "parent", "440310999"),
        ("areas.csv", 9, "aliases", "马峦"),
        ("units.csv", 4, "parent", "PS-X99"),
        ("units.csv", 4, "kinds", "no_such_kind"),
        ("units.csv", 4, "area", "440310999"),
        ("units.csv", 4, "effective_from", "August"),
        ("dispatch.csv", 9, "lead", "PS-X99"),
        ("dispatch.csv", 9, "lead", "PS-D01"),
        ("dispatch.csv", 9, "co_units", "PS-X99"),
        ("dispatch.csv", 9, "area", "440310999"),
        ("dispatch.csv", 9, "unit_kind", "no_such_kind"),
    ],
)
def test_a_wrong_cell_is_named_by_file_row_and_column(
    edition: Path, file: str, line: int, column: str, value: str
) -> None:
    put(edition / file, line, column, value)
    assert (file, line, column) in places(check(edition))


def test_an_empty_second_level_is_named(edition: Path) -> None:
    change(edition / "subclasses.csv", lambda rows: rows.append(["0199", "空的中类"]))
    last = len((edition / "subclasses.csv").read_text(encoding="utf-8").splitlines())
    assert places(check(edition)) == {("subclasses.csv", last, "code")}


def test_a_hazard_with_a_slow_limit_is_named(edition: Path) -> None:
    put(edition / "categories.csv", 2, "grade", "A")
    assert places(check(edition)) == {("categories.csv", 2, "limit_unit")}


def test_a_unit_kind_without_a_unit_in_one_subdistrict_is_named_for_every_category_of_it(edition: Path) -> None:
    def drop(rows: Rows) -> None:
        rows[:] = [row for row in rows if row[:2] != ["street_order", "440310004"]]

    change(edition / "dispatch.csv", drop)
    problems = check(edition)
    assert {problem.column for problem in problems} == {"unit_kind"}
    assert all("440310004" in problem.detail for problem in problems)
    assert len(problems) == sum(c.unit_kind == "street_order" for c in load(SHIPPED / "2019").categories.values())


def test_a_place_without_a_fallback_unit_is_named(edition: Path) -> None:
    def drop(rows: Rows) -> None:
        rows[:] = [row for row in rows if row[:2] != ["fallback", "440310002"]]

    change(edition / "dispatch.csv", drop)
    assert places(check(edition)) == {("dispatch.csv", 0, "unit_kind")}


def test_units_that_stand_over_each_other_do_not_lead_up_to_the_centre(edition: Path) -> None:
    put(edition / "units.csv", 9, "parent", "PS-D02")
    put(edition / "units.csv", 10, "parent", "PS-D01")
    assert places(check(edition)) == {("units.csv", 9, "parent"), ("units.csv", 10, "parent")}


def test_a_missing_column_or_cell_is_named_by_its_line(edition: Path) -> None:
    change(edition / "classes.csv", lambda rows: rows[3].pop())
    change(edition / "unit_kinds.csv", lambda rows: rows[0].__setitem__(0, "sort"))
    found = places(check(edition))
    assert {("classes.csv", 4, ""), ("unit_kinds.csv", 1, "")} <= found


def test_a_file_in_another_encoding_is_named(edition: Path) -> None:
    text = (edition / "areas.csv").read_text(encoding="utf-8")
    (edition / "areas.csv").write_bytes(text.encode("gb18030"))
    assert ("areas.csv", 0, "") in places(check(edition))


def test_a_table_saved_with_a_byte_order_mark_is_read(edition: Path) -> None:
    path = edition / "categories.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert check(edition) == ()


@pytest.mark.parametrize("name", ["edition", "processes", "orders", "classification"])
def test_a_missing_or_broken_rule_file_is_named(edition: Path, name: str) -> None:
    path = edition / f"{name}.yaml"
    path.write_text("title: [", encoding="utf-8")
    assert (path.name, 0, "") in places(check(edition))
    path.unlink()
    assert (path.name, 0, "") in places(check(edition))


def test_a_wrong_rule_is_named_by_its_path(edition: Path) -> None:
    path = edition / "classification.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("threshold: 0.6", "threshold: 6"), encoding="utf-8")
    assert places(check(edition)) == {("classification.yaml", 0, "threshold")}


def test_loading_a_wrong_edition_raises_with_every_problem_in_both_languages(edition: Path) -> None:
    put(edition / "categories.csv", 3, "grade", "D")
    put(edition / "units.csv", 4, "effective_from", "August")
    with pytest.raises(CatalogueInvalid) as caught:
        load(edition)
    assert places(caught.value.problems) == {("categories.csv", 3, "grade"), ("units.csv", 4, "effective_from")}
    assert [field.pointer for field in caught.value.fields] == ["categories.csv/3/grade", "units.csv/4/effective_from"]
    assert all(field.zh != field.detail for field in caught.value.fields)


def grow(edition: Path, subclasses: int, categories: int) -> None:
    """Fill the copy up to the district's full size: every further subclass gets its share of further categories."""
    codes: list[str] = []

    def more_subclasses(rows: Rows) -> None:
        while len(rows) - 1 < subclasses:
            codes.append(f"{len(codes) % 17 + 1:02d}{20 + len(codes) // 17:02d}")
            rows.append([codes[-1], f"新增中类{len(codes)}"])

    def more_categories(rows: Rows) -> None:
        model = rows[1]
        number = 0
        while len(rows) - 1 < categories:
            code = f"{codes[number % len(codes)]}{number // len(codes) + 1:03d}"
            keywords = f"新词{number}甲|新词{number}乙|新词{number}丙"
            rows.append([code, f"新增小类{number}", *model[2:6], keywords, "", *model[8:]])
            number += 1

    change(edition / "subclasses.csv", more_subclasses)
    change(edition / "categories.csv", more_categories)


def test_a_catalogue_of_the_districts_full_size_is_taken(edition: Path) -> None:
    grow(edition, 189, 1007)
    catalogue = load(edition)
    assert (len(catalogue.classes), len(catalogue.subclasses), len(catalogue.categories)) == (17, 189, 1007)
    assert len(catalogue.as_rows()) == 1007


def test_one_wrong_row_among_a_thousand_is_found(edition: Path) -> None:
    grow(edition, 189, 1007)
    put(edition / "categories.csv", 777, "limit_amount", "many")
    assert places(check(edition)) == {("categories.csv", 777, "limit_amount")}
