"""A citizen who watches: the progress stream as a client reads it, with the time each version arrived."""

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

type View = dict[str, Any]


@dataclass
class Watcher:
    """Keeps the newest view of one case and when each status was first seen (`time.perf_counter` seconds)."""

    case_no: str
    code: str
    view: View | None = None
    seen: dict[str, float] = field(default_factory=dict)
    """When `first` came anything, and each `status@round` for the first time."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def run(self, http: httpx.AsyncClient) -> None:
        """Read until the case is closed; a broken stream is resumed where it stopped."""
        last = ""
        while True:
            headers = {"X-Lookup-Code": self.code, **({"Last-Event-ID": last} if last else {})}
            try:
                async with http.stream("GET", f"/v1/progress/{self.case_no}/stream", headers=headers) as stream:
                    stream.raise_for_status()
                    last = await self._read(stream, last)
                    if self.view is not None and self.view.get("closed"):
                        return
            except httpx.TransportError:
                await asyncio.sleep(0.2)

    async def _read(self, stream: httpx.Response, last: str) -> str:
        data: list[str] = []
        async for line in stream.aiter_lines():
            if line.startswith("id:"):
                last = line[3:].strip()
            elif line.startswith("data:"):
                data.append(line[5:])
            elif not line and data:
                await self._take(json.loads("".join(data)))
                data = []
                if self.view is not None and self.view.get("closed"):
                    return last
        return last

    async def _take(self, view: View) -> None:
        if "nodes" not in view:
            return
        now = time.perf_counter()
        self.seen.setdefault("first", now)
        self.seen.setdefault(f"{view['status']['code']}@{view['round']}", now)
        async with self.changed:
            self.view = view
            self.changed.notify_all()

    async def until(self, condition: Callable[[View], bool], *, seconds: float) -> View:
        """The first view for which it holds. Raises `TimeoutError`."""
        async with asyncio.timeout(seconds), self.changed:
            while self.view is None or not condition(self.view):
                await self.changed.wait()
            return self.view
