"""Owns what goes out as an export and what comes in as an upload: an edition as tables, a file as tables over a base."""

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import yaml

from services.router.catalogue import archive, workbook
from services.router.catalogue.editions import Edition
from services.router.catalogue.examination import examine_fully
from services.router.catalogue.files import Files, is_name, overlay, parts_of
from services.router.catalogue.lines import COLUMNS, read_categories
from services.router.catalogue.sheet import Problem, Report
from services.router.catalogue.whole import Catalogue
from shared.errors import DomainError


class FormatUnknown(DomainError):
    """A catalogue comes as .xlsx, as .zip of CSV tables, or as one .csv table."""

    kind = "unsupported"
    zh = "请上传.xlsx、CSV表格的.zip压缩包，或单张.csv表格"


@dataclass(frozen=True, slots=True)
class Upload:
    """What a file would make: the whole set of tables, its only edition if nothing is wrong, and what is."""

    files: Files
    catalogue: Catalogue | None
    problems: tuple[Problem, ...]


def cut(files: Files, catalogue: Catalogue) -> dict[str, bytes]:
    """The tables of one edition only, each in one file, with `editions.yaml` naming no other."""
    cut_files: dict[str, bytes] = {}
    for table in workbook.as_tables(files):
        rows = [COLUMNS[table]]
        for name in parts_of(files, table):
            found = list(csv.reader(files[name].decode("utf-8-sig").splitlines(keepends=True)))
            rows += [tuple(cells) for cells in found[1:] if any(cells) and _held(table, cells, catalogue)]
        cut_files[table] = written(rows)
    rules = {name: content for name, content in files.items() if name.endswith(".yaml")}
    return cut_files | rules | {"editions.yaml": _only(files["editions.yaml"], catalogue.edition)}


def written(rows: Collection[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()


def _held(table: str, cells: list[str], catalogue: Catalogue) -> bool:
    if table in {"categories.csv", "standards.csv", "codemaps.csv"}:
        return cells[0] in catalogue.categories
    if table == "looked_at.csv":
        return set(cells[:2]) <= catalogue.categories.keys()
    return table != "subclasses.csv" or cells[0] in catalogue.subclasses


def _only(editions: bytes, edition: Edition) -> bytes:
    raw = yaml.safe_load(editions)
    raw["editions"] = [edition.model_dump(mode="json", exclude_none=True, exclude={"expected"})]
    return yaml.safe_dump(raw, allow_unicode=True, sort_keys=False).encode()


def received(name: str, content: bytes) -> dict[str, bytes]:
    """The tables in an uploaded file, by its suffix."""
    suffix = name.lower().rpartition(".")[2]
    if suffix == "xlsx":
        return workbook.read(content)
    if suffix == "zip":
        return archive.read(content)
    table = name.replace("\\", "/").rpartition("/")[2]
    if is_name(table) and table in COLUMNS:
        return {table: content}
    raise FormatUnknown


def proposed(base: Files, current: Catalogue, tables: Files, edition: Edition, today: date) -> Upload:
    """The uploaded tables over those of an edition, as a version of their own, fully examined.

    Tables that were not uploaded stay as they are. How many rows there must be is for the shipped editions only.
    """
    own = {name: content for name, content in tables.items() if name != "editions.yaml"}
    under = cut(base, current)
    files = overlay(under, own) | {"editions.yaml": _only(under["editions.yaml"], edition)}
    found, problems = examine_fully(files, today)
    late = _too_new(files, edition)
    return Upload(files, None if late else found.get(edition.id), tuple(sorted({*problems, *late})))


def _too_new(files: Files, edition: Edition) -> tuple[Problem, ...]:
    """A row that comes after the version it is uploaded for would be left out without a word."""
    report = Report()
    for row, category in read_categories(files, Report()):
        if category.since > edition.year:
            detail = f"{category.since} comes after this version, which is of {edition.year}"
            report.add(row.file, row.number, "since", detail, f"启用年份晚于本版（{edition.year}）")
    return report.faults()


def as_version(edition: Edition, version_id: str, title: str, effective_from: date) -> Edition:
    """What an edition becomes when its tables are changed: another id, another day, the same promise."""
    changed = edition.model_copy(update={"id": version_id, "title": title, "effective_from": effective_from})
    return changed.model_copy(update={"effective_to": None, "expected": None})
