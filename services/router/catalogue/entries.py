"""Owns what stands in the catalogue as values: class, subclass, category with its standards, law and limit."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from contracts.events.intake import CaseType
from contracts.events.router import LimitUnit

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
class Law:
    """A law, regulation or by-law, and while it was in force."""

    name: str
    issuer: str
    valid_from: date | None
    valid_to: date | None
    """The day it was repealed; None while it stands."""
    replaced_by: str
    note: str

    def expired(self, on: date) -> bool:
        return self.valid_to is not None and self.valid_to < on


@dataclass(frozen=True, slots=True)
class Basis:
    """法律依据: a law and what its article is about."""

    law: str
    theme: str


@dataclass(frozen=True, slots=True)
class Standard:
    """立结案标准: one case of a category, when it is filed and closed, within which limit."""

    no: int
    """1 applies where nothing tells another one."""
    name: str
    keywords: tuple[str, ...]
    """Words that tell this case from its siblings; parts joined by `+` must all occur."""
    filing_condition: str
    closing_condition: str
    limit: Limit
    """For complaints; consultations and suggestions are limited by type."""
    photo_required: bool


@dataclass(frozen=True, slots=True)
class Category:
    """Third level (小类) with its standards: what belongs here, who acts, under which law."""

    code: str
    name: str
    since: str
    """The year of the edition it came with."""
    until: str
    """The year of the edition that has it no more; empty while it stands."""
    covers: str
    excludes: str
    examples: tuple[str, str]
    keywords: tuple[str, ...]
    """Words citizens use; parts joined by `+` must all occur."""
    exclude_words: tuple[str, ...]
    unit_kind: str
    legal_basis: str
    """As written; `bases` is the same, taken apart."""
    bases: tuple[Basis, ...]
    default_type: CaseType
    grade: Grade
    process_code: str
    standards: tuple[Standard, ...] = ()

    @property
    def class_code(self) -> str:
        return self.code[:2]

    @property
    def subclass_code(self) -> str:
        return self.code[:4]

    def standard(self, no: int | None) -> Standard | None:
        """By its number; the first when none is given."""
        return next((one for one in self.standards if no is None or one.no == no), None)
