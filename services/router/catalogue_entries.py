"""Owns the rows of the catalogue as values (class, subclass, category, limit, edition) and how a line becomes one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from contracts.events.intake import CaseType
from contracts.events.router import LimitUnit
from services.router.catalogue_sheet import Report, Row, read_csv
from services.router.units import Area, AreaLevel, DispatchRow, Unit, UnitLevel

Grade = Literal["A", "B", "C"]

# A rough length in hours, only to compare limits of different units: a working day of eight hours is a day of life.
HOURS: dict[LimitUnit, int] = {"urgent_hour": 1, "work_hour": 3, "work_day": 24, "calendar_day": 24}


class Limit(BaseModel):
    """A time limit: an amount of one of the four units of working time."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    amount: int
    unit: LimitUnit

    @property
    def rough_hours(self) -> int:
        return self.amount * HOURS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


class LimitRange(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest: Limit
    longest: Limit


class Edition(BaseModel):
    """One dated set of rule data; a case keeps the edition it was filed under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    title: str
    effective_from: date
    effective_to: date | None = None
    complaint_limit: LimitRange

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True, slots=True)
class MainClass:
    """First level of the catalogue (大类), two digits."""

    code: str
    name: str
    covers: str


@dataclass(frozen=True, slots=True)
class Subclass:
    """Second level (中类), four digits of which the first two are its class."""

    code: str
    name: str

    @property
    def class_code(self) -> str:
        return self.code[:2]


@dataclass(frozen=True, slots=True)
class UnitKind:
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Category:
    """Third level (小类) with its standard: when to file, when to close, who, within which limit, under which law."""

    code: str
    name: str
    covers: str
    excludes: str
    examples: tuple[str, str]
    keywords: tuple[str, ...]
    """Words citizens use; parts joined by `+` must all occur."""
    exclude_words: tuple[str, ...]
    unit_kind: str
    legal_basis: str
    filing_condition: str
    closing_condition: str
    default_type: CaseType
    grade: Grade
    process_code: str
    photo_required: bool
    limit: Limit
    """For complaints; consultations and suggestions are limited by type."""

    @property
    def class_code(self) -> str:
        return self.code[:2]

    @property
    def subclass_code(self) -> str:
        return self.code[:4]


CATEGORY_COLUMNS = (
    "code",
    "name",
    "covers",
    "excludes",
    "example_1",
    "example_2",
    "keywords",
    "exclude_words",
    "unit_kind",
    "legal_basis",
    "filing_condition",
    "closing_condition",
    "default_type",
    "grade",
    "process",
    "photo_required",
    "limit_amount",
    "limit_unit",
)


def _category(row: Row) -> Category:
    return Category(
        code=row.code("code", r"[0-9]{7}"),
        name=row.text("name", at_least=2, at_most=20),
        covers=row.text("covers", at_least=10, at_most=200),
        excludes=row.text("excludes", at_least=6, at_most=200),
        examples=(row.text("example_1", at_least=6, at_most=80), row.text("example_2", at_least=6, at_most=80)),
        keywords=row.words("keywords"),
        exclude_words=row.words("exclude_words"),
        unit_kind=row.code("unit_kind", r"[a-z_]{2,40}"),
        legal_basis=row.text("legal_basis", at_least=6, at_most=120),
        filing_condition=row.text("filing_condition", at_least=6, at_most=120),
        closing_condition=row.text("closing_condition", at_least=6, at_most=120),
        default_type=row.choice("default_type", get_args(CaseType)),
        grade=row.choice("grade", get_args(Grade)),
        process_code=row.text("process", at_most=30),
        photo_required=row.flag("photo_required"),
        limit=Limit(amount=row.number_of("limit_amount"), unit=row.choice("limit_unit", get_args(LimitUnit))),
    )


def read_classes(folder: Path, report: Report) -> Iterator[tuple[Row, MainClass]]:
    for row in read_csv(folder / "classes.csv", ("code", "name", "covers"), report):
        code, name = row.code("code", r"[0-9]{2}"), row.text("name", at_least=2, at_most=12)
        yield row, MainClass(code, name, row.text("covers", at_least=6, at_most=120))


def read_subclasses(folder: Path, report: Report) -> Iterator[tuple[Row, Subclass]]:
    for row in read_csv(folder / "subclasses.csv", ("code", "name"), report):
        yield row, Subclass(row.code("code", r"[0-9]{4}"), row.text("name", at_least=2, at_most=20))


def read_categories(folder: Path, report: Report) -> Iterator[tuple[Row, Category]]:
    for row in read_csv(folder / "categories.csv", CATEGORY_COLUMNS, report):
        yield row, _category(row)


def read_unit_kinds(folder: Path, report: Report) -> Iterator[tuple[Row, UnitKind]]:
    for row in read_csv(folder / "unit_kinds.csv", ("kind", "name"), report):
        yield row, UnitKind(row.code("kind", r"[a-z_]{2,40}"), row.text("name", at_least=2, at_most=30))


def read_areas(folder: Path, report: Report) -> Iterator[tuple[Row, Area]]:
    for row in read_csv(folder / "areas.csv", ("code", "name", "level", "parent", "aliases"), report):
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


def read_units(folder: Path, report: Report) -> Iterator[tuple[Row, Unit]]:
    columns = ("unit_code", "name", "level", "parent", "kinds", "area", "effective_from")
    for row in read_csv(folder / "units.csv", columns, report):
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
            ),
        )


def read_dispatch(folder: Path, report: Report) -> Iterator[tuple[Row, DispatchRow]]:
    for row in read_csv(folder / "dispatch.csv", ("unit_kind", "area", "lead", "co_units", "note"), report):
        kind, area, lead = row.code("unit_kind", r"[a-z_]{2,40}"), row.text("area", at_most=12), row.text("lead")
        yield row, DispatchRow(kind, area, lead, row.words("co_units"), row.text("note", optional=True, at_most=80))
