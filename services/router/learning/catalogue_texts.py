"""Owns what the catalogue itself teaches: the texts of every category as samples labelled with its code."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from services.router.learning.samples import Sample


class Described(Protocol):
    """What of a category is read; all of it is written for people."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def covers(self) -> str: ...
    @property
    def examples(self) -> tuple[str, ...]: ...
    @property
    def keywords(self) -> tuple[str, ...]: ...


def catalogue_samples(categories: Iterable[Described]) -> Iterator[Sample]:
    """Name, description, examples and every keyword, each a message of its own: a citizen says one of them, not all.

    What a category does *not* cover is left out: those words belong to its neighbours, and a linear model over words
    cannot read a "not".
    """
    for one in categories:
        words = [word.replace("+", "") for word in one.keywords]
        for text in dict.fromkeys((one.name, one.covers, *words)):
            yield Sample("", text, one.code, is_message=False)
        for text in one.examples:
            yield Sample("", text, one.code)
