"""`python -m services.sla calendar import|alarms`: notices of holidays from the command line."""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Literal

from services.sla import alarm, almanac
from services.sla.app import MANIFEST
from services.sla.notices import Notice, NoticeNotUsable, read_notice
from services.sla.publications import Publication, Recounts, dry_run, publish
from services.sla.recount import Preview
from services.sla.settings import Settings
from services.sla.store import SlaTx
from shared.app import open_context
from shared.context import Context
from shared.errors import DomainError

WRONG, REFUSED = 2, 1


def run(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.sla calendar", description="working calendars")
    verbs = parser.add_subparsers(dest="verb", required=True)
    take = verbs.add_parser("import", help="publish the holidays of a year from a JSON or CSV file")
    take.add_argument("file", type=Path)
    take.add_argument("--year", type=int, help="of a CSV file")
    take.add_argument("--source", default="", help="of a CSV file: which document says so")
    take.add_argument("--reason", default="载入年度放假安排")
    take.add_argument("--by", default="command line")
    take.add_argument("--dry-run", action="store_true", help="only say what would move")
    verbs.add_parser("alarms", help="say which year is missing; exit status 1 when that is urgent")
    arguments = parser.parse_args(argv)
    if arguments.verb == "alarms":
        return asyncio.run(_alarms())
    form: Literal["csv", "json"] = "csv" if arguments.file.suffix.lower() == ".csv" else "json"
    try:
        notice = read_notice(arguments.file.read_bytes(), form=form, year=arguments.year, source=arguments.source)
    except NoticeNotUsable as error:
        for fault in error.fields:
            print(f"{fault.pointer or '/'}: {fault.detail} {fault.zh}", file=sys.stderr)
        return WRONG
    except OSError as error:
        print(f"{arguments.file}: {error.strerror}", file=sys.stderr)
        return WRONG
    return asyncio.run(_publish(notice, arguments.reason, arguments.by, dry=arguments.dry_run))


async def _publish(notice: Notice, reason: str, by: str, *, dry: bool) -> int:
    async with open_context(MANIFEST, Settings()) as context:
        try:
            async with context.begin() as tx:
                hours = await almanac.hours_in_use(tx.connection)
                data = [notice.over(calendar.data) for calendar in hours.calendars.values()]
                publication = Publication(data, reason=reason, by=by)
                print(said(await dry_run(tx, publication)))
                if not dry:
                    await publish(tx, publication, now=context.clock.now())
        except DomainError as error:
            print(error, file=sys.stderr)
            return REFUSED
        print(*(f"{'would be' if dry else 'is'} in use: {each.version}" for each in data), sep="\n")
        if not dry:
            await _count_again(context)
    return 0


async def _count_again(context: Context[Settings, SlaTx]) -> None:
    """As far as it goes at once; a worker finishes what has to wait for older transactions."""
    recounts = Recounts(context.begin, context.clock)
    while await recounts.run_once():
        pass


def said(found: Preview) -> str:
    """What a publication moves, in lines."""
    lines = [
        f"{found.looked} open clocks looked at, {found.moved.total()} of {len(found.cases)} cases move",
        f"{found.later} later, {found.earlier} earlier; {found.confirmed} become certain",
    ]
    lines += [f"  {days:+d} days: {clocks} clocks" for days, clocks in sorted(found.days.items())]
    return "\n".join(lines)


async def _alarms() -> int:
    async with open_context(MANIFEST, Settings()) as context, context.begin() as tx:
        found = await alarm.look(tx, context.clock.now())
        waiting = await alarm.provisional_clocks(tx)
    for each in found:
        state = "ALARM" if each.raised else "ok"
        print(f"{state}\t{each.hours_code}\t{each.year} is not loaded, needed in {each.days_left} days")
    print(f"{waiting} open clocks are provisional")
    return REFUSED if any(each.raised for each in found) else 0
