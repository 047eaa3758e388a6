"""Owns what the tour does to an exported workbook: five mistakes a clerk makes, and four changes a clerk means."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
import yaml

from services.router.catalogue.workbook import heading, sheet_title

SCRIPT: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_name("catalogue.yaml").read_text("utf-8"))
CATEGORIES, STANDARDS, LOOKED_AT = (sheet_title(f"{name}.csv") for name in ("categories", "standards", "looked_at"))


class WorkbookChanged(Exception):
    """The catalogue in force no longer has what the tour wants to change; the text says what."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A wrong cell, as the answer should name it."""

    what: str
    sheet: str
    row: int
    column: str
    value: str


class Workbook:
    """An exported catalogue, changed by sheet, row and heading as a person does in a spreadsheet."""

    def __init__(self, content: bytes) -> None:
        self._book = openpyxl.load_workbook(io.BytesIO(content))
        self._columns = {
            sheet.title: {cell.value: cell.column for cell in sheet[1] if cell.value} for sheet in self._book.worksheets
        }

    def bytes(self) -> bytes:
        out = io.BytesIO()
        self._book.save(out)
        return out.getvalue()

    def get(self, sheet: str, row: int, column: str) -> str:
        return str(self._cell(sheet, row, column).value or "")

    def put(self, sheet: str, row: int, column: str, value: str) -> None:
        self._cell(sheet, row, column).value = value

    def _cell(self, sheet: str, row: int, column: str) -> Any:
        return self._book[sheet].cell(row, self._columns[sheet][heading(column)])

    def rows(self, sheet: str, **wanted: str) -> list[int]:
        """The rows in which these columns hold these values."""
        every = range(2, self._book[sheet].max_row + 1)
        return [row for row in every if all(self.get(sheet, row, name) == value for name, value in wanted.items())]

    def row(self, sheet: str, **wanted: str) -> int:
        found = self.rows(sheet, **wanted)
        if not found:
            raise WorkbookChanged(f"no row of {sheet} with {', '.join(wanted.values())}")
        return found[0]

    def add(self, sheet: str, **values: str) -> int:
        """A row at the end."""
        row: int = self._book[sheet].max_row + 1
        for column, value in values.items():
            self.put(sheet, row, column, value)
        return row

    def copy(self, sheet: str, row: int, **other: str) -> int:
        """The same row once more at the end, with some cells otherwise."""
        values = {name: self._book[sheet].cell(row, at).value for name, at in self._columns[sheet].items()}
        last: int = self._book[sheet].max_row + 1
        for name, value in values.items():
            self._book[sheet].cell(last, self._columns[sheet][name]).value = value
        for column, value in other.items():
            self.put(sheet, last, column, value)
        return last

    def remove(self, sheet: str, row: int) -> None:
        self._book[sheet].delete_rows(row)


def broken(content: bytes) -> tuple[bytes, list[Mistake]]:
    """Five different mistakes in cells far apart, none of which hides another one."""
    book, made = Workbook(content), list[Mistake]()

    def mistake(what: str, sheet: str, row: int, column: str, value: str) -> None:
        book.put(sheet, row, column, value)
        made.append(Mistake(what, sheet, row, heading(column), value))

    codes = [SCRIPT["changes"][name]["code"] for name in ("moved", "sooner", "renamed")]
    first, second, third = (book.row(CATEGORIES, code=code) for code in codes)
    twin = book.copy(CATEGORIES, first, name=SCRIPT["changes"]["split"]["into"])
    mistake("a code that is taken", CATEGORIES, twin, "code", codes[0])
    mistake("a name that is taken", CATEGORIES, third, "name", book.get(CATEGORIES, second, "name"))
    mistake("a kind of unit nobody knows", CATEGORIES, second, "unit_kind", "night_watch")
    mistake("a limit of two and a half years", STANDARDS, book.row(STANDARDS, category=codes[1]), "limit_amount", "900")
    mistake("no condition for filing", STANDARDS, book.row(STANDARDS, category=codes[2]), "filing_condition", "")
    return book.bytes(), made


def changed(content: bytes, year: str) -> tuple[bytes, str]:
    """The four changes of `catalogue.yaml`, and the code of the category that is new."""
    book, wanted = Workbook(content), SCRIPT["changes"]
    code = _split(book, wanted["split"], year)
    moved, sooner, renamed = wanted["moved"], wanted["sooner"], wanted["renamed"]
    book.put(CATEGORIES, book.row(CATEGORIES, code=moved["code"]), "unit_kind", moved["unit_kind"])
    row = book.row(STANDARDS, category=sooner["code"], no=str(sooner["standard"]))
    book.put(STANDARDS, row, "limit_amount", str(sooner["limit"]))
    book.put(STANDARDS, row, "limit_unit", sooner["limit_unit"])
    book.put(CATEGORIES, book.row(CATEGORIES, code=renamed["code"]), "name", renamed["name"])
    return book.bytes(), code


def _split(book: Workbook, wanted: Mapping[str, Any], year: str) -> str:
    """The new category takes its words and its standard along; the old one says that it has them no more."""
    old = wanted["from"]
    row = book.row(CATEGORIES, code=old)
    taken = {book.get(CATEGORIES, at, "code") for at in book.rows(CATEGORIES)}
    code = next(code for number in range(1, 1000) if (code := f"{old[:4]}{number:03}") not in taken)
    words = ("covers", "excludes", "example_1", "example_2", "keywords")
    book.copy(CATEGORIES, row, code=code, name=wanted["into"], since=year, **{name: wanted[name] for name in words})
    moving = [word for word in _words(book, row, "keywords") if wanted["standard_words"] in word]
    kept = [word for word in _words(book, row, "keywords") if word not in moving]
    book.put(CATEGORIES, row, "keywords", "|".join(kept))
    leaves = [word for word in wanted["leaves"].split("|") if word not in _words(book, row, "exclude_words")]
    book.put(CATEGORIES, row, "exclude_words", "|".join([*_words(book, row, "exclude_words"), *leaves]))
    _take_standard(book, old, wanted["standard_words"])
    book.add(
        STANDARDS,
        category=code,
        no="1",
        name=wanted["standard"],
        filing_condition=wanted["filing_condition"],
        closing_condition=wanted["closing_condition"],
        limit_amount=str(wanted["limit"]),
        limit_unit=wanted["limit_unit"],
        photo_required="1",
    )
    book.add(LOOKED_AT, code_a=old, code_b=code, why=wanted["why"])
    return code


def _take_standard(book: Workbook, category: str, word: str) -> None:
    """The old category's standards about the new one go, and the others are numbered anew."""
    for row in reversed(book.rows(STANDARDS, category=category)):
        if word in book.get(STANDARDS, row, "name"):
            book.remove(STANDARDS, row)
    for number, row in enumerate(book.rows(STANDARDS, category=category), start=1):
        book.put(STANDARDS, row, "no", str(number))


def _words(book: Workbook, row: int, column: str) -> list[str]:
    return [word for word in book.get(CATEGORIES, row, column).split("|") if word]
