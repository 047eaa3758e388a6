"""A few plain database connections for single statements that leave nothing behind, with as little around them as can be.

A general pool resets a connection each time it comes back, a second round trip, and makes tasks and timers for every
loan; at some thousand look-ups a second that is a third of the work.
"""

import asyncio
from typing import Any

import asyncpg

from shared.db import server_settings


class Lines:
    """At most `most` connections, made when first needed; a broken one is dropped and the next statement makes another."""

    def __init__(self, url: str, *, schema: str, most: int) -> None:
        # The statements are prepared once and always answered from an index: planning each anew costs more than running.
        self._url, self._settings = url, {**server_settings(schema), "plan_cache_mode": "force_generic_plan"}
        self._free: list[asyncpg.Connection[Any]] = []
        self._seats = asyncio.Semaphore(most)

    async def fetch(self, query: str, *given: object) -> "list[asyncpg.Record]":
        async with _Loan(self) as line:
            return await line.fetch(query, *given)

    async def execute(self, query: str, *given: object) -> None:
        async with _Loan(self) as line:
            await line.execute(query, *given)

    async def take(self) -> "asyncpg.Connection[Any]":
        """The line used last, the one most likely alive and warm; a new one when none is free."""
        await self._seats.acquire()
        try:
            while self._free:
                line = self._free.pop()
                if not line.is_closed():
                    return line
            return await asyncpg.connect(self._url, server_settings=self._settings, timeout=5, command_timeout=30)
        except BaseException:
            self._seats.release()
            raise

    def give_back(self, line: "asyncpg.Connection[Any]", *, broken: bool) -> None:
        self._seats.release()
        if broken:
            # Its statement failed or was given up; the server may still be busy with it.
            line.terminate()
        else:
            self._free.append(line)

    def close(self) -> None:
        while self._free:
            self._free.pop().terminate()


class _Loan:
    """A line for one statement."""

    __slots__ = ("_line", "_lines")

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    async def __aenter__(self) -> "asyncpg.Connection[Any]":
        self._line = await self._lines.take()
        return self._line

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._lines.give_back(self._line, broken=kind is not None)
