"""`python -m services.sla limits explain|propose|simulate|publish`: the limit rules from the command line."""

import argparse
import asyncio
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import yaml
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from services.sla import compression, past
from services.sla.app import MANIFEST
from services.sla.calendars import shipped_calendar
from services.sla.compression import PastCase, Proposal
from services.sla.hours import SHENZHEN
from services.sla.limits import Asked, Edition, LimitBook, shipped_limits
from services.sla.published_limits import must_begin_later, publish_edition
from services.sla.settings import Settings
from services.sla.workdays import Calendar, Limit
from shared.app import open_context
from shared.errors import DomainError

WRONG, WIDTH = 2, 130


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.sla limits", description="limit rules")
    verbs = parser.add_subparsers(dest="verb", required=True)
    why = verbs.add_parser("explain", help="which rule gives a clock its limit, and which were passed over")
    why.add_argument("--clock", default="total")
    why.add_argument("--type", dest="type_code")
    why.add_argument("--category", dest="category_code", default="")
    why.add_argument("--grade", default="B")
    why.add_argument("--source", dest="channel_code", default="")
    why.add_argument("--group", dest="groups", action="append", default=[])
    why.add_argument("--emergency", action="store_true")
    why.add_argument("--standard", default="7 work_day", help="the standard's own limit")
    why.add_argument("--on", type=date.fromisoformat)
    for verb, what in (("propose", "new limits from what past cases used"), ("simulate", "past cases by an edition")):
        one = verbs.add_parser(verb, help=what)
        one.add_argument("--cases", type=Path, help="a CSV of past cases; else those kept here")
        one.add_argument("--from", dest="since", type=date.fromisoformat)
        one.add_argument("--to", dest="until", type=date.fromisoformat)
        one.add_argument("--on", type=date.fromisoformat, help="judge by the edition of that day; else today's")
        if verb == "simulate":
            one.add_argument("file", type=Path, help="an edition")
        else:
            one.add_argument("--basis", choices=("average", "p50", "p90"))
            one.add_argument("--out", type=Path, help="write the edition that follows")
            one.add_argument("--edition", default="next")
            one.add_argument("--valid-from", type=date.fromisoformat)
    publish = verbs.add_parser("publish", help="put an edition into force from its first day on")
    publish.add_argument("file", type=Path)
    publish.add_argument("--reason", required=True)
    publish.add_argument("--by", default="command line")
    publish.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        return {"explain": _explain, "propose": _propose, "simulate": _simulate, "publish": _publish}[arguments.verb](
            arguments
        )
    except (DomainError, ValidationError, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        for fault in error.fields if isinstance(error, DomainError) else ():
            print(f"{fault.pointer}: {fault.detail}", file=sys.stderr)
        return WRONG


def _on(day: date | None) -> datetime:
    return datetime.combine(day, datetime.min.time(), SHENZHEN) if day else datetime.now(SHENZHEN)


def _explain(given: argparse.Namespace) -> int:
    amount, unit = given.standard.split()
    asked = Asked(
        given.clock, given.type_code, given.grade, int(amount), unit, given.category_code,
        channel_code=given.channel_code, groups=tuple(given.groups), emergency=given.emergency,
    )  # fmt: skip
    found, weighed = shipped_limits().at(_on(given.on)).work_out(asked)
    for each in weighed:
        print(f"{'=>' if each.against is None else '  '} {each.rule_code}\t{each.against or each.reason}")
    print(f"{_text(found.limit)} by {found.rule_code}: {shipped_limits().explain(found.rule_code)}")
    return 0


def _propose(given: argparse.Namespace) -> int:
    cases, book = _cases(given)
    base, calendar = book.at(_on(given.on)), Calendar(shipped_calendar())
    rules = compression.shipped_rules()
    basis = given.basis or rules.basis
    found = compression.propose(cases, base, calendar, rules, basis)
    _show(found, basis)
    if given.out:
        valid_from = given.valid_from or _on(None).date() + timedelta(days=1)
        name = f"{valid_from.year}年办理时限（按实际用时压缩）"
        made = compression.edition_of(found, base, code=given.edition, name=name, valid_from=valid_from, basis=basis)
        text = yaml.safe_dump(made.model_dump(mode="json", exclude={"overlays"}), allow_unicode=True, sort_keys=False)
        given.out.write_text(text, encoding="utf-8")
    return 0


def _simulate(given: argparse.Namespace) -> int:
    cases, book = _cases(given)
    before, after = book.at(_on(given.on)), _edition(given.file)
    table = Table("type", "cases", f"late by {before.edition}", f"late by {after.edition}", "end earlier")
    for each in compression.simulate(cases, before, after, Calendar(shipped_calendar())):
        shares = (f"{n} ({n / each.cases:.1%})" for n in (each.late_before, each.late_after))
        table.add_row(each.type_code, str(each.cases), *shares, str(each.shorter))
    Console(width=WIDTH).print(table)
    return 0


def _publish(given: argparse.Namespace) -> int:
    return asyncio.run(_put_into_force(_edition(given.file), given.reason, given.by, dry=given.dry_run))


async def _put_into_force(edition: Edition, reason: str, by: str, *, dry: bool) -> int:
    async with open_context(MANIFEST, Settings()) as context, context.begin() as tx:
        book, now = (await tx.stopwatch()).book, context.clock.now()
        if dry:
            must_begin_later(edition, book, now)
        else:
            await publish_edition(tx.connection, edition, book, reason=reason, by=by, now=now)
    print(f"{edition.edition} {'would be' if dry else 'is'} in force from {edition.valid_from} on")
    return 0


def _edition(path: Path) -> Edition:
    return Edition.model_validate(yaml.safe_load(path.read_text("utf-8")))


def _cases(given: argparse.Namespace) -> tuple[list[PastCase], LimitBook]:
    if given.cases:
        return past.read_past(given.cases), shipped_limits()
    if given.since is None or given.until is None:
        raise ValueError("say --cases FILE, or --from and --to")
    return asyncio.run(_kept(_on(given.since), _on(given.until) + timedelta(days=1)))


async def _kept(since: datetime, until: datetime) -> tuple[list[PastCase], LimitBook]:
    async with open_context(MANIFEST, Settings()) as context, context.begin() as tx:
        return await past.past_cases(tx, since, until), (await tx.stopwatch()).book


def _show(found: list[Proposal], basis: str) -> None:
    table = Table("type", "category", "cases", "late", "average h", "P50", "P90", "now", f"by {basis}", "would be late")
    for each in found:
        hours = (f"{value:.1f}" if value is not None else "" for value in (each.average, each.p50, each.p90))
        limits = (_text(each.now), _text(each.proposed) if each.proposed else "")
        shares = [f"{value:.1%}" if value is not None else "" for value in (each.late_share, each.would_be_late)]
        table.add_row(each.type_code, each.category_code or "*", str(each.cases), shares[0], *hours, *limits, shares[1])
    Console(width=WIDTH).print(table)


def _text(limit: Limit) -> str:
    return f"{limit.amount} {limit.unit}"
