"""Owns reading a rule table cell by cell, so that every wrong cell is reported with its file, row and column."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ValidationError

from services.router.catalogue.files import Files, parts_of
from shared.errors import DomainError, FieldError

SEPARATOR = "|"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One wrong cell; `row` counts lines of the file from 1 (the header), 0 means the file as a whole."""

    file: str
    row: int
    column: str
    detail: str
    zh: str
    level: Literal["fault", "warning"] = "fault"
    """A warning (an expired legal basis) is for somebody to look at and keeps nothing from being used."""

    def __str__(self) -> str:
        return f"{self.file}:{self.row} {self.column}: {self.detail}"


class CatalogueInvalid(DomainError):
    """The catalogue has wrong rows and was not taken over."""

    zh = "事项目录存在错误，未导入"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        fields = tuple(FieldError(f"{p.file}/{p.row}/{p.column}", p.detail, p.zh) for p in problems)
        super().__init__("; ".join(str(p) for p in problems[:5]), fields=fields)


@dataclass(slots=True)
class Report:
    """Collects problems; nothing is raised before the whole set has been read."""

    problems: list[Problem] = field(default_factory=list)

    def add(self, file: str, row: int, column: str, detail: str, zh: str) -> None:
        self.problems.append(Problem(file, row, column, detail, zh))

    def warn(self, file: str, row: int, column: str, detail: str, zh: str) -> None:
        self.problems.append(Problem(file, row, column, detail, zh, "warning"))

    def sorted(self) -> tuple[Problem, ...]:
        """Each once, in the order of the files."""
        return tuple(sorted(set(self.problems)))

    def faults(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.sorted() if problem.level == "fault")


class Row:
    """One line of a table; each getter returns a usable value and reports what was wrong with the cell."""

    __slots__ = ("_cells", "_report", "file", "number")

    def __init__(self, file: str, number: int, cells: Mapping[str, str], report: Report) -> None:
        self.file, self.number, self._cells, self._report = file, number, cells, report

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"

    def wrong(self, column: str, detail: str, zh: str) -> None:
        self._report.add(self.file, self.number, column, detail, zh)

    def doubtful(self, column: str, detail: str, zh: str) -> None:
        self._report.warn(self.file, self.number, column, detail, zh)

    def text(self, column: str, *, at_least: int = 1, at_most: int = 400, optional: bool = False) -> str:
        value = self._cells[column].strip()
        if not value and optional:
            return ""
        if not value:
            self.wrong(column, "must not be empty", "不能为空")
        elif not at_least <= len(value) <= at_most:
            self.wrong(
                column, f"has {len(value)} characters, not {at_least} to {at_most}", f"应为{at_least}至{at_most}个字"
            )
        if _CONTROL.search(value):
            self.wrong(column, "holds control characters", "含有控制字符")
        return value

    def code(self, column: str, pattern: str, *, optional: bool = False) -> str:
        value = self._cells[column].strip()
        if not (optional and not value) and not re.fullmatch(pattern, value):
            self.wrong(column, f"is not a code of the form {pattern}", "编码格式不正确")
        return value

    def choice[T: str](self, column: str, allowed: Sequence[T]) -> T:
        """One of the allowed values; a wrong cell reads as the last, the mildest, so that it breaks no further rule."""
        value = self._cells[column].strip()
        for option in allowed:
            if option == value:
                return option
        self.wrong(column, f"must be one of {', '.join(allowed)}", f"应为下列之一：{'、'.join(allowed)}")
        return allowed[-1]

    def number_of(self, column: str, *, at_least: int = 1, at_most: int = 999) -> int:
        value = self._cells[column].strip()
        if not re.fullmatch(r"[0-9]{1,6}", value) or not at_least <= int(value) <= at_most:
            self.wrong(
                column, f"must be a whole number from {at_least} to {at_most}", f"应为{at_least}至{at_most}的整数"
            )
            return at_least
        return int(value)

    def flag(self, column: str) -> bool:
        return self.choice(column, ("0", "1")) == "1"

    def words(self, column: str) -> tuple[str, ...]:
        """Words separated by `|`; a repeated word is a mistake of the list."""
        if _CONTROL.search(self._cells[column]):
            self.wrong(column, "holds control characters", "含有控制字符")
        found = tuple(stripped for word in self._cells[column].split(SEPARATOR) if (stripped := word.strip()))
        if len(set(found)) < len(found):
            for word in sorted({word for word in found if found.count(word) > 1}):
                self.wrong(column, f"names {word} more than once", f"“{word}”重复")
        return found

    def day(self, column: str) -> date:
        return self.day_if_any(column, required=True) or date.min

    def day_if_any(self, column: str, *, required: bool = False) -> date | None:
        value = self._cells[column].strip()
        if not value and not required:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.wrong(column, "is not a date like 2019-08-01", "日期应写作2019-08-01")
            return None


def read_table(
    files: Files,
    table: str,
    columns: Sequence[str],
    report: Report,
    *,
    needed: bool = True,
    later: Sequence[str] = (),
) -> Iterator[Row]:
    """The rows of a UTF-8 table, in one file or in one for each class, whose header must be exactly `columns`; of
    `later` columns, which came after tables of this kind were stored, an older one has none and reads as empty.
    """
    names = parts_of(files, table)
    if not names and needed:
        report.add(table, 0, "", "is missing", "缺少这张表")
    for name in names:
        yield from _read_csv(name, files[name], columns, report, later)


def _read_csv(name: str, content: bytes, columns: Sequence[str], report: Report, later: Sequence[str]) -> Iterator[Row]:
    """A byte order mark is passed over, and so are empty lines, which are counted."""
    try:
        lines = list(csv.reader(content.decode("utf-8-sig").splitlines(keepends=True), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        report.add(name, 0, "", f"cannot be read as a UTF-8 table ({type(error).__name__})", "不是可读的UTF-8表格")
        return
    if lines and later and tuple(lines[0]) == tuple(columns)[: -len(later)]:
        lines = [
            [*cells, *(later if not n else [""] * len(later))] if cells else cells for n, cells in enumerate(lines)
        ]
    if not lines or tuple(lines[0]) != tuple(columns):
        report.add(name, 1, "", f"the header must be {','.join(columns)}", "表头与要求不符")
        return
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cells):
            continue
        if len(cells) != len(columns):
            report.add(name, number, "", f"has {len(cells)} cells, not {len(columns)}", "列数不正确")
        else:
            yield Row(name, number, dict(zip(columns, cells, strict=True)), report)


def read_yaml[M: BaseModel](files: Files, name: str, model: type[M], report: Report) -> M | None:
    """One YAML file as a validated value; None when it is wrong, which is then in the report."""
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    if name not in files:
        report.add(name, 0, "", "is missing", "缺少这个文件")
        return None
    try:
        # The C loader is the safe one too; ten times faster than the Python one.
        return model.model_validate(yaml.load(files[name].decode("utf-8-sig"), Loader=loader))  # noqa: S506
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        report.add(name, 0, "", f"cannot be read as YAML ({type(error).__name__})", "不是可读的YAML文件")
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_input=False):
            report.add(name, 0, ".".join(str(part) for part in wrong["loc"]), wrong["msg"], "内容不符合要求")
    return None
