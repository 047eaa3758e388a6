"""The register's composition root."""

import json
from collections.abc import Sequence
from pathlib import Path

from contracts.events import INTAKE
from contracts.events.router import CaseClosed, CaseReopened, CaseReworked, OrderDispatched, OrderRedispatched
from services.intake import api, consumers
from services.intake.parts import open_parts
from services.intake.settings import Settings
from services.intake.store import Tx
from services.intake.tables import metadata
from services.intake.upkeep import Purge, Rotation
from shared import apikeys
from shared.context import Context
from shared.loops import Loop
from shared.manifest import Manifest


def loops(context: Context[Settings, Tx]) -> Sequence[Loop]:
    return (Purge(context), Rotation(context))


async def seed(context: Context[Settings, Tx]) -> None:
    """Admits the keys the operator of the system has made before the first start."""
    keys = json.loads(context.settings.first_api_keys.get_secret_value())
    async with context.begin() as tx:
        for key in keys:
            await apikeys.admit(
                tx.connection, key["key"], name=key["name"], roles=key["roles"], units=key.get("units", [])
            )


MANIFEST = Manifest(
    name="intake",
    title="Huying intake: the register",
    settings=Settings,
    tx=Tx,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations",
    routes=api.ROUTES,
    paths=("sessions", "cases", "calls", "letters", "attachments", "channels", "contact-reads"),
    public=api.PUBLIC,
    publishes=INTAKE,
    consumes={
        OrderDispatched: consumers.on_order_dispatched,
        OrderRedispatched: consumers.on_order_redispatched,
        CaseClosed: consumers.on_case_closed,
        CaseReworked: consumers.on_case_taken_up_again,
        CaseReopened: consumers.on_case_taken_up_again,
    },
    pace={"ROUTER": 0.5, "relay": 0.01},
    swift=frozenset({"relay"}),
    prefetch=consumers.prefetch,
    loops=loops,
    parts=open_parts,
    seed=seed,
    api_keys=True,
)
