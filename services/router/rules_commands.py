"""`python -m services.router rules simulate`: what a proposed catalogue would have made of past cases."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.router import past_cases
from services.router.catalogue import exchange, reading
from services.router.catalogue.files import read_folder
from services.router.catalogue.sheet import CatalogueInvalid
from services.router.catalogue.whole import Catalogue
from services.router.catalogue_commands import show
from services.router.domain.rules import SHENZHEN, DeskRules
from services.router.joint import Learned
from services.router.learning import folder
from services.router.rulebook import DESK, Edition, Rulebook, read_desk
from services.router.simulation import Ruling
from services.router.simulation_report import Flow, Side, SimulationReport
from services.router.store import Tx
from services.router.usecases import catalogue as usecases
from services.router.usecases import simulation
from services.router.usecases.catalogue import Base
from services.router.usecases.simulation import Begin, Sides
from shared.clock import clock_from
from shared.db import Database
from shared.errors import DomainError, InvalidInput

MOST_FLOWS_SHOWN, MOST_EXAMPLES_SHOWN = 15, 3
"""Examples of each kind; the JSON has more."""


class DatabaseNotNamed(InvalidInput):
    """Cases and versions of a running system need ROUTER_DATABASE_URL, as the service itself has it."""

    zh = "读取数据库中的事件或版本，须设置环境变量ROUTER_DATABASE_URL"


class Reached(BaseSettings):
    """What of the service's settings is needed to look into its database; no keys, no secrets of others."""

    model_config = SettingsConfigDict(env_prefix="ROUTER_", frozen=True, extra="ignore", hide_input_in_errors=True)

    database_url: SecretStr = SecretStr("")
    catalogue_folder: Path | None = None
    clock: str = "real"


def run(argv: Sequence[str]) -> int:
    """0 when it was simulated, whatever came out; 1 when something is wrong, which has been told."""
    arguments = _parse(argv)
    try:
        report = asyncio.run(_simulated(arguments))
    except CatalogueInvalid as invalid:
        show(invalid.problems)
    except DomainError as refused:
        print(f"{refused} {refused.zh}")
        for one in refused.fields:
            print(f"  {one.detail} {one.zh}")
    except OSError as error:
        print(f"{error.filename}: {error.strerror}")
    else:
        if arguments.json:
            print(report.model_dump_json(indent=2))
        else:
            tell(report)
        return 0
    return 1


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m services.router rules", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    simulate = verbs.add_parser("simulate", help="replay past cases by a version that is not switched on yet")
    proposed = simulate.add_mutually_exclusive_group(required=True)
    proposed.add_argument("--version", help="id of an uploaded version")
    proposed.add_argument("--catalogue", type=Path, help="folder of tables, or a changed x.xlsx, x.zip or table")
    simulate.add_argument("--as", dest="version_id", help="id the changed file would get; this year when left out")
    simulate.add_argument("--cases", type=Path, help=f"CSV with {','.join(past_cases.COLUMNS)}; only text is needed")
    simulate.add_argument("--from", dest="first", type=date.fromisoformat, help="first day, in Shenzhen")
    simulate.add_argument("--to", dest="end", type=date.fromisoformat, help="the day after the last one")
    simulate.add_argument("--model", type=Path, help="folder of the learned model that is in use, where one is")
    simulate.add_argument("--json", action="store_true", help="the whole report as JSON")
    arguments = parser.parse_args(argv)
    if (arguments.cases is None) == (arguments.first is None) or (arguments.first is None) != (arguments.end is None):
        simulate.error("say which cases: either --cases FILE, or --from DAY and --to DAY")
    return arguments


async def _simulated(arguments: argparse.Namespace) -> SimulationReport:
    reached, period = Reached(), None
    now = clock_from(reached.clock).now()
    if arguments.cases is None:
        period = past_cases.Period(arguments.first, arguments.end)
    if arguments.version is None and period is None:
        files = read_folder(reached.catalogue_folder or reading.SHIPPED)
        newest = max(reading.read_all(files).values(), key=lambda one: one.edition.effective_from)
        compared = _compared(arguments, Base(files, newest), read_desk(DESK), now)
        return _of_file(arguments.cases, compared, now)
    async with _database(reached, _model(arguments)) as begin:
        async with begin() as tx:
            compared = await _by_database(tx, arguments, now)
        if period is None:
            return _of_file(arguments.cases, compared, now)
        report, _ = await simulation.simulate(begin, compared, period)
        return report


@asynccontextmanager
async def _database(reached: Reached, model: Learned | None) -> AsyncIterator[Begin]:
    if not reached.database_url.get_secret_value():
        raise DatabaseNotNamed
    rulebook = Rulebook()
    rulebook.open(reached.catalogue_folder)
    rulebook.model = model
    database = Database(reached.database_url.get_secret_value(), schema="router", pool=1)
    try:
        yield lambda: database.begin(partial(Tx, rulebook=rulebook))
    finally:
        await database.close()


async def _by_database(tx: Tx, arguments: argparse.Namespace, now: datetime) -> Sides:
    if arguments.version is not None:
        return await simulation.sides(tx, arguments.version, now=now)
    await tx.rulebook.ready(tx.connection)
    today = tx.rulebook.in_force(now).rules
    base = await usecases.base_of(tx, today.catalogue.edition.id)
    return replace(_compared(arguments, base, today.desk, now), experience=tx.rulebook.experience)


def _compared(arguments: argparse.Namespace, base: Base, desk: DeskRules, now: datetime) -> Sides:
    source: Path = arguments.catalogue
    proposed = _of_folder(source) if source.is_dir() else _laid_over(base, source, arguments.version_id, now)
    model = _model(arguments)
    return Sides(Ruling(Edition(proposed, desk), model), Ruling(Edition(base.catalogue, desk), model))


def _model(arguments: argparse.Namespace) -> Learned | None:
    return None if arguments.model is None else folder.load(arguments.model)


def _of_folder(source: Path) -> Catalogue:
    return reading.load(source)


def _laid_over(base: Base, source: Path, version_id: str | None, now: datetime) -> Catalogue:
    """What an upload of this file would make; raises `CatalogueInvalid` with every fault."""
    today = now.astimezone(SHENZHEN).date()
    edition = exchange.as_version(base.catalogue.edition, version_id or str(today.year), "proposed", today)
    tables = exchange.received(source.name, source.read_bytes())
    upload = exchange.proposed(base.files, base.catalogue, tables, edition, today)
    if upload.catalogue is None:
        raise CatalogueInvalid([one for one in upload.problems if one.level == "fault"])
    return upload.catalogue


def _of_file(path: Path, compared: Sides, now: datetime) -> SimulationReport:
    tally = compared.tally()
    cases, tally.skipped = past_cases.from_csv(path, compared.today.rules.catalogue, now)
    compared.take(tally, cases)
    return tally.report()


def tell(report: SimulationReport) -> None:
    """For people at a terminal: how many, where to, and some cases by their number."""
    print(f"{report.replayed} cases by {report.version}, against {report.against} in force; {report.skipped} skipped")
    for kind in report.kinds:
        print(f"  {kind.zh} {kind.kind}: {kind.count} ({kind.share:.1%}), by the change {kind.by_change}")
    print(f"dispatched elsewhere 改派: {report.elsewhere}, of which unusual 与以往承办单位不符: {report.unusual}")
    _flows(report.unit_flows)
    print("filed elsewhere 改归事项:")
    _flows(report.category_flows)
    print("classes 大类:")
    for one in report.classes:
        if one.changed:
            print(f"  {one.code} {one.name}: {one.changed} of {one.cases}, by the change {one.by_change}")
    print("examples 举例:")
    for kind in report.kinds:
        found = [one for one in report.examples if one.kind == kind.kind and one.by_change]
        for example in found[:MOST_EXAMPLES_SHOWN]:
            print(f"  {kind.zh} {example.case_no}: {_side(example.before)} → {_side(example.after)}")


def _flows(flows: Sequence[Flow]) -> None:
    for flow in flows[:MOST_FLOWS_SHOWN]:
        way = f"{flow.from_code} {flow.from_name} → {flow.to_code} {flow.to_name}"
        print(f"  {way}: {flow.count}, by the change {flow.by_change}")


def _side(side: Side) -> str:
    told = (side.category_code, side.category_name, side.standard, side.limit, side.unit_name)
    return " ".join(part for part in told if part) or side.state
