"""Owns `python -m services.router model retrain|list`: the models of a running system, in its database."""

import argparse
import asyncio
import json
import os
from collections.abc import Sequence

from services.router import models
from services.router.app import MANIFEST
from services.router.usecases import learning
from shared import logs
from shared.app import open_context


def run(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m services.router model")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser(
        "retrain", help="learn from the catalogue, decided and handled cases; processes take it over by themselves"
    )
    verbs.add_parser("list", help="all models, the one in use first")
    arguments = parser.parse_args(argv)
    asyncio.run(_retrain() if arguments.verb == "retrain" else _list())
    return 0


async def _retrain() -> None:
    os.nice(10)  # whatever waits for somebody goes before
    settings = MANIFEST.settings()
    logs.configure(MANIFEST.name, settings.log_level)
    async with open_context(MANIFEST, settings) as context:
        trained = await learning.retrain(context)
        experience = await learning.gather_experience(context)
    told = {"version": trained.version, **trained.metrics}
    told["experience"] = {"version": experience.version, "cases": experience.cases} if experience else None
    print(json.dumps(told, ensure_ascii=False))


async def _list() -> None:
    async with open_context(MANIFEST, MANIFEST.settings()) as context, context.begin() as tx:
        for row in await models.listed(tx.connection):
            said = {name: row[name] for name in ("version", "kind", "edition", "metrics")}
            print(json.dumps({**said, "trained_at": row["trained_at"].isoformat()}, ensure_ascii=False))
