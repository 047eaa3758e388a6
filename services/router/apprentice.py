"""The loop that sees to it that there is a model: the first one is trained beside the running system, at its leisure."""

import asyncio
import logging
import sys
from asyncio.subprocess import Process

from services.router import models
from services.router.settings import Settings
from services.router.store import Tx
from shared.context import Context

log = logging.getLogger(__name__)

COMMAND = ("-m", "services.router", "model", "retrain")


class Apprentice:
    """Training takes a minute and a process of its own, so that neither the start nor any case waits for it.

    Several workers may begin at once; the same texts make the same version, so the second one changes nothing.
    """

    name = "router:apprentice"
    idle = 5.0

    def __init__(self, context: Context[Settings, Tx]) -> None:
        self._context = context
        self._training: Process | None = None
        self._done = not context.settings.learn_at_start

    async def run_once(self) -> bool:
        if self._done:
            return False
        if self._training is None:
            async with self._context.begin() as tx:
                self._done = "classifier" in await models.newest(tx.connection)
            if not self._done:
                self._training = await asyncio.create_subprocess_exec(sys.executable, *COMMAND)
        elif self._training.returncode is not None:
            self._done = True
            if self._training.returncode:
                log.warning("the first model could not be trained: `python -m services.router model retrain` says why")
        return False

    async def close(self) -> None:
        if self._training is not None and self._training.returncode is None:
            self._training.terminate()
            await self._training.wait()
