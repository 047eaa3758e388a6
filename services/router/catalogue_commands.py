"""`python -m services.router catalogue stats|check|export|import|import-codes`: without a database and without settings."""

import argparse
import json
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from services.router.catalogue import archive, codemaps, exchange, reading, workbook
from services.router.catalogue.diff import changes
from services.router.catalogue.editions import Edition
from services.router.catalogue.examination import examine_fully
from services.router.catalogue.files import Files, read_folder
from services.router.catalogue.sheet import CatalogueInvalid, Problem
from services.router.catalogue.stats import stats
from services.router.catalogue.whole import Catalogue
from services.router.domain.rules import SHENZHEN
from shared.clock import RealClock
from shared.errors import DomainError


def run(argv: Sequence[str]) -> int:
    """0 when all is well, 1 when something is wrong, which has been told."""
    parser = argparse.ArgumentParser(prog="python -m services.router catalogue", description=__doc__)
    parser.add_argument("--catalogue", type=Path, default=reading.SHIPPED, help="folder of the tables (what ships)")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("stats", help="counts, as JSON")
    check = verbs.add_parser("check", help="every wrong row, and what somebody should look at")
    check.add_argument("--quiet", action="store_true", help="faults only, no warnings")
    export = verbs.add_parser("export", help="one edition as a workbook, a zip archive or a folder")
    export.add_argument("--edition", help="the newest when left out")
    export.add_argument("--out", type=Path, required=True, help="x.xlsx, x.zip, or a folder")
    take = verbs.add_parser("import", help="look at a changed workbook, archive or table, and take it over")
    take.add_argument("file", type=Path)
    take.add_argument("--edition", help="what it is compared with; the newest when left out")
    take.add_argument("--as", dest="version", help="id of the version it would make; the edition's own when left out")
    then = take.add_mutually_exclusive_group(required=True)
    then.add_argument("--dry-run", action="store_true", help="only say what is wrong and what would change")
    then.add_argument("--out", type=Path, help="write the whole set into this new folder when nothing is wrong")
    codes = verbs.add_parser("import-codes", help="add the codes of an outside table to codemaps.csv")
    codes.add_argument("file", type=Path, help="CSV or xlsx: category,table,code,name, or category,code,name")
    codes.add_argument("--table", choices=codemaps.TABLES, help="for files without a column `table`")
    codes.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args(argv)
    verb: Callable[[argparse.Namespace], int] = VERBS[arguments.verb]
    try:
        return verb(arguments)
    except CatalogueInvalid as invalid:
        show(invalid.problems)
    except DomainError as refused:
        print(f"{refused} {refused.zh}")
        for one in refused.fields:
            print(f"  {one.detail} {one.zh}")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}")
    return 1


def today() -> date:
    return RealClock().now().astimezone(SHENZHEN).date()


def show(problems: Sequence[Problem]) -> None:
    """One line for each, in both languages, with the sheet and the column as people call them."""
    for one in problems:
        mark = "✗" if one.level == "fault" else "!"
        where = f"{one.file} {workbook.sheet_title(one.file)}"
        column = f"{one.column} {workbook.heading(one.column)}" if one.column else ""
        print(f"{mark} {where} · row {one.row} · {column} · {one.detail} · {one.zh}")
    faults = sum(one.level == "fault" for one in problems)
    print(f"{faults} faults, {len(problems) - faults} warnings")


def show_stats(arguments: argparse.Namespace) -> int:
    files = read_folder(arguments.catalogue)
    print(json.dumps(stats(files, reading.read_all(files)), ensure_ascii=False, indent=2))
    return 0


def check_all(arguments: argparse.Namespace) -> int:
    _, problems = examine_fully(read_folder(arguments.catalogue), today())
    faults = [one for one in problems if one.level == "fault"]
    show(faults if arguments.quiet else problems)
    return 1 if faults else 0


def export_edition(arguments: argparse.Namespace) -> int:
    files, catalogue = _edition(arguments)
    tables = exchange.cut(files, catalogue)
    out: Path = arguments.out
    if out.suffix == ".xlsx":
        out.write_bytes(workbook.write({name: tables[name] for name in workbook.as_tables(tables)}))
    elif out.suffix == ".zip":
        out.write_bytes(archive.write(tables))
    else:
        _write_folder(out, tables)
    print(f"edition {catalogue.edition.id}: {len(catalogue.categories)} categories → {out}")
    return 0


def take_over(arguments: argparse.Namespace) -> int:
    files, current = _edition(arguments)
    source: Path = arguments.file
    given = read_folder(source) if source.is_dir() else exchange.received(source.name, source.read_bytes())
    edition: Edition = current.edition
    if arguments.version:
        edition = exchange.as_version(edition, arguments.version, edition.title, today())
    upload = exchange.proposed(files, current, given, edition, today())
    show(upload.problems)
    if upload.catalogue is None:
        return 1
    found = changes(current, upload.catalogue)
    for one in found:
        print(one)
    print(f"{len(found)} changes against edition {current.edition.id}")
    if arguments.out:
        _write_folder(arguments.out, upload.files)
        print(f"written to {arguments.out}")
    return 0


def take_codes(arguments: argparse.Namespace) -> int:
    files, source = read_folder(arguments.catalogue), Path(arguments.file)
    rows = codemaps.codes_in(source.name, source.read_bytes(), arguments.table)
    added, merged = codemaps.merged(files, rows)
    candidate = {**files, "codemaps.csv": merged}
    _, problems = reading.examine(candidate)
    wrong = [one for one in problems if one.file == "codemaps.csv"]
    show(wrong)
    if wrong:
        return 1
    if not arguments.dry_run:
        (arguments.catalogue / "codemaps.csv").write_bytes(merged)
    print(f"{added} codes {'would be ' if arguments.dry_run else ''}added")
    return 0


def _edition(arguments: argparse.Namespace) -> tuple[Files, Catalogue]:
    files = read_folder(arguments.catalogue)
    editions = reading.read_all(files)
    if arguments.edition and arguments.edition not in editions:
        raise reading.NoEditionInForce(f"there is no edition {arguments.edition}, only {', '.join(sorted(editions))}")
    newest = max(editions.values(), key=lambda one: one.edition.effective_from)
    return files, editions[arguments.edition] if arguments.edition else newest


def _write_folder(out: Path, files: Files) -> None:
    out.mkdir(parents=True, exist_ok=False)
    for name, content in files.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_bytes(content)


VERBS = {
    "stats": show_stats,
    "check": check_all,
    "export": export_edition,
    "import": take_over,
    "import-codes": take_codes,
}
