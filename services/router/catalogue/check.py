"""Owns what must hold between the rows of the tables and in each edition, for it to be used at all."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.router.catalogue.codemaps import OutsideCode
from services.router.catalogue.editions import Edition
from services.router.catalogue.entries import Category, Law, MainClass, Standard, Subclass, UnitKind
from services.router.catalogue.responsible import check_grids, check_units
from services.router.catalogue.rules import Processes
from services.router.catalogue.sheet import Report, Row
from services.router.catalogue.uniqueness import Rows, unique
from services.router.units import Area, DispatchRow, DispatchTable, Grid, Unit

MIN_KEYWORDS = 3
MAX_WORD = 12


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything read from the tables, each value with the line it came from."""

    classes: Rows[MainClass]
    subclasses: Rows[Subclass]
    categories: Rows[Category]
    standards: Rows[tuple[str, Standard]]
    laws: Rows[Law]
    unit_kinds: Rows[UnitKind]
    areas: Rows[Area]
    grids: Rows[Grid]
    units: Rows[Unit]
    dispatch: Rows[DispatchRow]
    looked_at: Rows[frozenset[str]]
    code_maps: Rows[OutsideCode]


def check_tables(tables: Tables, table: DispatchTable, report: Report) -> None:
    """What does not depend on the edition."""
    unique(((row, c.code) for row, c in tables.classes), "code")
    unique(((row, c.name) for row, c in tables.classes), "name")
    unique(((row, s.code) for row, s in tables.subclasses), "code")
    unique(((row, f"{s.class_code}/{s.name}") for row, s in tables.subclasses), "name")
    unique(((row, c.code) for row, c in tables.categories), "code")
    unique(((row, c.name) for row, c in tables.categories), "name")
    unique(((row, f"{one.category} {one.table} {one.code}") for row, one in tables.code_maps), "code")
    _levels(tables)
    _standards(tables)
    _words(tables.categories)
    _laws(tables)
    check_units(
        tables.categories, tables.unit_kinds, tables.areas, tables.units, tables.dispatch, table=table, report=report
    )
    check_grids(tables.grids, table.places)
    _known(((row, "category", one.category) for row, one in tables.code_maps), tables)
    _known(((row, "code_b", code) for row, pair in tables.looked_at for code in sorted(pair)), tables)


def check_edition(tables: Tables, edition: Edition, processes: Processes | None, report: Report) -> None:
    """Limits within the edition's promise, an urgent limit for every hazard, and as many rows as there must be."""
    held = {one.code: (row, one) for row, one in tables.categories if edition.holds(one)}
    shortest, longest = edition.complaint_limit.shortest, edition.complaint_limit.longest
    for row, (code, standard) in tables.standards:
        if code in held and not shortest.rough_hours <= standard.limit.rough_hours <= longest.rough_hours:
            row.wrong("limit_amount", f"{standard.limit} is not within {shortest} to {longest}", "时限超出本版规定范围")
    for row, category in held.values():
        if category.grade == "A" and not any(one.limit.unit == "urgent_hour" for one in category.standards):
            row.wrong("grade", "a grade A hazard needs a standard in urgent_hour", "A级事项须有以紧急工作时计时的标准")
        if processes is not None and category.process_code not in processes:
            row.wrong("process", f"there is no process {category.process_code}", "没有这个流程")
    _counted(tables, edition, {code[:4] for code in held}, len(held), report)


def _counted(tables: Tables, edition: Edition, subclasses: set[str], categories: int, report: Report) -> None:
    if edition.expected is None:
        return
    # A subclass that has no category in this edition does not stand in it.
    got = {"classes": len(tables.classes), "subclasses": len(subclasses), "categories": categories}
    for level, expected in edition.expected.model_dump().items():
        if got[level] != expected:
            column, detail = f"{edition.id}.expected.{level}", f"there are {got[level]} {level}, not {expected}"
            report.add("editions.yaml", 0, column, detail, f"应有{expected}项，实有{got[level]}项")


def _levels(tables: Tables) -> None:
    """Every parent exists and has at least one child."""
    classes = {c.code for _, c in tables.classes}
    subclasses = {s.code for _, s in tables.subclasses}
    for row, subclass in tables.subclasses:
        if subclass.class_code not in classes:
            row.wrong("code", f"there is no class {subclass.class_code}", "没有上级大类")
    for row, category in tables.categories:
        if category.subclass_code not in subclasses:
            row.wrong("code", f"there is no subclass {category.subclass_code}", "没有上级中类")
    with_subclass = {s.class_code for _, s in tables.subclasses}
    for row, main in tables.classes:
        if main.code not in with_subclass:
            row.wrong("code", "has no subclass", "没有下级中类")
    with_category = {c.subclass_code for _, c in tables.categories}
    for row, subclass in tables.subclasses:
        if subclass.code not in with_category:
            row.wrong("code", "has no category", "没有下级小类")


def _known(values: Iterable[tuple[Row, str, str]], tables: Tables) -> None:
    codes = {category.code for _, category in tables.categories}
    for row, column, code in values:
        if code not in codes:
            row.wrong(column, f"there is no category {code}", f"没有小类{code}")


def _standards(tables: Tables) -> None:
    """Each belongs to a category, which has a first one; further ones have words that tell them."""
    unique(((row, f"{code} {standard.no}") for row, (code, standard) in tables.standards), "no")
    unique(((row, f"{code} {standard.name}") for row, (code, standard) in tables.standards), "name")
    _known(((row, "category", code) for row, (code, _) in tables.standards), tables)
    for row, (_, standard) in tables.standards:
        if standard.no > 1 and not standard.keywords:
            row.wrong("keywords", "a further standard needs words that tell it", "非首条标准须有区分词")
        _parts(row, "keywords", standard.keywords)
    for row, category in tables.categories:
        if [one.no for one in category.standards] != list(range(1, len(category.standards) + 1)):
            row.wrong("code", "its standards are not numbered from 1 on", "立结案标准编号应从1起连续")
        if not category.standards:
            row.wrong("code", "has no standard", "缺少立结案标准")


def _words(categories: Rows[Category]) -> None:
    for row, category in categories:
        if len(category.keywords) < MIN_KEYWORDS:
            row.wrong("keywords", f"names fewer than {MIN_KEYWORDS} words", f"关键词少于{MIN_KEYWORDS}个")
        _parts(row, "keywords", category.keywords)
        _parts(row, "exclude_words", category.exclude_words)
        for word in set(category.keywords) & set(category.exclude_words):
            row.wrong("exclude_words", f"{word} is a keyword too", f"“{word}”同时是关键词")


def _parts(row: Row, column: str, words: Iterable[str]) -> None:
    for word in words:
        if not all(0 < len(part) <= MAX_WORD for part in word.split("+")):
            row.wrong(column, f"{word} has an empty or too long part", f"“{word}”过长或有空缺")


def _laws(tables: Tables) -> None:
    """Every law that is cited is in the table of laws."""
    known = {law.name for _, law in tables.laws}
    for row, category in tables.categories:
        if not category.bases:
            row.wrong("legal_basis", "names no law as 《…》", "应以《…》写明法律依据")
        for basis in category.bases:
            if basis.law not in known:
                row.wrong("legal_basis", f"there is no law {basis.law}", f"法律依据表中没有《{basis.law}》")
    for row, law in tables.laws:
        if law.valid_from and law.valid_to and law.valid_to <= law.valid_from:
            row.wrong("valid_to", "comes before valid_from", "废止日期早于施行日期")
