"""The router's composition root."""

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from contracts.events import ROUTER
from services.router import consumers, signing, staff, tables
from services.router.api import (
    accounts,
    advice,
    catalogue,
    departments,
    desk,
    duty,
    emergencies,
    ending,
    merging,
    orders,
    parallel,
    quality,
    replies,
    rulings,
    tags,
    tasks,
    versions,
)
from services.router.api import staff as sessions
from services.router.apprentice import Apprentice
from services.router.people import second_factor
from services.router.people.roles import staff_rules
from services.router.rulebook import Rulebook
from services.router.settings import Settings
from services.router.store import Tx
from services.router.takeover import Takeover
from services.router.upkeep import Upkeep
from services.router.usecases.people import People
from services.router.webhooks import Courier
from shared import apikeys
from shared.clock import RealClock
from shared.context import Context
from shared.loops import Loop
from shared.manifest import Manifest
from shared.tokens import TokenIssuer

RULEBOOK = Rulebook()
"""Handlers and use cases reach it through their transaction."""


@asynccontextmanager
async def parts(context: Context[Settings, Tx]) -> AsyncIterator[dict[str, Any]]:
    RULEBOOK.open(context.settings.catalogue_folder)
    keyring = signing.Keyring.of(context.settings.vault_keys.get_secret_value(), current=context.settings.vault_current)
    yield {
        "rulebook": RULEBOOK,
        "keyring": keyring,
        "people": People(staff_rules(), staff.Passwords(), keyring),
        "tokens": TokenIssuer(context.settings.signing_key.get_secret_value()),
    }


def loops(context: Context[Settings, Tx]) -> Sequence[Loop]:
    return [
        Courier(context, signed_at=RealClock().now, random=secrets.SystemRandom().random),
        Upkeep(context),
        Takeover(context, RULEBOOK),
        Apprentice(context),
    ]


def api_loops(context: Context[Settings, Tx]) -> Sequence[Loop]:
    return [Takeover(context, RULEBOOK)]


async def seed(context: Context[Settings, Tx]) -> None:
    """First accounts and keys; what exists already stays as it is. Secrets of webhooks come under the current key."""
    settings, passwords, now = context.settings, context.parts["people"].passwords, context.clock.now()
    accounts = staff.FIRST_ACCOUNTS.validate_json(settings.first_accounts.get_secret_value())
    keys = staff.FIRST_KEYS.validate_json(settings.first_api_keys.get_secret_value())
    async with context.begin() as tx:
        for account in accounts:
            await staff.create(tx.connection, account, passwords, now=now)
        await signing.renew(tx.connection, context.parts["keyring"])
        await second_factor.renew(tx.connection, context.parts["keyring"])
        for key in keys:
            await apikeys.admit(tx.connection, key.key, name=key.name, roles=list(key.roles), units=list(key.units))


MANIFEST = Manifest(
    name="router",
    title="Huying router: the desk",
    settings=Settings,
    tx=partial(Tx, rulebook=RULEBOOK),
    metadata=tables.metadata,
    migrations=Path(__file__).parent / "migrations",
    routes=[
        sessions.routes,
        accounts.routes,
        duty.routes,
        emergencies.routes,
        desk.routes,
        quality.routes,
        advice.routes,
        tags.routes,
        merging.routes,
        orders.routes,
        replies.routes,
        parallel.routes,
        ending.routes,
        rulings.routes,
        tasks.routes,
        departments.routes,
        catalogue.routes,
        versions.routes,
    ],
    paths=(
        *("staff", "orders", "rulings", "tasks", "desk", "duties", "emergencies"),
        *("catalogue", "catalogue-versions", "units", "webhooks", "feed"),
    ),
    public=frozenset(
        {
            "open_session",
            "read_catalogue",
            "search_catalogue",
            "read_outside_code",
            "read_tags",
            "read_entry",
            "read_units",
        }
    ),
    publishes=ROUTER,
    consumes=consumers.HANDLERS,
    unordered=frozenset({"FEEDBACK", "SLA"}),
    pace={"INTAKE": 0.12, "FEEDBACK": 0.12, "SLA": 0.3, "relay": 0.08},
    prefetch=consumers.prefetch,
    loops=loops,
    api_loops=api_loops,
    parts=parts,
    seed=seed,
    api_keys=True,
)
