"""The validator: every wrong cell is named by file, row and column, whatever the size of the catalogue."""

from pathlib import Path

import pytest

from services.router.catalogue.files import read_folder
from services.router.catalogue.reading import examine, load, load_all
from services.router.catalogue.sheet import CatalogueInvalid, Problem
from tests.unit.router.sample import Rows, build, change, places, put


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sound small catalogue to be spoiled."""
    return build(tmp_path / "catalog")


def check(folder: Path) -> tuple[Problem, ...]:
    return examine(read_folder(folder))[1]


def test_the_sample_is_sound(folder: Path) -> None:
    assert check(folder) == ()


@pytest.mark.parametrize(
    ("file", "line", "column", "value"),
    [
        ("01/categories.csv", 3, "code", "0101001"),
        ("01/categories.csv", 3, "code", "01-1"),
        ("01/categories.csv", 3, "name", "路面垃圾堆积"),
        ("02/categories.csv", 3, "name", "路面垃圾堆积"),
        ("01/categories.csv", 3, "name", ""),
        ("01/categories.csv", 3, "name", "很" * 21),
        ("01/categories.csv", 3, "code", "9999001"),
        ("01/categories.csv", 3, "since", "last year"),
        ("01/categories.csv", 3, "until", "soon"),
        ("01/categories.csv", 5, "covers", ""),
        ("01/categories.csv", 5, "covers", "太短"),
        ("01/categories.csv", 5, "legal_basis", "有\x07怪字符的法律依据"),
        ("01/categories.csv", 5, "legal_basis", "依照有关规定处理"),
        ("01/categories.csv", 5, "legal_basis", "《没有的条例》某事"),
        ("01/categories.csv", 5, "unit_kind", "no_such_kind"),
        ("01/categories.csv", 5, "default_type", "grumble"),
        ("01/categories.csv", 5, "grade", "D"),
        ("01/categories.csv", 5, "grade", "A"),
        ("01/categories.csv", 5, "process", "endless"),
        ("01/categories.csv", 5, "keywords", "垃圾"),
        ("01/categories.csv", 5, "keywords", "垃圾|垃圾|落叶|清扫"),
        ("01/categories.csv", 5, "keywords", "垃圾+|落叶|清扫"),
        ("01/categories.csv", 2, "exclude_words", "垃圾堆"),
        ("02/standards.csv", 2, "category", "0209999"),
        ("02/standards.csv", 3, "no", "one"),
        ("02/standards.csv", 3, "no", "1"),
        ("02/standards.csv", 3, "keywords", ""),
        ("02/standards.csv", 3, "name", "松动作响"),
        ("02/standards.csv", 3, "closing_condition", "结" * 500),
        ("02/standards.csv", 3, "photo_required", "yes"),
        ("02/standards.csv", 3, "limit_amount", "soon"),
        ("02/standards.csv", 3, "limit_amount", "-1"),
        ("02/standards.csv", 3, "limit_amount", "0"),
        ("02/standards.csv", 5, "limit_amount", "8"),
        ("02/standards.csv", 3, "limit_unit", "fortnight"),
        ("laws.csv", 3, "valid_to", "yesterday"),
        ("laws.csv", 3, "valid_to", "2001-01-01"),
        ("01/subclasses.csv", 2, "code", "9901"),
        ("01/subclasses.csv", 3, "code", "0101"),
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
    folder: Path, file: str, line: int, column: str, value: str
) -> None:
    put(folder / file, line, column, value)
    assert (file, line, column) in places(check(folder))


def test_an_empty_second_level_is_named(folder: Path) -> None:
    change(folder / "01/subclasses.csv", lambda rows: rows.append(["0199", "空的中类"]))
    assert places(check(folder)) == {("01/subclasses.csv", 4, "code")}


def test_a_category_without_a_standard_is_named(folder: Path) -> None:
    change(folder / "01/standards.csv", lambda rows: rows.pop(2))
    assert places(check(folder)) == {("01/categories.csv", 3, "code")}


def test_a_hazard_without_an_urgent_limit_is_named(folder: Path) -> None:
    put(folder / "02/standards.csv", 3, "limit_unit", "work_hour")
    assert places(check(folder)) == {("02/categories.csv", 2, "grade")}


def test_a_level_with_more_or_fewer_than_it_must_have_is_named_with_its_edition(folder: Path) -> None:
    put(folder / "02/categories.csv", 3, "since", "2019")
    assert places(check(folder)) == {("editions.yaml", 0, "2017.expected.categories")}


def test_a_unit_kind_without_a_unit_in_one_subdistrict_is_named_for_every_category_of_it(folder: Path) -> None:
    def drop(rows: Rows) -> None:
        rows[:] = [row for row in rows if row[:2] != ["street_order", "440310004"]]

    change(folder / "dispatch.csv", drop)
    problems = check(folder)
    assert places(problems) == {("01/categories.csv", 4, "unit_kind"), ("01/categories.csv", 5, "unit_kind")}
    assert all("440310004" in problem.detail for problem in problems)


def test_a_place_without_a_fallback_unit_is_named(folder: Path) -> None:
    def drop(rows: Rows) -> None:
        rows[:] = [row for row in rows if row[:2] != ["fallback", "440310002"]]

    change(folder / "dispatch.csv", drop)
    assert places(check(folder)) == {("dispatch.csv", 0, "unit_kind")}


def test_units_that_stand_over_each_other_do_not_lead_up_to_the_centre(folder: Path) -> None:
    put(folder / "units.csv", 9, "parent", "PS-D02")
    put(folder / "units.csv", 10, "parent", "PS-D01")
    assert places(check(folder)) == {("units.csv", 9, "parent"), ("units.csv", 10, "parent")}


def test_a_missing_column_or_cell_is_named_by_its_line(folder: Path) -> None:
    change(folder / "classes.csv", lambda rows: rows[2].pop())
    change(folder / "unit_kinds.csv", lambda rows: rows[0].__setitem__(0, "sort"))
    found = places(check(folder))
    assert {("classes.csv", 3, ""), ("unit_kinds.csv", 1, "")} <= found


def test_a_file_in_another_encoding_is_named(folder: Path) -> None:
    text = (folder / "areas.csv").read_text(encoding="utf-8")
    (folder / "areas.csv").write_bytes(text.encode("gb18030"))
    assert ("areas.csv", 0, "") in places(check(folder))


def test_a_table_saved_with_a_byte_order_mark_and_empty_lines_is_read(folder: Path) -> None:
    path = folder / "01/categories.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\n\n"))
    assert check(folder) == ()
    put(path, 5, "grade", "D")
    assert places(check(folder)) == {("01/categories.csv", 5, "grade")}


@pytest.mark.parametrize("name", ["editions", "processes", "orders", "classification"])
def test_a_missing_or_broken_rule_file_is_named(folder: Path, name: str) -> None:
    path = folder / f"{name}.yaml"
    path.write_text("title: [", encoding="utf-8")
    assert (path.name, 0, "") in places(check(folder))
    path.unlink()
    assert (path.name, 0, "") in places(check(folder))


def test_a_missing_table_is_named(folder: Path) -> None:
    (folder / "laws.csv").unlink()
    assert ("laws.csv", 0, "") in places(check(folder))


def test_a_wrong_rule_is_named_by_its_path(folder: Path) -> None:
    path = folder / "classification.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("threshold: 0.6", "threshold: 6"), encoding="utf-8")
    assert places(check(folder)) == {("classification.yaml", 0, "threshold")}


def test_loading_a_wrong_catalogue_raises_with_every_problem_in_both_languages(folder: Path) -> None:
    put(folder / "01/categories.csv", 3, "grade", "D")
    put(folder / "units.csv", 4, "effective_from", "August")
    with pytest.raises(CatalogueInvalid) as caught:
        load(folder)
    assert places(caught.value.problems) == {("01/categories.csv", 3, "grade"), ("units.csv", 4, "effective_from")}
    assert [field.pointer for field in caught.value.fields] == [
        "01/categories.csv/3/grade",
        "units.csv/4/effective_from",
    ]
    assert all(field.zh != field.detail for field in caught.value.fields)


def grow(folder: Path, subclasses: int, categories: int) -> None:
    """Fill the sample up to a district's full size: every further subclass gets its share of further categories."""
    codes: list[str] = []
    made: list[str] = []

    def more_subclasses(rows: Rows) -> None:
        while len(codes) + 3 < subclasses:
            codes.append(f"01{len(codes) + 10:02d}")
            rows.append([codes[-1], f"新增中类{len(codes)}"])

    def more_categories(rows: Rows) -> None:
        model = rows[1]
        while len(made) + 6 < categories:
            number = len(made)
            made.append(f"{codes[number % len(codes)]}{number // len(codes) + 1:03d}")
            keywords = f"新词{number}甲|新词{number}乙|新词{number}丙"
            rows.append([made[-1], f"新增小类{number}", "2019", *model[3:8], keywords, "", *model[10:]])

    change(folder / "01/subclasses.csv", more_subclasses)
    change(folder / "01/categories.csv", more_categories)
    change(folder / "01/standards.csv", lambda rows: rows.extend([code, *rows[1][1:]] for code in made))
    editions = folder / "editions.yaml"
    text = editions.read_text(encoding="utf-8").replace(
        "subclasses: 3, categories: 6", "subclasses: 80, categories: 1007"
    )
    editions.write_text(text, encoding="utf-8")


def test_a_catalogue_of_the_districts_full_size_is_taken(folder: Path) -> None:
    grow(folder, 80, 1007)
    editions = load_all(folder)
    assert [len(one.categories) for one in editions.values()] == [4, 1007]


def test_one_wrong_row_among_a_thousand_is_found(folder: Path) -> None:
    grow(folder, 80, 1007)
    put(folder / "01/standards.csv", 777, "limit_amount", "many")
    assert places(check(folder)) == {("01/standards.csv", 777, "limit_amount")}


def test_units_stored_before_they_could_end_are_read_as_having_no_end(folder: Path) -> None:
    table = folder / "units.csv"
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join(line.rpartition(",")[0] for line in lines), encoding="utf-8")
    assert check(folder) == ()


def test_a_unit_that_ends_before_it_began_and_a_grid_of_no_community_are_found(folder: Path) -> None:
    put(folder / "units.csv", 4, "effective_to", "2018-01-01")
    (folder / "grids.csv").write_text("grid,community,name\n440310001099001,440310001099,某网格\n", encoding="utf-8")
    assert {("units.csv", 4, "effective_to"), ("grids.csv", 2, "community")} <= places(check(folder))
