"""Owns what must hold between the rows of an edition: unique, complete, resolvable everywhere, within its limits."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.router.catalogue_entries import Category, Edition, MainClass, Subclass, UnitKind
from services.router.catalogue_rules import Processes
from services.router.catalogue_sheet import Report, Row
from services.router.units import EVERYWHERE, FALLBACK, Area, DispatchRow, DispatchTable, OrgTree, Places, Unit

MIN_KEYWORDS = 3
MAX_WORD = 12

type Rows[T] = Sequence[tuple[Row, T]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Everything read from the tables, each value with the line it came from."""

    classes: Rows[MainClass]
    subclasses: Rows[Subclass]
    categories: Rows[Category]
    unit_kinds: Rows[UnitKind]
    areas: Rows[Area]
    units: Rows[Unit]
    dispatch: Rows[DispatchRow]


def check_tables(tables: Tables, table: DispatchTable, report: Report) -> None:
    """All checks that need only the tables."""
    _unique(((row, c.code) for row, c in tables.classes), "code")
    _unique(((row, c.name) for row, c in tables.classes), "name")
    _unique(((row, s.code) for row, s in tables.subclasses), "code")
    _unique(((row, f"{s.class_code}/{s.name}") for row, s in tables.subclasses), "name")
    _unique(((row, c.code) for row, c in tables.categories), "code")
    _unique(((row, c.name) for row, c in tables.categories), "name")
    _unique(((row, k.kind) for row, k in tables.unit_kinds), "kind")
    _levels(tables)
    _areas(tables.areas)
    _units(tables.units, {k.kind for _, k in tables.unit_kinds}, table.places, table.tree, report)
    _dispatch(tables.dispatch, {k.kind for _, k in tables.unit_kinds}, table)
    _fallbacks(tables.dispatch, table, report)
    _resolvable(tables, table)
    _words(tables.categories)


def check_standards(categories: Rows[Category], edition: Edition, processes: Processes | None) -> None:
    """Limits within the edition's promise, an urgent limit for every hazard, and a process that exists."""
    shortest, longest = edition.complaint_limit.shortest, edition.complaint_limit.longest
    for row, category in categories:
        if not shortest.rough_hours <= category.limit.rough_hours <= longest.rough_hours:
            row.wrong("limit_amount", f"{category.limit} is not within {shortest} to {longest}", "时限超出本版规定范围")
        if category.grade == "A" and category.limit.unit != "urgent_hour":
            row.wrong("limit_unit", "a grade A hazard is limited in urgent_hour", "A级事项须以紧急工作时计时")
        if processes is not None and category.process_code not in processes:
            row.wrong("process", f"there is no process {category.process_code}", "没有这个流程")


def _unique(values: Iterable[tuple[Row, str]], column: str) -> None:
    first: dict[str, int] = {}
    for row, value in values:
        if value in first:
            row.wrong(column, f"repeats line {first[value]}", f"与第{first[value]}行重复")
        first.setdefault(value, row.number)


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


def _areas(areas: Rows[Area]) -> None:
    _unique(((row, area.code) for row, area in areas), "code")
    _unique(((row, area.name) for row, area in areas), "name")
    subdistricts = {area.code for _, area in areas if area.level == "subdistrict"}
    seen: dict[str, int] = {}
    for row, area in areas:
        if area.level == "community" and area.parent not in subdistricts:
            row.wrong("parent", "is not a subdistrict of this table", "上级街道不存在")
        if area.level == "subdistrict" and area.parent:
            row.wrong("parent", "a subdistrict has no parent here", "街道不应填写上级")
        for alias in area.aliases:
            if alias in seen:
                row.wrong("aliases", f"{alias} already means line {seen[alias]}", f"“{alias}”与第{seen[alias]}行冲突")
            seen.setdefault(alias, row.number)


def _units(units: Rows[Unit], kinds: set[str], places: Places, tree: OrgTree, report: Report) -> None:
    _unique(((row, unit.code) for row, unit in units), "unit_code")
    _unique(((row, unit.name) for row, unit in units), "name")
    centres = [row for row, unit in units if unit.level == "district_centre"]
    if len(centres) != 1:
        report.add("units.csv", 0, "level", f"{len(centres)} district centres, not one", "须有且只有一个区级中心")
    for row, unit in units:
        if unit.level == "district_centre":
            if unit.parent:
                row.wrong("parent", "the centre has no parent", "区级中心不应有上级")
        elif unit.parent not in tree:
            row.wrong("parent", "there is no such unit", "上级单位不存在")
        elif not any(tree[code].level == "district_centre" for code in tree.ancestors(unit.code)):
            row.wrong("parent", "does not lead up to the centre", "上级关系未归到区级中心")
        if unit.area != EVERYWHERE and unit.area not in places:
            row.wrong("area", "there is no such area", "区域不存在")
        for kind in unit.kinds:
            if kind not in kinds:
                row.wrong("kinds", f"there is no kind {kind}", f"没有单位类别{kind}")


def _dispatch(rows: Rows[DispatchRow], kinds: set[str], table: DispatchTable) -> None:
    _unique(((row, f"{entry.kind} {entry.area}") for row, entry in rows), "unit_kind")
    subdistricts = {EVERYWHERE, *table.places.subdistricts()}
    for row, entry in rows:
        if entry.kind not in kinds | {FALLBACK}:
            row.wrong("unit_kind", f"there is no kind {entry.kind}", "没有这类单位")
        if entry.area not in subdistricts:
            row.wrong("area", "is neither a subdistrict nor *", "应为街道编码或*")
        for column, code in [("lead", entry.lead), *(("co_units", co) for co in entry.co_units)]:
            if code not in table.tree:
                row.wrong(column, f"there is no unit {code}", f"没有单位{code}")
        if entry.kind != FALLBACK and entry.lead in table.tree and entry.kind not in table.tree[entry.lead].kinds:
            row.wrong("lead", f"{entry.lead} is not of kind {entry.kind}", "该单位不属于此类别")
        if entry.lead in entry.co_units:
            row.wrong("co_units", "names the lead again", "协办单位与主办单位相同")


def _fallbacks(rows: Rows[DispatchRow], table: DispatchTable, report: Report) -> None:
    for area in (EVERYWHERE, *table.places.subdistricts()):
        if not any(entry.kind == FALLBACK and entry.area == area for _, entry in rows):
            report.add("dispatch.csv", 0, "unit_kind", f"no fallback unit for {area}", f"{area}没有兜底单位")


def _resolvable(tables: Tables, table: DispatchTable) -> None:
    """Every kind a category asks for has a lead in every subdistrict."""
    kinds = {k.kind for _, k in tables.unit_kinds}
    missing = {
        kind: [area for area in table.places.subdistricts() if table.row(kind, area) is None]
        for kind in {category.unit_kind for _, category in tables.categories}
    }
    for row, category in tables.categories:
        if category.unit_kind not in kinds:
            row.wrong("unit_kind", f"there is no kind {category.unit_kind}", "没有这类承办单位")
        elif areas := missing[category.unit_kind]:
            row.wrong("unit_kind", f"no unit of this kind in {', '.join(areas)}", "部分街道没有这类承办单位")


def _words(categories: Rows[Category]) -> None:
    for row, category in categories:
        if len(category.keywords) < MIN_KEYWORDS:
            row.wrong("keywords", f"names fewer than {MIN_KEYWORDS} words", f"关键词少于{MIN_KEYWORDS}个")
        for column, words in (("keywords", category.keywords), ("exclude_words", category.exclude_words)):
            for word in words:
                if not all(0 < len(part) <= MAX_WORD for part in word.split("+")):
                    row.wrong(column, f"{word} has an empty or too long part", f"“{word}”过长或有空缺")
        for word in set(category.keywords) & set(category.exclude_words):
            row.wrong("exclude_words", f"{word} is a keyword too", f"“{word}”同时是关键词")
