"""Owns one edition of the catalogue, whole and checked, and how things are found in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.router.catalogue.codemaps import CodeMaps
from services.router.catalogue.editions import Edition
from services.router.catalogue.entries import Category, Law, MainClass, Standard, Subclass, UnitKind
from services.router.catalogue.merging import MergeRules
from services.router.catalogue.orders import OrderTable
from services.router.catalogue.refusals import RefusalRules
from services.router.catalogue.replies import ReplyRules
from services.router.catalogue.rules import ClassificationRules, Processes
from services.router.catalogue.tags import TagRules
from services.router.units import DispatchTable, OrgTree, Places
from shared.errors import NotFound


class UnknownCategory(NotFound):
    """There is no such category in this edition."""

    zh = "本版事项目录中没有这个事项"


@dataclass(frozen=True, slots=True)
class CitedLaw:
    """A legal basis of a category, and whether the law still stands."""

    law: Law
    theme: str
    expired: bool


@dataclass(frozen=True)
class Catalogue:
    """事项目录: three levels, standards, laws, units, dispatch table and the rules of one edition."""

    edition: Edition
    classes: Mapping[str, MainClass]
    subclasses: Mapping[str, Subclass]
    categories: Mapping[str, Category]
    laws: Mapping[str, Law]
    unit_kinds: Mapping[str, UnitKind]
    units: OrgTree
    places: Places
    dispatch: DispatchTable
    processes: Processes
    orders: OrderTable
    classification: ClassificationRules
    tags: TagRules
    replies: ReplyRules
    refusals: RefusalRules
    merging: MergeRules
    code_maps: CodeMaps

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

    def cited(self, code: str, today: date) -> tuple[CitedLaw, ...]:
        """The legal bases of a category, judged on the last day this edition is used."""
        day = self.edition.used_until(today)
        found = ((self.laws[basis.law], basis.theme) for basis in self.category(code).bases if basis.law in self.laws)
        return tuple(CitedLaw(law, theme, law.expired(day)) for law, theme in found)

    def standards(self) -> tuple[tuple[Category, Standard], ...]:
        return tuple((category, one) for category in self.categories.values() for one in category.standards)
