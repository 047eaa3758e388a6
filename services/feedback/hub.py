"""Who watches which case in this process, and how news reaches them: plain ASGI messages, the newest view only.

A watcher costs its connection and two small objects. A view is turned into bytes once for all its watchers, and each
gets it in an eager task, which ends at once unless the client is slow; a slow one keeps nobody waiting and finds the
newest view, not a queue, when it reads again.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.types import Send

HEARTBEAT = b":\n\n"


def chunk_of(case_no: str, version: int, closed: bool, view: bytes) -> bytes:
    """One event, and after a closing the final one; the stream itself stays open, a case may be opened again."""
    event = b"id: %d\nevent: progress\ndata: %s\n\n" % (version, view)
    if closed:
        event += b'id: %d\nevent: closed\ndata: {"case_no":"%s","version":%d}\n\n' % (
            version,
            case_no.encode(),
            version,
        )
    return event


@dataclass(frozen=True, slots=True)
class Told:
    """News of a case, with the look-up hash that opens it."""

    look_up_hash: str
    version: int
    closed: bool
    view: bytes


class Watcher:
    """One open stream."""

    __slots__ = ("_held", "_loop", "_pending", "_pump", "_send", "ended", "live", "news", "sent_at", "told", "version")

    def __init__(self, send: Send, *, version: int = 0) -> None:
        """`version`: the one the client already has."""
        self._send = send
        self._loop = asyncio.get_running_loop()
        self._pending: bytes | None = None
        self._pump: asyncio.Task[None] | None = None
        self._held: tuple[int, bytes] | None = None
        self.version = version
        self.live = False
        """False while it waits for its case to become known: then news only wakes it."""
        self.news: asyncio.Event | None = None
        self.told: Told | None = None
        """What was said of the case while it waited."""
        self.sent_at = 0.0
        self.ended = False

    def begin(self, version: int, first: bytes) -> None:
        """The client may see the case; `first` brings it to `version`."""
        self.version, self.live = version, True
        self._put(first)
        if self._held is not None:
            self.offer(*self._held)
            self._held = None

    def offer(self, version: int, chunk: bytes) -> None:
        """Send it unless the client has it; what was pending and not yet sent is superseded."""
        if self.ended:
            return
        if self.news is not None:
            self.news.set()
        if not self.live:
            self._held = (version, chunk)
            return
        if version > self.version:
            self.version = version
            self._put(chunk)

    def beat(self, *, silent_for: float) -> None:
        quiet = self._pump is None and not self.ended
        if self.live and quiet and self._loop.time() - self.sent_at >= silent_for:
            self._put(HEARTBEAT)

    def end(self) -> None:
        """Close the stream from our side; the client comes again with `Last-Event-ID`."""
        if self.ended:
            return
        self.ended = True
        if self.news is not None:
            self.news.set()
        if self.live:
            self._put(b"")

    def _put(self, chunk: bytes) -> None:
        self._pending = chunk
        if self._pump is None:
            pump = asyncio.Task(self._run(), loop=self._loop, eager_start=True)
            if not pump.done():
                self._pump = pump

    async def _run(self) -> None:
        try:
            while self._pending is not None:
                chunk, self._pending = self._pending, None
                await self._send({"type": "http.response.body", "body": chunk, "more_body": not self.ended})
            self.sent_at = self._loop.time()
        except OSError:
            self.live = False  # gone; the stream's own coroutine hears of it from `receive`
        finally:
            self._pump = None


class Hub:
    """The watchers of this process, by case number."""

    def __init__(self) -> None:
        self._watchers: dict[str, set[Watcher]] = {}
        self.closed = False

    def __len__(self) -> int:
        return sum(map(len, self._watchers.values()))

    def __iter__(self) -> Iterator[Watcher]:
        for group in self._watchers.values():
            yield from group

    def add(self, case_no: str, watcher: Watcher) -> None:
        self._watchers.setdefault(case_no, set()).add(watcher)

    def remove(self, case_no: str, watcher: Watcher) -> None:
        group = self._watchers.get(case_no)
        if group is not None:
            group.discard(watcher)
            if not group:
                del self._watchers[case_no]

    def watches(self, case_no: str) -> bool:
        return case_no in self._watchers

    def tell(self, case_no: str, version: int, closed: bool, view: bytes, look_up_hash: str = "") -> None:
        group = self._watchers.get(case_no)
        if group:
            chunk = chunk_of(case_no, version, closed, view)
            for watcher in list(group):
                if watcher.news is not None:
                    watcher.told = Told(look_up_hash, version, closed, view)
                watcher.offer(version, chunk)

    def versions(self) -> dict[str, int]:
        """The oldest version any watcher of each case has; cases nobody may see yet are left out."""
        return {
            case_no: min(live)
            for case_no, group in self._watchers.items()
            if (live := [w.version for w in group if w.live])
        }

    def beat(self, *, silent_for: float) -> None:
        for watcher in list(self):
            watcher.beat(silent_for=silent_for)

    def close(self) -> None:
        """The process is asked to stop: let everybody go, so that it can."""
        self.closed = True
        for watcher in list(self):
            watcher.end()
