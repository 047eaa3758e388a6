"""Owns what an edition is: a dated version of the catalogue, which rows it holds, and what it promises."""

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.router.catalogue.entries import Category, Limit


class LimitRange(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    shortest: Limit
    longest: Limit


class Counts(BaseModel):
    """How many there are on each level."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: int
    subclasses: int
    categories: int


class Edition(BaseModel):
    """One dated version of the catalogue; a case keeps the one it was filed under."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    """Begins with its year; `2027-b` is the second of its year."""
    title: str
    effective_from: date
    effective_to: date | None = None
    complaint_limit: LimitRange
    expected: Counts | None = None
    """What it must hold, where that is known."""

    @property
    def year(self) -> str:
        return self.id[:4]

    def in_force(self, on: date) -> bool:
        return self.effective_from <= on and (self.effective_to is None or on < self.effective_to)

    def holds(self, category: Category) -> bool:
        """By the year the row came with and the year it left."""
        return category.since <= self.year and (not category.until or category.until > self.year)

    def used_until(self, today: date) -> date:
        """The day its legal bases are judged on: today, or the day its time ended."""
        return today if self.effective_to is None else min(today, self.effective_to)


class Likeness(BaseModel):
    """From when on two categories are so alike that `looked_at.csv` must say why they are two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: float
    """Share of common pairs of characters of their names."""
    texts: float
    """Cosine of the weighed pairs of characters of name and covers."""
    shortest_within: int
    """A name at least this long that stands whole in another one."""


class Editions(BaseModel):
    """`editions.yaml`: the editions a set of tables holds, and how strict it is about likeness."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    editions: Annotated[tuple[Edition, ...], Field(min_length=1)]
    likeness: Likeness
