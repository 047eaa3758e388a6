"""A service described in one value: its composition root writes it, the house runs it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.cloudevents import Event
from shared.consumer import Handlers, Prefetch
from shared.context import Context
from shared.db import Tx
from shared.loops import Loop
from shared.settings import ServiceSettings

type Parts[S: ServiceSettings, T: Tx] = Callable[[Context[S, T]], AbstractAsyncContextManager[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Manifest[S: ServiceSettings, T: Tx]:
    name: str
    title: str
    settings: Callable[[], S]
    tx: Callable[[AsyncConnection], T]
    metadata: MetaData
    migrations: Path
    routes: Sequence[APIRouter] = ()
    paths: Sequence[str] = ()
    """First path segments after `/v1/` that belong to this service; no two services share one."""
    public: frozenset[str] = frozenset()
    """Names of the route functions that need no actor."""
    publishes: Sequence[type[Event]] = ()
    consumes: Handlers[T] = field(default_factory=dict)
    unordered: frozenset[str] = frozenset()
    """Streams of which only the handled types are read, in any order: their handlers must not depend on it."""
    pace: Mapping[str, float] = field(default_factory=dict)
    """Seconds between rounds of a stream's consumer, or of the `relay`: under load, what nobody waits for takes fewer
    transactions and leaves the processor to what somebody does."""
    swift: frozenset[str] = frozenset()
    """Streams, or the `relay`, a citizen waits for: a process of its own may carry them (`worker --lane swift`)."""
    prefetch: Prefetch[T] | None = None
    loops: Callable[[Context[S, T]], Sequence[Loop]] = lambda _: ()
    """Loops of the worker beside relay and consumers: timers, webhooks."""
    api_loops: Callable[[Context[S, T]], Sequence[Loop]] = lambda _: ()
    """Loops every API process runs: what feeds its open streams."""
    parts: Parts[S, T] | None = None
    seed: Callable[[Context[S, T]], Awaitable[None]] | None = None
    """Loads the rule data the service ships; run after every migration, harmless when repeated."""
    api_keys: bool = False
    readiness: Callable[[Context[S, T]], Awaitable[Mapping[str, str]]] | None = None
    """More for `/readyz` to say, by name: what is not wrong with the service and still worth a look."""

    def sources(self) -> dict[str, dict[type[Event], Any]]:
        """Handlers by the stream their events come on."""
        by_stream: dict[str, dict[type[Event], Any]] = {}
        for event, handler in self.consumes.items():
            by_stream.setdefault(event.stream(), {})[event] = handler
        return by_stream
