"""Group commit: requests that arrive while a commit is under way share the next one."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from shared.errors import Unavailable

type Flush[T, R] = Callable[[Sequence[T]], Awaitable[Sequence[R | Exception]]]
"""Makes all items durable in one transaction and answers each in order; an `Exception` in an item's place is its own."""


class GroupCommit[T, R]:
    """Answers every item only after the commit that holds it, at the price of one commit for many.

    Nobody waits for company: a lone item is flushed at once, and a group forms only from what came meanwhile. `lanes`
    flushes may run side by side, so that the next group travels while the last one is being synced to disk.
    """

    def __init__(self, flush: Flush[T, R], *, lanes: int = 2, most: int = 64) -> None:
        self._flush, self._lanes, self._most = flush, lanes, most
        self._queue: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def submit(self, item: T) -> R:
        """Raises what the flush raised for this item alone."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._queue.append((item, answer))
        if len(self._running) < self._lanes:
            lane = asyncio.create_task(self._run(), name="group commit")
            self._running.add(lane)
        return await answer

    async def _run(self) -> None:
        try:
            while self._queue:
                group = [self._queue.popleft() for _ in range(min(self._most, len(self._queue)))]
                await self._commit(group)
        finally:
            # Here and not in a callback of the task: an item that came between the two would find no lane.
            self._running.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    async def _commit(self, group: Sequence[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in group])
            for (_, answer), outcome in zip(group, answers, strict=True):
                _settle(answer, outcome)
        except Exception as error:
            # Something that is down is down for all; anything else is the fault of one, so each is tried alone.
            if len(group) == 1 or isinstance(error, Unavailable):
                for _, answer in group:
                    _settle(answer, error)
                return
            for pair in group:
                await self._commit([pair])

    async def close(self) -> None:
        """Lets what has been submitted come to its end."""
        while self._running:
            await asyncio.gather(*self._running)


def _settle[R](answer: asyncio.Future[R], outcome: R | Exception) -> None:
    if answer.done():  # who asked has hung up; what they sent is kept all the same
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)
