"""What everybody may read: the catalogue with its standards, and the names of the units."""

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel

from contracts.events.router import LimitUnit, Node
from services.router.api.doors import Here, here_rules

routes = APIRouter(tags=["catalogue"])

AnyCode = Annotated[str, Path(pattern=r"^[0-9]{2,7}$")]


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
    """A class, a subclass, or a category with its standard."""

    code: str
    name: str
    path: list[str]
    level: Literal["class", "subclass", "category"]
    children: list[str] = []
    standard: "StandardView | None" = None


class LimitView(BaseModel):
    amount: int
    unit: LimitUnit


class StandardView(BaseModel):
    """立结案标准: what it covers, when it is filed and closed, by whom, within which limit, under which law."""

    covers: str
    excludes: str
    examples: list[str]
    unit_kind: str
    unit_kind_name: str
    legal_basis: str
    filing_condition: str
    closing_condition: str
    default_type: str
    grade: Literal["A", "B", "C"]
    photo_required: bool
    limit: LimitView
    process_code: str
    nodes: list[Node]


class UnitView(BaseModel):
    code: str
    name: str
    level: str
    parent: str | None


class UnitList(BaseModel):
    items: list[UnitView]


@routes.get("/catalogue")
async def read_catalogue(here: Here) -> CatalogueView:
    found = here_rules(here).catalogue
    under_subclass: dict[str, list[CategoryName]] = {}
    for one in found.categories.values():
        name = CategoryName(code=one.code, name=one.name, default_type=one.default_type, grade=one.grade)
        under_subclass.setdefault(one.subclass_code, []).append(name)
    under_class: dict[str, list[SubclassView]] = {}
    for sub in found.subclasses.values():
        view = SubclassView(code=sub.code, name=sub.name, categories=under_subclass.get(sub.code, []))
        under_class.setdefault(sub.class_code, []).append(view)
    classes = [
        ClassView(code=main.code, name=main.name, covers=main.covers, subclasses=under_class.get(main.code, []))
        for main in found.classes.values()
    ]
    edition = found.edition
    return CatalogueView(
        edition=edition.id, title=edition.title, effective_from=edition.effective_from, classes=classes
    )


@routes.get("/catalogue/{code}")
async def read_entry(here: Here, code: AnyCode) -> EntryView:
    found = here_rules(here).catalogue
    children = [child.code for child in found.children(code)]
    if code in found.classes:
        name = found.classes[code].name
        return EntryView(code=code, name=name, path=[name], level="class", children=children)
    if code in found.subclasses:
        sub = found.subclasses[code]
        path = [found.classes[sub.class_code].name, sub.name]
        return EntryView(code=code, name=sub.name, path=path, level="subclass", children=children)
    one = found.category(code)
    process = found.processes.for_case(one.default_type, one)
    standard = StandardView(
        covers=one.covers,
        excludes=one.excludes,
        examples=list(one.examples),
        unit_kind=one.unit_kind,
        unit_kind_name=found.unit_kinds[one.unit_kind].name,
        legal_basis=one.legal_basis,
        filing_condition=one.filing_condition,
        closing_condition=one.closing_condition,
        default_type=one.default_type,
        grade=one.grade,
        photo_required=one.photo_required,
        limit=LimitView(amount=one.limit.amount, unit=one.limit.unit),
        process_code=process.code,
        nodes=list(process.for_citizen),
    )
    return EntryView(code=code, name=one.name, path=list(found.path(code)), level="category", standard=standard)


@routes.get("/units")
async def read_units(here: Here) -> UnitList:
    units = here_rules(here).catalogue.units
    items = [UnitView(code=one.code, name=one.name, level=one.level, parent=one.parent) for one in units]
    return UnitList(items=items)
