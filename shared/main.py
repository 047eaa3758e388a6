"""The command line every service has: `python -m services.<name> api|worker|migrate|parked`."""

import argparse
import asyncio

import uvicorn
import uvloop
from sqlalchemy import text

from shared import apikeys, logs, migrate, worker
from shared.app import create_door, open_context
from shared.db import Tx
from shared.manifest import Manifest
from shared.settings import ServiceSettings


def main[S: ServiceSettings, T: Tx](manifest: Manifest[S, T]) -> None:
    parser = argparse.ArgumentParser(prog=f"python -m services.{manifest.name}", description=manifest.title)
    verbs = parser.add_subparsers(dest="verb", required=True)
    api = verbs.add_parser("api", help="serve HTTP")
    api.add_argument("--host", default="127.0.0.1")
    api.add_argument("--port", type=int, default=8000)
    work = verbs.add_parser("worker", help="run the relay, the consumers and the timers")
    work.add_argument(
        "--lane", choices=("all", "swift", "rest"), default="all", help="only what a citizen waits for, or the rest"
    )
    verbs.add_parser("migrate", help="bring the schema to the newest version and load the shipped rule data")
    parked = verbs.add_parser("parked", help="list events that could not be applied")
    parked.add_argument("--replay", action="store_true", help="try them again, in order")
    if manifest.api_keys:
        key = verbs.add_parser("api-key", help="make an API key for a machine; it is shown once")
        key.add_argument("name")
        key.add_argument("--roles", required=True, help="comma separated")
        key.add_argument("--units", default="", help="comma separated unit codes")
    arguments = parser.parse_args()
    settings = manifest.settings()
    logs.configure(manifest.name, settings.log_level)
    if arguments.verb == "api":
        uvicorn.run(
            create_door(manifest, settings),
            host=arguments.host,
            port=arguments.port,
            loop="uvloop",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=5,
        )
    elif arguments.verb == "worker":
        uvloop.run(worker.run(manifest, settings, arguments.lane))
    elif arguments.verb == "migrate":
        asyncio.run(migrate_and_seed(manifest, settings))
    elif arguments.verb == "parked":
        asyncio.run(show_parked(manifest, settings, replay=arguments.replay))
    else:
        roles, units = arguments.roles.split(","), [u for u in arguments.units.split(",") if u]
        asyncio.run(make_key(manifest, settings, arguments.name, roles, units))


async def migrate_and_seed[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S) -> None:
    url = settings.database_url.get_secret_value()
    await migrate.upgrade(url, schema=manifest.name, folder=manifest.migrations)
    if manifest.seed is not None:
        async with open_context(manifest, settings) as context:
            await manifest.seed(context)


async def show_parked[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S, *, replay: bool) -> None:
    async with open_context(manifest, settings) as context:
        consumers = {consumer.stream: consumer for consumer in worker.consumers_of(manifest, context)}
        async with context.begin() as tx:
            query = "SELECT id, stream, body, reason FROM parked WHERE replayed_at IS NULL ORDER BY id"
            rows = (await tx.connection.execute(text(query))).all()
        for row in rows:
            outcome = ""
            if replay and await consumers[row.stream].replay(row.body):
                outcome = " → applied"
                async with context.begin() as tx:
                    done = text("UPDATE parked SET replayed_at = now() WHERE id = :id")
                    await tx.connection.execute(done, {"id": row.id})
            print(f"{row.id}\t{row.stream}\t{row.reason}{outcome}")
        print(f"{len(rows)} parked")


async def make_key[S: ServiceSettings, T: Tx](
    manifest: Manifest[S, T], settings: S, name: str, roles: list[str], units: list[str]
) -> None:
    async with open_context(manifest, settings) as context, context.begin() as tx:
        print(await apikeys.create(tx.connection, name=name, roles=roles, units=units))
