"""Owns how a set of tables becomes its editions: read once, checked, and cut by the year of each edition."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from services.router.catalogue import check as checks
from services.router.catalogue import codemaps, lines
from services.router.catalogue.check import Tables
from services.router.catalogue.codemaps import CodeMaps
from services.router.catalogue.editions import Edition, Editions
from services.router.catalogue.entries import Category, Law, Standard
from services.router.catalogue.files import Files, read_folder
from services.router.catalogue.merging import MergeRules
from services.router.catalogue.orders import OrderTable
from services.router.catalogue.refusals import RefusalRules
from services.router.catalogue.replies import ReplyRules
from services.router.catalogue.rules import ClassificationRules, Processes
from services.router.catalogue.sheet import CatalogueInvalid, Problem, Report, read_yaml
from services.router.catalogue.tags import TagRules, check_tags
from services.router.catalogue.uniqueness import Rows
from services.router.catalogue.whole import Catalogue
from services.router.units import DispatchTable, OrgTree, Places
from shared.errors import NotFound

SHIPPED = Path(__file__).parents[1] / "catalog"
LATER = ("replies.yaml", "refusals.yaml", "merging.yaml")
"""Rules that came after the first districts had tables of their own: a set without them has those that ship."""


class NoEditionInForce(NotFound):
    """No edition of the catalogue is in force on that day."""

    zh = "该日期没有生效的事项目录"


def load_all(root: Path = SHIPPED) -> dict[str, Catalogue]:
    """Every edition of a folder; raises `CatalogueInvalid` with every wrong row when there is any."""
    return read_all(read_folder(root))


def load(root: Path = SHIPPED, edition: str | None = None) -> Catalogue:
    """One edition of a folder, the newest when none is named."""
    found = load_all(root)
    return found[edition] if edition else max(found.values(), key=lambda one: one.edition.effective_from)


def in_force(editions: Iterable[Edition], on: date) -> Edition:
    """Of those in force on a day the one that began last."""
    found = [edition for edition in editions if edition.in_force(on)]
    if not found:
        raise NoEditionInForce
    return max(found, key=lambda edition: edition.effective_from)


def read_all(files: Files) -> dict[str, Catalogue]:
    """Every edition of a set of tables, whole and checked, by its id."""
    found, problems = examine(files)
    faults = [problem for problem in problems if problem.level == "fault"]
    if faults or not found:
        raise CatalogueInvalid(faults)
    return found


def examine(files: Files) -> tuple[dict[str, Catalogue], tuple[Problem, ...]]:
    """The editions and every wrong row; no editions where there is a fault."""
    report = Report()
    later = read_later(files, report)
    listed = read_yaml(files, "editions.yaml", Editions, report)
    processes = read_yaml(files, "processes.yaml", Processes, report)
    orders = read_yaml(files, "orders.yaml", OrderTable, report)
    classification = read_yaml(files, "classification.yaml", ClassificationRules, report)
    tags = read_yaml(files, "tags.yaml", TagRules, report)
    tables = read_tables(files, report)
    dispatch = _dispatch(tables)
    checks.check_tables(tables, dispatch, report)
    editions = listed.editions if listed is not None else ()
    for edition in editions:
        checks.check_edition(tables, edition, processes, report)
    if tags is not None:
        check_tags(tags, tables, report)
    problems = report.sorted()
    if later is None or report.faults():
        return {}, problems
    if processes is None or orders is None or classification is None or tags is None:
        return {}, problems
    laws = _laws(tables.laws)
    found = {
        edition.id: _cut(tables, edition, laws, dispatch, (processes, orders, classification, tags, later))
        for edition in editions
    }
    return found, problems


@dataclass(frozen=True, slots=True)
class Later:
    """The rules a set of tables may be without."""

    replies: ReplyRules
    refusals: RefusalRules
    merging: MergeRules


def read_later(files: Files, report: Report) -> Later | None:
    """What the set itself has, and of the rest what ships."""
    missing = {name: (SHIPPED / name).read_bytes() for name in LATER if name not in files}
    whole = {**files, **missing}
    replies = read_yaml(whole, "replies.yaml", ReplyRules, report)
    refusals = read_yaml(whole, "refusals.yaml", RefusalRules, report)
    merging = read_yaml(whole, "merging.yaml", MergeRules, report)
    if replies is None or refusals is None or merging is None:
        return None
    return Later(replies, refusals, merging)


def read_tables(files: Files, report: Report) -> Tables:
    """Each category with its standards, whatever the edition."""
    standards = list(lines.read_standards(files, report))
    by_category: dict[str, list[Standard]] = {}
    for _, (code, standard) in standards:
        by_category.setdefault(code, []).append(standard)
    categories = [
        (row, replace(one, standards=tuple(sorted(by_category.get(one.code, ()), key=lambda standard: standard.no))))
        for row, one in lines.read_categories(files, report)
    ]
    return Tables(
        classes=list(lines.read_classes(files, report)),
        subclasses=list(lines.read_subclasses(files, report)),
        categories=categories,
        standards=standards,
        laws=list(lines.read_laws(files, report)),
        unit_kinds=list(lines.read_unit_kinds(files, report)),
        areas=list(lines.read_areas(files, report)),
        grids=list(lines.read_grids(files, report)),
        units=list(lines.read_units(files, report)),
        dispatch=list(lines.read_dispatch(files, report)),
        looked_at=list(lines.read_looked_at(files, report)),
        code_maps=list(codemaps.read_code_maps(files, report)),
    )


def _dispatch(tables: Tables) -> DispatchTable:
    tree = OrgTree({unit.code: unit for _, unit in tables.units})
    places = Places({area.code: area for _, area in tables.areas}, tuple(grid for _, grid in tables.grids))
    return DispatchTable(tuple(entry for _, entry in tables.dispatch), tree, places)


def _laws(rows: Rows[Law]) -> dict[str, Law]:
    """The first row of a name counts; that another one says otherwise is for the check to report."""
    found: dict[str, Law] = {}
    for _, law in rows:
        found.setdefault(law.name, law)
    return found


def _cut(
    tables: Tables,
    edition: Edition,
    laws: Mapping[str, Law],
    dispatch: DispatchTable,
    rules: tuple[Processes, OrderTable, ClassificationRules, TagRules, Later],
) -> Catalogue:
    """What an edition holds of everything; subclasses that have no category in it are not in it."""
    categories: dict[str, Category] = {one.code: one for _, one in tables.categories if edition.holds(one)}
    subclasses = {one.subclass_code for one in categories.values()}
    processes, orders, classification, tags, later = rules
    return Catalogue(
        edition=edition,
        classes={one.code: one for _, one in tables.classes},
        subclasses={one.code: one for _, one in tables.subclasses if one.code in subclasses},
        categories=categories,
        laws=laws,
        unit_kinds={kind.kind: kind for _, kind in tables.unit_kinds},
        units=dispatch.tree,
        places=dispatch.places,
        dispatch=dispatch,
        processes=processes.cut(edition.year),
        orders=orders.cut(edition.year),
        classification=classification,
        tags=tags,
        replies=later.replies,
        refusals=later.refusals,
        merging=later.merging,
        code_maps=CodeMaps(tuple(one for _, one in tables.code_maps)).within(categories),
    )
