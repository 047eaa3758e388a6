"""A worker process: relay, consumers and the service's own loops, until SIGTERM."""

import asyncio
import contextlib
import gc
import logging
import signal
from functools import partial
from typing import Literal

from nats.aio.msg import Msg
from prometheus_client import start_http_server

from shared.app import open_context
from shared.consumer import Consumer
from shared.context import Context
from shared.db import Tx
from shared.loops import Loop, Runner
from shared.manifest import Manifest
from shared.relay import Relay
from shared.settings import ServiceSettings

log = logging.getLogger(__name__)

type Lane = Literal["all", "swift", "rest"]
"""`swift`: only what a citizen waits for (`Manifest.swift`), so that nothing else keeps its process; `rest`: the others."""


def relay_of[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], context: Context[S, T]) -> Relay:
    return Relay(
        context.bus,
        context.db.url,
        service=manifest.name,
        publishes=manifest.publishes,
        retention=context.settings.outbox_retention_minutes * 60,
        pace=manifest.pace.get("relay", 0.0),
    )


def consumers_of[S: ServiceSettings, T: Tx](
    manifest: Manifest[S, T], context: Context[S, T], *, patience: float = 0.5
) -> list[Consumer[T]]:
    return [
        Consumer(
            context.bus,
            context.begin,
            context.clock,
            service=manifest.name,
            stream=stream,
            handlers=handlers,
            prefetch=manifest.prefetch,
            ack_wait=context.settings.ack_wait_seconds,
            ordered=stream not in manifest.unordered,
            pace=manifest.pace.get(stream, 0.0),
            patience=patience,
        )
        for stream, handlers in manifest.sources().items()
    ]


def loops_of[S: ServiceSettings, T: Tx](
    manifest: Manifest[S, T], context: Context[S, T], lane: Lane = "all"
) -> tuple[Relay | None, list[Loop]]:
    """What runs on a lane: the relay, if it does, and everything else."""
    swift = lane != "rest", lane != "swift"
    relay = relay_of(manifest, context) if swift["relay" not in manifest.swift] else None
    consumers = [one for one in consumers_of(manifest, context) if swift[one.stream not in manifest.swift]]
    return relay, [*consumers, *(manifest.loops(context) if lane != "swift" else ())]


async def run[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S, lane: Lane = "all") -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    async with open_context(manifest, settings) as context:
        with contextlib.suppress(TimeoutError):
            await context.bus.ready(within=5)
        carries, others = loops_of(manifest, context, lane)
        relay = Runner(carries) if carries is not None else None
        runners = [*([relay] if relay else []), *map(Runner, others)]
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        for runner in runners:
            runner.start()
        waker = asyncio.create_task(listen(context, manifest.name, relay)) if relay else None
        log.info("worker of %s runs %s", manifest.name, ", ".join(runner.loop.name for runner in runners))
        await stop.wait()
        if waker is not None:
            waker.cancel()
        await asyncio.gather(*(runner.stop() for runner in runners))


async def listen[S: ServiceSettings, T: Tx](context: Context[S, T], name: str, relay: Runner) -> None:
    """Wake the relay when any process of this service has written events."""
    await context.bus.ready(within=10**9)

    async def woken(runner: Runner, _: Msg) -> None:
        runner.wake.set()

    await context.bus.client.subscribe(context.bus.name(f"wake.{name}"), cb=partial(woken, relay))
    await asyncio.Event().wait()
