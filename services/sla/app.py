"""The composition root of the stopwatch."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contracts import events
from services.sla import api, calendar_doors, firing, limit_doors, usecases, wording
from services.sla.alarm import NoticeWatch
from services.sla.consumers import CONSUMES, prefetch
from services.sla.kpi import doors as kpis
from services.sla.oversight import doors, supervision_doors
from services.sla.publications import Recounts
from services.sla.settings import Settings
from services.sla.store import SlaTx
from services.sla.tables import metadata
from services.sla.timers import CaughtUp, Timers
from shared.context import Context
from shared.loops import Loop
from shared.manifest import Manifest

NAME = "sla"


async def seed(context: Context[Settings, SlaTx]) -> None:
    async with context.begin() as tx:
        await usecases.seed_calendars(tx, now=context.clock.now())


def loops(context: Context[Settings, SlaTx]) -> Sequence[Loop]:
    settings = context.settings
    streams = sorted({event.stream() for event in CONSUMES})
    ready = CaughtUp(context.bus, streams, service=NAME, patience=settings.catch_up_seconds)
    poll, batch = settings.timer_poll_seconds, settings.timer_batch
    return [
        Timers(context.begin, context.clock, batch=batch, poll=poll, ready=ready),
        Recounts(context.begin, context.clock),
        NoticeWatch(context.begin, context.clock),
    ]


async def readiness(context: Context[Settings, SlaTx]) -> Mapping[str, str]:
    """How far the timers are behind, as seen from the database, whichever worker fires them."""
    async with context.begin() as tx:
        return wording.timers(await firing.waiting(tx, context.clock.now()), context.clock.now())


MANIFEST: Manifest[Settings, SlaTx] = Manifest(
    name=NAME,
    title="呼应 · 时限 (sla)",
    settings=Settings,
    tx=SlaTx,
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations",
    routes=[
        api.routes,
        calendar_doors.routes,
        limit_doors.routes,
        kpis.routes,
        doors.routes,
        supervision_doors.routes,
    ],
    paths=[
        *("clocks", "calendars", "due-dates", "limits", "kpis"),
        *("extensions", "suspensions", "supervisions", "appeals"),
    ],
    public=frozenset({"listed"}),
    publishes=events.SLA,
    consumes=CONSUMES,
    unordered=frozenset({"FEEDBACK"}),
    pace={"INTAKE": 0.3, "ROUTER": 0.3, "FEEDBACK": 0.3, "relay": 0.2},
    prefetch=prefetch,
    loops=loops,
    readiness=readiness,
    seed=seed,
)
