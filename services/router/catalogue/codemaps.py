"""Owns which code of an outside table (national or provincial standard, Open311) means which category.

Codes of GB/T 30428.2 are written `part.CCSS` (部件) or `event.CCSS` (事件): class and subclass, two digits each, which
both halves of that standard number from 0101 on.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from services.router.catalogue import workbook
from services.router.catalogue.entries import Category
from services.router.catalogue.files import Files
from services.router.catalogue.lines import COLUMNS
from services.router.catalogue.sheet import Report, Row, read_table
from shared.errors import InvalidInput

Table = Literal["GB/T 39666-2020", "GB/T 30428.2", "DB44/T 2479-2024", "Open311"]
SHORT = ("category", "code", "name")
"""Columns of a file that holds the codes of one table only."""
TABLES: tuple[Table, ...] = get_args(Table)


class CodesUnreadable(InvalidInput):
    """A file of codes has the columns category,table,code,name, or category,code,name and the table named beside it."""

    zh = "代码对照表的列应为：小类编码、外部标准、编码、名称；或指定外部标准后省略该列"


@dataclass(frozen=True, slots=True)
class OutsideCode:
    """What a category is called in another table; several of its codes may mean one category and the other way round."""

    category: str
    table: Table
    code: str
    name: str


@dataclass(frozen=True)
class CodeMaps:
    entries: tuple[OutsideCode, ...]

    @cached_property
    def _by_category(self) -> Mapping[str, tuple[OutsideCode, ...]]:
        return _grouped((one.category, one) for one in self.entries)

    @cached_property
    def _by_code(self) -> Mapping[str, tuple[OutsideCode, ...]]:
        return _grouped((one.code, one) for one in self.entries)

    def of(self, category: str) -> tuple[OutsideCode, ...]:
        return self._by_category.get(category, ())

    def meaning(self, code: str, table: str | None = None) -> tuple[OutsideCode, ...]:
        """What an outside code stands for here; of all tables when none is named."""
        return tuple(one for one in self._by_code.get(code, ()) if table in (None, one.table))

    def within(self, categories: Mapping[str, Category]) -> "CodeMaps":
        """What one edition has. Open311's `service_code` is ours wherever the table does not say otherwise."""
        held = tuple(one for one in self.entries if one.category in categories)
        otherwise = {one.category for one in held if one.table == "Open311"}
        ours = (
            OutsideCode(one.code, "Open311", one.code, one.name)
            for one in categories.values()
            if one.code not in otherwise
        )
        return CodeMaps((*held, *ours))


def codes_in(name: str, content: bytes, table: str | None) -> list[tuple[str, ...]]:
    """The rows of a file with codes of an outside table: with a column `table`, or all of the table that is named."""
    found = workbook.read(content) if name.lower().endswith(".xlsx") else {"codemaps.csv": content}
    rows = list(csv.reader(found.get("codemaps.csv", b"").decode("utf-8-sig").splitlines()))
    header = tuple(rows[0]) if rows else ()
    body = [tuple(cell.strip() for cell in row) for row in rows[1:] if any(row)]
    if header == COLUMNS["codemaps.csv"]:
        return body
    if header == SHORT and table is not None:
        return [(row[0], table, *row[1:]) for row in body]
    raise CodesUnreadable


def merged(files: Files, rows: Sequence[tuple[str, ...]]) -> tuple[int, bytes]:
    """How many are new, and `codemaps.csv` with them, in the order of categories and tables."""
    present = list(csv.reader(files.get("codemaps.csv", b"").decode("utf-8-sig").splitlines()))[1:]
    known = {tuple(row[:3]) for row in present}
    new = [row for row in rows if row[:3] not in known]
    every = sorted([*(tuple(row) for row in present), *new])
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([COLUMNS["codemaps.csv"], *every])
    return len(new), out.getvalue().encode()


def _grouped(pairs: Iterable[tuple[str, OutsideCode]]) -> dict[str, tuple[OutsideCode, ...]]:
    found: dict[str, list[OutsideCode]] = {}
    for key, one in pairs:
        found.setdefault(key, []).append(one)
    return {key: tuple(ones) for key, ones in found.items()}


def read_code_maps(files: Files, report: Report) -> Iterator[tuple[Row, OutsideCode]]:
    for row in read_table(files, "codemaps.csv", COLUMNS["codemaps.csv"], report, needed=False):
        yield (
            row,
            OutsideCode(
                category=row.code("category", r"[0-9]{7}"),
                table=row.choice("table", TABLES),
                code=row.code("code", r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}"),
                name=row.text("name", at_most=60),
            ),
        )
