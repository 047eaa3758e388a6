"""Owns how tables lie in an xlsx workbook, both ways: one sheet for each, with Chinese headings, every cell as text."""

import csv
import io
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import yaml
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font

from services.router.catalogue.archive import must_be_modest
from services.router.catalogue.files import Files
from services.router.catalogue.lines import COLUMNS
from shared.errors import FieldError, InvalidInput

MOST_ROWS, MOST_COLUMNS = 20_000, 60
_WIDTHS = {"covers": 50, "excludes": 50, "keywords": 50, "filing_condition": 40, "closing_condition": 40}


class NotAWorkbook(InvalidInput):
    """The file is no xlsx workbook that can be read."""

    zh = "不是可读的xlsx工作簿"


@cache
def _headings() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("headings.yaml").read_text("utf-8"))
    return found


def heading(column: str) -> str:
    """What people call a column; its own name where nothing is agreed."""
    return _headings()["columns"].get(column, column)


def sheet_title(file: str) -> str:
    """What people call a table: `categories.csv` → 小类."""
    table = file.rpartition("/")[2].removesuffix(".csv")
    return _headings()["sheets"].get(table, table)


def write(tables: Files) -> bytes:
    """A workbook with one sheet for each CSV table."""
    book = openpyxl.Workbook(write_only=True)
    for name, content in tables.items():
        sheet = book.create_sheet(sheet_title(name))
        rows = list(csv.reader(content.decode("utf-8-sig").splitlines(keepends=True)))
        sheet.freeze_panes = "C2"
        for at, column in enumerate(rows[0]):
            sheet.column_dimensions[openpyxl.utils.get_column_letter(at + 1)].width = _WIDTHS.get(column, 16)
        sheet.append([_cell(sheet, heading(column), bold=True) for column in rows[0]])
        for cells in rows[1:]:
            sheet.append([_cell(sheet, value) for value in cells])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _cell(sheet: Any, value: str, *, bold: bool = False) -> Any:
    """As text whatever it looks like: codes keep their zeros, and nothing becomes a formula."""
    cell = WriteOnlyCell(sheet, value=value)
    cell.data_type, cell.number_format = "s", "@"
    cell.alignment = Alignment(vertical="top", wrap_text=True)
    if bold:
        cell.font = Font(bold=True)
    return cell


def read(content: bytes) -> dict[str, bytes]:
    """The sheets that are tables of ours, as CSV whose lines are the rows of the sheet."""
    must_be_modest(content, NotAWorkbook)
    tables = {title: f"{table}.csv" for table, title in _headings()["sheets"].items()}
    try:
        found = _sheets(content, tables)
    except Exception:
        raise NotAWorkbook from None
    if not found:
        known = "、".join(tables)
        raise NotAWorkbook(fields=(FieldError("/file", f"has none of the sheets {known}", f"缺少工作表：{known}"),))
    return found


def _sheets(content: bytes, tables: Mapping[str, str]) -> dict[str, bytes]:
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    found: dict[str, bytes] = {}
    for sheet in book.worksheets:
        title = sheet.title.strip()
        name = tables.get(title, f"{title}.csv")
        if name in COLUMNS:
            found[name] = _csv(sheet, COLUMNS[name])
    book.close()
    return found


def _csv(sheet: Any, columns: tuple[str, ...]) -> bytes:
    """Headings come back as the machine's names; a sheet wider than its table keeps what is over, to be reported."""
    names = {heading(column): column for column in columns}
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    rows = sheet.iter_rows(max_row=MOST_ROWS, max_col=MOST_COLUMNS, values_only=True)
    for number, cells in enumerate(rows, start=1):
        texts = [_text(cell) for cell in cells]
        while len(texts) > len(columns) and not texts[-1]:
            texts.pop()
        if number == 1:
            texts = [names.get(text, text) for text in texts]
        elif any(texts):
            texts += [""] * (len(columns) - len(texts))
        writer.writerow(texts if any(texts) else [])
    return out.getvalue().encode()


def _text(cell: object) -> str:
    """A number loses the `.0` a spreadsheet gave it, a date its time of day, a text the breaks of its lines."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "date"):
        return str(cell.date())
    return " ".join(str(cell).split())


def as_tables(files: Iterable[str]) -> list[str]:
    """The CSV tables among file names, in the order of an export."""
    present = {name.rpartition("/")[2] for name in files}
    return [table for table in COLUMNS if table in present]
