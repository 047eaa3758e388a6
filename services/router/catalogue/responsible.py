"""Owns what must hold between places, units and the dispatch table: a lead for every kind of unit everywhere."""

from services.router.catalogue.entries import Category, UnitKind
from services.router.catalogue.sheet import Report, Row
from services.router.catalogue.uniqueness import Rows, unique
from services.router.units import EVERYWHERE, FALLBACK, Area, DispatchRow, DispatchTable, Grid, OrgTree, Places, Unit


def check_units(
    categories: Rows[Category],
    unit_kinds: Rows[UnitKind],
    areas: Rows[Area],
    units: Rows[Unit],
    dispatch: Rows[DispatchRow],
    *,
    table: DispatchTable,
    report: Report,
) -> None:
    kinds = {kind.kind for _, kind in unit_kinds}
    unique(((row, kind.kind) for row, kind in unit_kinds), "kind")
    _areas(areas)
    _units(units, kinds, table.places, table.tree, report)
    _dispatch(dispatch, kinds, table)
    _fallbacks(dispatch, table, report)
    _resolvable(categories, kinds, table)


def check_grids(grids: Rows[Grid], places: Places) -> None:
    unique(((row, grid.code) for row, grid in grids), "grid")
    for row, grid in grids:
        community = places.areas.get(grid.community)
        if community is None or community.level != "community":
            row.wrong("community", "is not a community of this table", "所属社区不存在")


def _areas(areas: Rows[Area]) -> None:
    unique(((row, area.code) for row, area in areas), "code")
    unique(((row, area.name) for row, area in areas), "name")
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
    unique(((row, unit.code) for row, unit in units), "unit_code")
    unique(((row, unit.name) for row, unit in units), "name")
    centres = [row for row, unit in units if unit.level == "district_centre"]
    if len(centres) != 1:
        report.add("units.csv", 0, "level", f"{len(centres)} district centres, not one", "须有且只有一个区级中心")
    for row, unit in units:
        if unit.level == "district_centre":
            if unit.parent:
                row.wrong("parent", "the centre has no parent", "区级中心不应有上级")
        elif unit.parent not in tree:
            row.wrong("parent", "there is no such unit", "上级单位不存在")
        elif not any(_is_end(tree, code) for code in tree.ancestors(unit.code)):
            row.wrong("parent", "does not lead up to the centre", "上级关系未归到区级中心")
        if unit.area != EVERYWHERE and unit.area not in places:
            row.wrong("area", "there is no such area", "区域不存在")
        _unit(row, unit, kinds)


def _unit(row: Row, unit: Unit, kinds: set[str]) -> None:
    if unit.effective_to is not None and unit.effective_to <= unit.effective_from:
        row.wrong("effective_to", "comes before effective_from", "失效日期早于生效日期")
    for kind in unit.kinds:
        if kind not in kinds:
            row.wrong("kinds", f"there is no kind {kind}", f"没有单位类别{kind}")


def _is_end(tree: OrgTree, code: str) -> bool:
    """The centre; or a unit that does not exist, which is the fault of the row that names it."""
    return code not in tree or tree[code].level == "district_centre"


def _dispatch(rows: Rows[DispatchRow], kinds: set[str], table: DispatchTable) -> None:
    unique(((row, f"{entry.kind} {entry.area}") for row, entry in rows), "unit_kind")
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
        for code in (entry.lead, *entry.co_units):
            if code in table.tree and (end := table.tree[code].effective_to) is not None:
                row.doubtful("lead", f"{code} ends on {end}", f"{code}将于{end}撤销，请安排接替单位")
        if entry.lead in entry.co_units:
            row.wrong("co_units", "names the lead again", "协办单位与主办单位相同")


def _fallbacks(rows: Rows[DispatchRow], table: DispatchTable, report: Report) -> None:
    for area in (EVERYWHERE, *table.places.subdistricts()):
        if not any(entry.kind == FALLBACK and entry.area == area for _, entry in rows):
            report.add("dispatch.csv", 0, "unit_kind", f"no fallback unit for {area}", f"{area}没有兜底单位")


def _resolvable(categories: Rows[Category], kinds: set[str], table: DispatchTable) -> None:
    """Every kind a category asks for has a lead in every subdistrict."""
    missing = {
        kind: [area for area in table.places.subdistricts() if table.row(kind, area) is None]
        for kind in {category.unit_kind for _, category in categories}
    }
    for row, category in categories:
        if category.unit_kind not in kinds:
            row.wrong("unit_kind", f"there is no kind {category.unit_kind}", "没有这类承办单位")
        elif areas := missing[category.unit_kind]:
            row.wrong("unit_kind", f"no unit of this kind in {', '.join(areas)}", "部分街道没有这类承办单位")
