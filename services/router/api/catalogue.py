"""What everybody may read: the catalogue with its standards, and the names of the units."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query

from services.router.api.catalogue_views import (
    CatalogueView,
    CategoryName,
    CategoryView,
    ClassView,
    EntryView,
    FoundList,
    FoundView,
    GridView,
    OutsideMeaning,
    OutsideMeanings,
    SubclassView,
    UnitList,
    UnitView,
)
from services.router.api.doors import Here, here_rules, rulebook_of
from services.router.api.tag_views import TagCatalogue
from services.router.catalogue.codemaps import Table
from services.router.catalogue.search import search
from services.router.catalogue.whole import Catalogue
from services.router.domain.rules import SHENZHEN
from services.router.settings import Settings
from services.router.store import Tx
from services.router.units import FALLBACK
from shared.context import Context
from shared.errors import NotFound

routes = APIRouter(tags=["catalogue"])

AnyCode = Annotated[str, Path(pattern=r"^[0-9]{2,7}$")]
EditionId = Annotated[str | None, Query(pattern=r"^[0-9]{4}(-[a-z0-9]{1,12})?$")]


class EditionNotFound(NotFound):
    """There is no such edition of the catalogue, or it has not been published."""

    zh = "没有这一版事项目录，或尚未发布"


def _edition(here: Context[Settings, Tx], name: str | None) -> Catalogue:
    """The edition in force when none is named; drafts are not for everybody."""
    if name is None:
        return here_rules(here).catalogue
    found = rulebook_of(here).public(name)
    if found is None:
        raise EditionNotFound
    return found.rules.catalogue


@routes.get("/catalogue")
async def read_catalogue(here: Here, edition: EditionId = None) -> CatalogueView:
    """The three levels of the edition in force, or of an older or coming one."""
    found = _edition(here, edition)
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
    return CatalogueView(
        edition=found.edition.id,
        title=found.edition.title,
        effective_from=found.edition.effective_from,
        classes=classes,
    )


@routes.get("/catalogue/search")
async def search_catalogue(
    here: Here,
    q: Annotated[str, Query(min_length=1, max_length=60, pattern=r"^[^\x00]*$")],
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    edition: EditionId = None,
) -> FoundList:
    """Categories by name, keyword or the beginning of a code, the best first."""
    found = _edition(here, edition)
    items = [
        FoundView(
            code=hit.category.code,
            name=hit.category.name,
            path=list(found.path(hit.category.code)),
            score=round(hit.score, 2),
        )
        for hit in search(found, q, limit)
    ]
    return FoundList(items=items)


@routes.get("/catalogue/outside-codes")
async def read_outside_code(
    here: Here,
    code: Annotated[str, Query(pattern=r"^[0-9A-Za-z][0-9A-Za-z._-]{0,31}$")],
    table: Table | None = None,
    edition: EditionId = None,
) -> OutsideMeanings:
    """Which categories a code of another table means; several where that table is coarser."""
    found = _edition(here, edition)
    items = [
        OutsideMeaning(
            table=one.table,
            code=one.code,
            name=one.name,
            category_code=one.category,
            category_name=found.category(one.category).name,
        )
        for one in found.code_maps.meaning(code, table)
    ]
    return OutsideMeanings(items=items)


@routes.get("/catalogue/tags")
async def read_tags(here: Here, edition: EditionId = None) -> TagCatalogue:
    """What a case may be marked with beside its category, in groups; on cases only staff see them."""
    return TagCatalogue.of(_edition(here, edition))


@routes.get("/catalogue/{code}")
async def read_entry(here: Here, code: AnyCode, edition: EditionId = None) -> EntryView:
    found = _edition(here, edition)
    children = [child.code for child in found.children(code)]
    if code in found.classes:
        name = found.classes[code].name
        return EntryView(code=code, name=name, path=[name], level="class", children=children)
    if code in found.subclasses:
        sub = found.subclasses[code]
        path = [found.classes[sub.class_code].name, sub.name]
        return EntryView(code=code, name=sub.name, path=path, level="subclass", children=children)
    one, today = found.category(code), here.clock.now().astimezone(SHENZHEN).date()
    category = CategoryView.of(one, found, today)
    return EntryView(code=code, name=one.name, path=list(found.path(code)), level="category", category=category)


@routes.get("/units")
async def read_units(here: Here, on: date | None = None) -> UnitList:
    """The org tree of today, or of another day: 1+6+N with communities, teams and grids."""
    found, day = here_rules(here).catalogue, on or here.clock.now().astimezone(SHENZHEN).date()
    fallbacks: dict[str, list[str]] = {}
    for row in found.dispatch.rows:
        if row.kind == FALLBACK:
            fallbacks.setdefault(row.lead, []).append(row.area)
    standing = [unit for unit in found.units if unit.stands(day)]
    stations = {unit.area: unit.code for unit in standing if unit.level == "community"}
    grids = [
        GridView(code=one.code, name=one.name, community=one.community, unit_code=stations.get(one.community))
        for one in found.places.grids
    ]
    return UnitList(items=[UnitView.of(unit, fallbacks.get(unit.code, ())) for unit in standing], grids=grids)
