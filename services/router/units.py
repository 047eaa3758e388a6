"""Owns the org tree 1+6+N, the places of the district and the dispatch table, as pure values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from contracts.events.router import Reason
from shared.errors import DomainError, NotFound

UnitLevel = Literal["district_centre", "subdistrict", "department", "enterprise", "community", "sub_unit"]
"""1+6+N and what stands under them: the communities' stations of a subdistrict, the teams and posts of a unit."""
AreaLevel = Literal["subdistrict", "community"]

EVERYWHERE = "*"
FALLBACK = "fallback"


class NoUnitLeft(DomainError):
    """Every unit that could take this is the unit complained about."""

    kind = "conflict"
    zh = "可承办的单位均为被反映单位，需要人工指定"


class UnknownUnitKind(NotFound):
    """There is no such kind of unit in the dispatch table."""

    zh = "分拨目录中没有这类承办单位"


@dataclass(frozen=True, slots=True)
class Unit:
    """承办单位: one node of the org tree."""

    code: str
    name: str
    level: UnitLevel
    parent: str | None
    kinds: tuple[str, ...]
    area: str
    """The subdistrict it works in, or `*` for the whole district."""
    effective_from: date
    effective_to: date | None = None
    """The first day it is no more; None while no end is known."""

    def stands(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)


@dataclass(frozen=True, slots=True)
class Grid:
    """网格: the part of a community one grid officer walks, under the district's own number."""

    code: str
    community: str
    name: str


@dataclass(frozen=True, slots=True)
class Area:
    """A subdistrict (街道) or a community (社区), with the words citizens call it by."""

    code: str
    name: str
    level: AreaLevel
    parent: str | None
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DispatchRow:
    """派单目录: who leads for one kind of unit in one subdistrict (or `*`)."""

    kind: str
    area: str
    lead: str
    co_units: tuple[str, ...]
    note: str


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Whom an order goes to, and why."""

    lead: str
    co_units: tuple[str, ...]
    fallback_used: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class OrgTree:
    """All units by code; knows who stands under whom."""

    units: Mapping[str, Unit]

    def __getitem__(self, code: str) -> Unit:
        return self.units[code]

    def __contains__(self, code: object) -> bool:
        return code in self.units

    def __iter__(self) -> Iterator[Unit]:
        return iter(self.units.values())

    def ancestors(self, code: str) -> tuple[str, ...]:
        """From the unit's parent up to the centre; stops at a loop instead of running for ever."""
        chain: list[str] = []
        unit = self.units.get(code)
        while unit and unit.parent and unit.parent not in (code, *chain):
            chain.append(unit.parent)
            unit = self.units.get(unit.parent)
        return tuple(chain)

    def children(self, code: str) -> tuple[Unit, ...]:
        return tuple(unit for unit in self if unit.parent == code)

    def under(self, code: str) -> tuple[str, ...]:
        """The unit itself and all below it."""
        return tuple(unit.code for unit in self if unit.code == code or code in self.ancestors(unit.code))

    def is_party(self, code: str, accused: str) -> bool:
        """True for the accused unit and all below it; the centre is party only where it is itself accused."""
        if code == accused:
            return True
        above = self.units.get(accused)
        return above is not None and above.level != "district_centre" and accused in self.ancestors(code)


@dataclass(frozen=True, slots=True)
class Places:
    """All areas by code; knows the subdistrict of a community."""

    areas: Mapping[str, Area]
    grids: tuple[Grid, ...] = ()

    def __contains__(self, code: object) -> bool:
        return code in self.areas

    def __iter__(self) -> Iterator[Area]:
        return iter(self.areas.values())

    def name(self, code: str | None) -> str:
        return self.areas[code].name if code and code in self.areas else ""

    def subdistricts(self) -> tuple[str, ...]:
        return tuple(area.code for area in self if area.level == "subdistrict")

    def subdistrict_of(self, code: str | None) -> str | None:
        """The subdistrict a code lies in; None for an unknown or missing code."""
        area = self.areas.get(code) if code else None
        if area is None or area.level == "subdistrict":
            return area.code if area else None
        return area.parent


@dataclass(frozen=True)
class DispatchTable:
    """分拨: kind of unit × place → lead and co-units, with a fallback for every place (兜底)."""

    rows: tuple[DispatchRow, ...]
    tree: OrgTree
    places: Places
    _by_key: dict[tuple[str, str], DispatchRow] = field(init=False, repr=False, compare=False)
    _kinds: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {(row.kind, row.area): row for row in self.rows})
        object.__setattr__(self, "_kinds", frozenset(row.kind for row in self.rows))

    def row(self, kind: str, subdistrict: str | None) -> DispatchRow | None:
        """The row of this subdistrict, else the district's."""
        here = self._by_key.get((kind, subdistrict)) if subdistrict else None
        return here or self._by_key.get((kind, EVERYWHERE))

    def resolve(self, kind: str, area_code: str | None, *, accused: str | None = None) -> Dispatch:
        """Lead and co-units for a kind of unit at a place; never the accused unit or one below it.

        Rule: material must not reach the accused unit (济南市12345市民服务热线条例 §32, 信访工作条例 §30).
        """
        if kind not in self._kinds:
            raise UnknownUnitKind
        subdistrict = self.places.subdistrict_of(area_code)
        row = self.row(kind, subdistrict)
        if row and not self._is_party(row.lead, accused):
            where = self.places.name(row.area) or EVERYWHERE
            return self._dispatch(row, accused, Reason(kind="dispatch_table", text=f"{kind} × {where}"), fallback=False)
        if row:
            why = Reason(kind="accused_avoided", text=self._name(row.lead))
        else:
            why = Reason(kind="area_unknown" if subdistrict is None else "no_row", text=kind)
        for fallback in self._fallbacks(subdistrict):
            if not self._is_party(fallback.lead, accused):
                return self._dispatch(fallback, accused, why, fallback=True)
        raise NoUnitLeft

    def _fallbacks(self, subdistrict: str | None) -> Iterable[DispatchRow]:
        keys = [(FALLBACK, subdistrict), (FALLBACK, EVERYWHERE)] if subdistrict else [(FALLBACK, EVERYWHERE)]
        return [self._by_key[key] for key in keys if key in self._by_key]

    def _dispatch(self, row: DispatchRow, accused: str | None, reason: Reason, *, fallback: bool) -> Dispatch:
        co_units = tuple(code for code in row.co_units if code != row.lead and not self._is_party(code, accused))
        return Dispatch(row.lead, co_units, fallback, reason)

    def _is_party(self, code: str, accused: str | None) -> bool:
        return accused is not None and self.tree.is_party(code, accused)

    def _name(self, code: str) -> str:
        return self.tree[code].name if code in self.tree else code
