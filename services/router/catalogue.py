"""Owns one edition of the rule data, whole and checked, and how it is found and loaded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from services.router import catalogue_entries as entries
from services.router.catalogue_check import Tables, check_standards, check_tables
from services.router.catalogue_entries import Category, Edition, MainClass, Subclass, UnitKind
from services.router.catalogue_rules import ClassificationRules, OrderTable, Processes
from services.router.catalogue_sheet import CatalogueInvalid, Problem, Report, Row, read_yaml
from services.router.units import DispatchTable, OrgTree, Places
from shared.errors import NotFound

SHIPPED = Path(__file__).parent / "catalog"


class UnknownCategory(NotFound):
    """There is no such category in this edition."""

    zh = "本版事项目录中没有这个事项"


class NoEditionInForce(NotFound):
    """No edition of the catalogue is in force on that day."""

    zh = "该日期没有生效的事项目录"


@dataclass(frozen=True)
class Catalogue:
    """事项目录: three levels, units, dispatch table, processes, order table and classification rules of one edition."""

    edition: Edition
    classes: Mapping[str, MainClass]
    subclasses: Mapping[str, Subclass]
    categories: Mapping[str, Category]
    unit_kinds: Mapping[str, UnitKind]
    units: OrgTree
    places: Places
    dispatch: DispatchTable
    processes: Processes
    orders: OrderTable
    classification: ClassificationRules

    def category(self, code: str) -> Category:
        try:
            return self.categories[code]
        except KeyError:
            raise UnknownCategory from None

    def children(self, code: str = "") -> tuple[MainClass | Subclass | Category, ...]:
        """What stands directly under a code; the classes for the empty code, nothing under a category."""
        if not code:
            return tuple(self.classes.values())
        if code in self.classes:
            return tuple(s for s in self.subclasses.values() if s.class_code == code)
        if code in self.subclasses:
            return tuple(c for c in self.categories.values() if c.subclass_code == code)
        if code in self.categories:
            return ()
        raise UnknownCategory

    def path(self, code: str) -> tuple[str, str, str]:
        """The names from the class down to the category."""
        category = self.category(code)
        return (
            self.classes[category.class_code].name,
            self.subclasses[category.subclass_code].name,
            category.name,
        )

    def as_rows(self) -> list[dict[str, object]]:
        """One flat row per category, with edition and the names above it, ready for a table or an export."""
        return [self._row(category) for category in self.categories.values()]

    def _row(self, category: Category) -> dict[str, object]:
        class_name, subclass_name, name = self.path(category.code)
        return {
            "edition": self.edition.id,
            "code": category.code,
            "name": name,
            "class_code": category.class_code,
            "class_name": class_name,
            "subclass_code": category.subclass_code,
            "subclass_name": subclass_name,
            "covers": category.covers,
            "excludes": category.excludes,
            "examples": list(category.examples),
            "keywords": list(category.keywords),
            "exclude_words": list(category.exclude_words),
            "unit_kind": category.unit_kind,
            "legal_basis": category.legal_basis,
            "filing_condition": category.filing_condition,
            "closing_condition": category.closing_condition,
            "default_type": category.default_type,
            "grade": category.grade,
            "process_code": category.process_code,
            "photo_required": category.photo_required,
            "limit_amount": category.limit.amount,
            "limit_unit": category.limit.unit,
        }


def load(folder: Path) -> Catalogue:
    """Read and check one edition; raises `CatalogueInvalid` with every wrong row when there is any."""
    catalogue, problems = _read(folder)
    if problems or catalogue is None:
        raise CatalogueInvalid(problems)
    return catalogue


def check(folder: Path) -> tuple[Problem, ...]:
    """Every wrong row of an edition, without taking it over."""
    return _read(folder)[1]


def edition_in_force(on: date, root: Path = SHIPPED) -> Path:
    """The folder of the edition in force on a day; of several the one that began last."""
    found: list[tuple[date, Path]] = []
    for file in sorted(root.glob("*/edition.yaml")):
        report = Report()
        edition = read_yaml(file, Edition, report)
        if edition is None:
            raise CatalogueInvalid(report.problems)
        if edition.in_force(on):
            found.append((edition.effective_from, file.parent))
    if not found:
        raise NoEditionInForce
    return max(found)[1]


def _read(folder: Path) -> tuple[Catalogue | None, tuple[Problem, ...]]:
    report = Report()
    edition = read_yaml(folder / "edition.yaml", Edition, report)
    processes = read_yaml(folder / "processes.yaml", Processes, report)
    orders = read_yaml(folder / "orders.yaml", OrderTable, report)
    classification = read_yaml(folder / "classification.yaml", ClassificationRules, report)
    tables, dispatch = _read_tables(folder, report)
    check_tables(tables, dispatch, report)
    if edition is not None:
        check_standards(tables.categories, edition, processes)
    problems = tuple(sorted(report.problems))
    if problems or edition is None or processes is None or orders is None or classification is None:
        return None, problems
    return (
        Catalogue(
            edition=edition,
            classes=_by_code(tables.classes),
            subclasses=_by_code(tables.subclasses),
            categories=_by_code(tables.categories),
            unit_kinds={kind.kind: kind for _, kind in tables.unit_kinds},
            units=dispatch.tree,
            places=dispatch.places,
            dispatch=dispatch,
            processes=processes,
            orders=orders,
            classification=classification,
        ),
        (),
    )


def _read_tables(folder: Path, report: Report) -> tuple[Tables, DispatchTable]:
    tables = Tables(
        classes=list(entries.read_classes(folder, report)),
        subclasses=list(entries.read_subclasses(folder, report)),
        categories=list(entries.read_categories(folder, report)),
        unit_kinds=list(entries.read_unit_kinds(folder, report)),
        areas=list(entries.read_areas(folder, report)),
        units=list(entries.read_units(folder, report)),
        dispatch=list(entries.read_dispatch(folder, report)),
    )
    tree = OrgTree({unit.code: unit for _, unit in tables.units})
    places = Places({area.code: area for _, area in tables.areas})
    return tables, DispatchTable(tuple(entry for _, entry in tables.dispatch), tree, places)


def _by_code[T: (MainClass, Subclass, Category)](rows: Iterable[tuple[Row, T]]) -> dict[str, T]:
    return {value.code: value for _, value in rows}
