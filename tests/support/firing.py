"""A worker that does nothing but fire timers, to be killed: `python -m tests.support.firing URL BATCH`."""

import asyncio
import sys

from services.sla.store import SlaTx
from services.sla.timers import Timers
from shared.clock import RealClock
from shared.db import Database
from shared.loops import Runner


async def run(url: str, batch: int) -> None:
    database = Database(url, schema="sla", pool=2)
    runner = Runner(Timers(lambda: database.begin(SlaTx), RealClock(), batch=batch, poll=0.01))
    runner.start()
    print("firing", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], int(sys.argv[2])))
