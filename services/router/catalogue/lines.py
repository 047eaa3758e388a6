"""Owns how a line of a table becomes a value of the catalogue."""

import re
from collections.abc import Iterator
from typing import get_args

from contracts.events.intake import CaseType
from contracts.events.router import LimitUnit
from services.router.catalogue.entries import (
    Basis,
    Category,
    Grade,
    Law,
    Limit,
    MainClass,
    Standard,
    Subclass,
    UnitKind,
)
from services.router.catalogue.files import Files
from services.router.catalogue.sheet import Report, Row, read_table
from services.router.units import Area, AreaLevel, DispatchRow, Grid, Unit, UnitLevel

type Lines[T] = Iterator[tuple[Row, T]]

COLUMNS: dict[str, tuple[str, ...]] = {
    "classes.csv": ("code", "name", "covers"),
    "subclasses.csv": ("code", "name"),
    "categories.csv": (
        *("code", "name", "since", "until", "covers", "excludes", "example_1", "example_2", "keywords"),
        *("exclude_words", "unit_kind", "legal_basis", "default_type", "grade", "process"),
    ),
    "standards.csv": (
        *("category", "no", "name", "keywords", "filing_condition", "closing_condition"),
        *("limit_amount", "limit_unit", "photo_required"),
    ),
    "laws.csv": ("name", "issuer", "valid_from", "valid_to", "replaced_by", "note"),
    "unit_kinds.csv": ("kind", "name"),
    "units.csv": ("unit_code", "name", "level", "parent", "kinds", "area", "effective_from", "effective_to"),
    "areas.csv": ("code", "name", "level", "parent", "aliases"),
    "grids.csv": ("grid", "community", "name"),
    "dispatch.csv": ("unit_kind", "area", "lead", "co_units", "note"),
    "looked_at.csv": ("code_a", "code_b", "why"),
    "codemaps.csv": ("category", "table", "code", "name"),
}
"""Every table and its columns, in the order of an export."""
LATER = {"units.csv": ("effective_to",)}
"""Last columns that tables from before there were such need not have."""

_BASIS = re.compile(r"《([^《》]+)》([^《》]*)")
_BETWEEN = "；;、，, "


def read_classes(files: Files, report: Report) -> Lines[MainClass]:
    for row in _rows(files, "classes.csv", report):
        code, name = row.code("code", r"[0-9]{2}"), row.text("name", at_least=2, at_most=12)
        yield row, MainClass(code, name, row.text("covers", at_least=6, at_most=120))


def read_subclasses(files: Files, report: Report) -> Lines[Subclass]:
    for row in _rows(files, "subclasses.csv", report):
        yield row, Subclass(row.code("code", r"[0-9]{4}"), row.text("name", at_least=2, at_most=20))


def read_categories(files: Files, report: Report) -> Lines[Category]:
    """Without their standards, which come from a table of their own."""
    for row in _rows(files, "categories.csv", report):
        legal_basis = row.text("legal_basis", at_least=6, at_most=120)
        yield (
            row,
            Category(
                code=row.code("code", r"[0-9]{7}"),
                name=row.text("name", at_least=2, at_most=20),
                since=row.code("since", r"[0-9]{4}"),
                until=row.code("until", r"[0-9]{4}", optional=True),
                covers=row.text("covers", at_least=10, at_most=200),
                excludes=row.text("excludes", at_least=6, at_most=200),
                examples=(
                    row.text("example_1", at_least=6, at_most=80),
                    row.text("example_2", at_least=6, at_most=80),
                ),
                keywords=row.words("keywords"),
                exclude_words=row.words("exclude_words"),
                unit_kind=row.code("unit_kind", r"[a-z_]{2,40}"),
                legal_basis=legal_basis,
                bases=bases_of(legal_basis),
                default_type=row.choice("default_type", get_args(CaseType)),
                grade=row.choice("grade", get_args(Grade)),
                process_code=row.text("process", at_most=30),
            ),
        )


def read_standards(files: Files, report: Report) -> Lines[tuple[str, Standard]]:
    """Each with the code of its category."""
    for row in _rows(files, "standards.csv", report):
        code = row.code("category", r"[0-9]{7}")
        yield (
            row,
            (
                code,
                Standard(
                    no=row.number_of("no", at_most=20),
                    name=row.text("name", at_least=2, at_most=20),
                    keywords=row.words("keywords"),
                    filing_condition=row.text("filing_condition", at_least=6, at_most=120),
                    closing_condition=row.text("closing_condition", at_least=6, at_most=120),
                    limit=Limit(
                        amount=row.number_of("limit_amount"), unit=row.choice("limit_unit", get_args(LimitUnit))
                    ),
                    photo_required=row.flag("photo_required"),
                ),
            ),
        )


def bases_of(legal_basis: str) -> tuple[Basis, ...]:
    """`《law》theme；《law》theme`, taken apart."""
    return tuple(Basis(law.strip(), theme.strip(_BETWEEN)) for law, theme in _BASIS.findall(legal_basis))


def read_laws(files: Files, report: Report) -> Lines[Law]:
    for row in _rows(files, "laws.csv", report):
        yield (
            row,
            Law(
                name=row.text("name", at_least=3, at_most=60),
                issuer=row.text("issuer", optional=True, at_most=60),
                valid_from=row.day_if_any("valid_from"),
                valid_to=row.day_if_any("valid_to"),
                replaced_by=row.text("replaced_by", optional=True, at_most=80),
                note=row.text("note", optional=True, at_most=200),
            ),
        )


def read_unit_kinds(files: Files, report: Report) -> Lines[UnitKind]:
    for row in _rows(files, "unit_kinds.csv", report):
        yield row, UnitKind(row.code("kind", r"[a-z_]{2,40}"), row.text("name", at_least=2, at_most=30))


def read_areas(files: Files, report: Report) -> Lines[Area]:
    for row in _rows(files, "areas.csv", report):
        yield (
            row,
            Area(
                code=row.code("code", r"[0-9]{9}(?:[0-9]{3})?"),
                name=row.text("name", at_least=2, at_most=20),
                level=row.choice("level", get_args(AreaLevel)),
                parent=row.text("parent", optional=True) or None,
                aliases=row.words("aliases"),
            ),
        )


def read_grids(files: Files, report: Report) -> Lines[Grid]:
    """A district without grids has no such table."""
    for row in read_table(files, "grids.csv", COLUMNS["grids.csv"], report, needed=False):
        code, community = row.code("grid", r"[0-9]{15}"), row.code("community", r"[0-9]{12}")
        yield row, Grid(code, community, row.text("name", at_least=2, at_most=30))


def read_units(files: Files, report: Report) -> Lines[Unit]:
    for row in _rows(files, "units.csv", report):
        yield (
            row,
            Unit(
                code=row.code("unit_code", r"[A-Z]{2}-[A-Z][0-9]{2}"),
                name=row.text("name", at_least=4, at_most=40),
                level=row.choice("level", get_args(UnitLevel)),
                parent=row.text("parent", optional=True) or None,
                kinds=row.words("kinds"),
                area=row.text("area", at_most=12),
                effective_from=row.day("effective_from"),
                effective_to=row.day_if_any("effective_to"),
            ),
        )


def read_dispatch(files: Files, report: Report) -> Lines[DispatchRow]:
    for row in _rows(files, "dispatch.csv", report):
        kind, area, lead = row.code("unit_kind", r"[a-z_]{2,40}"), row.text("area", at_most=12), row.text("lead")
        yield row, DispatchRow(kind, area, lead, row.words("co_units"), row.text("note", optional=True, at_most=80))


def read_looked_at(files: Files, report: Report) -> Lines[frozenset[str]]:
    """Pairs of categories that look alike and were found to be two."""
    for row in read_table(files, "looked_at.csv", COLUMNS["looked_at.csv"], report, needed=False):
        row.text("why", at_least=4, at_most=120)
        yield row, frozenset((row.code("code_a", r"[0-9]{7}"), row.code("code_b", r"[0-9]{7}")))


def _rows(files: Files, table: str, report: Report) -> Iterator[Row]:
    return read_table(files, table, COLUMNS[table], report, later=LATER.get(table, ()))
