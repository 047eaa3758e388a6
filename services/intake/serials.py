"""Serials of case numbers, taken from the database a block at a time."""

import asyncio
from typing import Any

import asyncpg

from services.intake.tables import SERIAL_BLOCK, case_serial_blocks

_NEXT = f"SELECT nextval('{case_serial_blocks.name}')"


class Serials:
    """Hands out each serial once over all processes; gaps are harmless, a round trip for every case would not be."""

    def __init__(self, pool: "asyncpg.Pool[Any]") -> None:
        self._pool = pool
        self._next = self._end = 0
        self._lock = asyncio.Lock()

    async def take(self) -> int:
        while self._next >= self._end:
            async with self._lock:
                if self._next >= self._end:
                    first = await self._pool.fetchval(_NEXT)
                    self._next, self._end = first, first + SERIAL_BLOCK
        self._next += 1
        return self._next - 1
