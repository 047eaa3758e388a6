"""The loop by which a running process takes over a version of the catalogue, without a restart."""

from services.router.rulebook import Rulebook
from services.router.settings import Settings
from services.router.store import Tx
from shared.context import Context


class Takeover:
    """Asks every few seconds what is published; the day a version begins on then decides by itself."""

    name = "router:catalogue"
    idle = 3.0

    def __init__(self, context: Context[Settings, Tx], rulebook: Rulebook) -> None:
        self._context, self._rulebook = context, rulebook

    async def run_once(self) -> bool:
        async with self._context.begin() as tx:
            await self._rulebook.refresh(tx.connection)
        return False

    async def close(self) -> None:
        """Nothing is held."""
