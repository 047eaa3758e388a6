"""A worker process: relay, consumers and the service's own loops, until SIGTERM."""

import asyncio
import contextlib
import gc
import logging
import signal
from collections.abc import Sequence
from functools import partial

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


async def run[S: ServiceSettings, T: Tx](manifest: Manifest[S, T], settings: S) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if settings.metrics_port:
        start_http_server(settings.metrics_port)
    async with open_context(manifest, settings) as context:
        with contextlib.suppress(TimeoutError):
            await context.bus.ready(within=5)
        relay = Runner(relay_of(manifest, context))
        others: Sequence[Loop] = [*consumers_of(manifest, context), *manifest.loops(context)]
        runners = [relay, *map(Runner, others)]
        gc.collect()
        gc.freeze()
        gc.set_threshold(20_000, 50, 100)
        for runner in runners:
            runner.start()
        waker = asyncio.create_task(listen(context, manifest.name, relay))
        log.info("worker of %s runs %s", manifest.name, ", ".join(runner.loop.name for runner in runners))
        await stop.wait()
        waker.cancel()
        await asyncio.gather(*(runner.stop() for runner in runners))


async def listen[S: ServiceSettings, T: Tx](context: Context[S, T], name: str, relay: Runner) -> None:
    """Wake the relay when any process of this service has written events."""
    await context.bus.ready(within=10**9)

    async def woken(runner: Runner, _: Msg) -> None:
        runner.wake.set()

    await context.bus.client.subscribe(context.bus.name(f"wake.{name}"), cb=partial(woken, relay))
    await asyncio.Event().wait()
