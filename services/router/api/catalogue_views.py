"""What everybody is shown of the catalogue: the tree, a category with its standards and laws, outside codes, units."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import BaseModel

from contracts.events.router import LimitUnit, Node
from services.router.catalogue.codemaps import OutsideCode
from services.router.catalogue.entries import Category, Standard
from services.router.catalogue.whole import Catalogue, CitedLaw
from services.router.units import Unit


class CategoryName(BaseModel):
    code: str
    name: str
    default_type: str
    grade: Literal["A", "B", "C"]


class SubclassView(BaseModel):
    code: str
    name: str
    categories: list[CategoryName]


class ClassView(BaseModel):
    code: str
    name: str
    covers: str
    subclasses: list[SubclassView]


class CatalogueView(BaseModel):
    edition: str
    title: str
    effective_from: date
    classes: list[ClassView]


class EntryView(BaseModel):
    """A class, a subclass, or a category with its standards."""

    code: str
    name: str
    path: list[str]
    level: Literal["class", "subclass", "category"]
    children: list[str] = []
    category: "CategoryView | None" = None


class LimitView(BaseModel):
    amount: int
    unit: LimitUnit


class StandardView(BaseModel):
    """立结案标准: when it is filed and closed, within which limit, and whether a photo must show the result."""

    no: int
    name: str
    filing_condition: str
    closing_condition: str
    limit: LimitView
    photo_required: bool


class LawView(BaseModel):
    """A legal basis; one that is no longer in force says what came in its place."""

    law: str
    theme: str
    issuer: str
    valid_from: date | None
    valid_to: date | None
    expired: bool
    replaced_by: str


class OutsideCodeView(BaseModel):
    """What another table (GB/T 30428.2, Open311 …) calls this."""

    table: str
    code: str
    name: str


class CategoryView(BaseModel):
    """What belongs here and what does not, by whom and under which law, with every standard."""

    covers: str
    excludes: str
    examples: list[str]
    unit_kind: str
    unit_kind_name: str
    legal_basis: list[LawView]
    default_type: str
    grade: Literal["A", "B", "C"]
    process_code: str
    nodes: list[Node]
    standards: list[StandardView]
    outside_codes: list[OutsideCodeView]

    @classmethod
    def of(cls, one: Category, found: Catalogue, today: date) -> "CategoryView":
        process = found.processes.for_case(one.default_type, one)
        return cls(
            covers=one.covers,
            excludes=one.excludes,
            examples=list(one.examples),
            unit_kind=one.unit_kind,
            unit_kind_name=found.unit_kinds[one.unit_kind].name,
            legal_basis=[_law(cited) for cited in found.cited(one.code, today)],
            default_type=one.default_type,
            grade=one.grade,
            process_code=process.code,
            nodes=list(process.for_citizen),
            standards=[_standard(standard) for standard in one.standards],
            outside_codes=[_outside(code) for code in found.code_maps.of(one.code)],
        )


def _law(cited: CitedLaw) -> LawView:
    law = cited.law
    return LawView(
        law=law.name,
        theme=cited.theme,
        issuer=law.issuer,
        valid_from=law.valid_from,
        valid_to=law.valid_to,
        expired=cited.expired,
        replaced_by=law.replaced_by,
    )


def _standard(one: Standard) -> StandardView:
    return StandardView(
        no=one.no,
        name=one.name,
        filing_condition=one.filing_condition,
        closing_condition=one.closing_condition,
        limit=LimitView(amount=one.limit.amount, unit=one.limit.unit),
        photo_required=one.photo_required,
    )


def _outside(one: OutsideCode) -> OutsideCodeView:
    return OutsideCodeView(table=one.table, code=one.code, name=one.name)


class FoundView(BaseModel):
    code: str
    name: str
    path: list[str]
    score: float


class FoundList(BaseModel):
    items: list[FoundView]


class OutsideMeaning(BaseModel):
    table: str
    code: str
    name: str
    category_code: str
    category_name: str


class OutsideMeanings(BaseModel):
    items: list[OutsideMeaning]


class UnitView(BaseModel):
    code: str
    name: str
    level: str
    parent: str | None
    area: str
    """The area it works in, or `*` for the whole district."""
    kinds: list[str]
    effective_from: date
    effective_to: date | None
    """The first day it is no more."""
    fallback_for: list[str]
    """Areas whose matters come here when it is not clear whose they are (兜底)."""

    @classmethod
    def of(cls, unit: Unit, fallback_for: Sequence[str]) -> "UnitView":
        return cls(
            code=unit.code,
            name=unit.name,
            level=unit.level,
            parent=unit.parent,
            area=unit.area,
            kinds=list(unit.kinds),
            effective_from=unit.effective_from,
            effective_to=unit.effective_to,
            fallback_for=list(fallback_for),
        )


class GridView(BaseModel):
    code: str
    name: str
    community: str
    unit_code: str | None
    """The community's station, whose grid officers look after it."""


class UnitList(BaseModel):
    items: list[UnitView]
    """Every unit names the one above it: centre, subdistricts and departments, and what stands under them (1+6+N)."""
    grids: list[GridView]
