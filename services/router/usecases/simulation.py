"""What an administrator does before a version is switched on: replay past cases by it. Nothing is written."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router import past_cases
from services.router.learning.experience import Experience
from services.router.past_cases import Period
from services.router.rulebook import Edition
from services.router.simulation import PastCase, Ruling, replay
from services.router.simulation_report import SimulationReport, Tally
from services.router.store import Tx
from services.router.usecases import catalogue

type Begin = Callable[[], AbstractAsyncContextManager[Tx]]


@dataclass(frozen=True, slots=True)
class Sides:
    """The rules that are compared: those proposed, and those in force."""

    proposed: Ruling
    today: Ruling
    experience: Experience | None = None

    def tally(self) -> Tally:
        return Tally(self.proposed.rules.catalogue, self.today.rules.catalogue)

    def take(self, tally: Tally, cases: Collection[PastCase]) -> None:
        """Pure, and takes a millisecond a case: for a thread of its own."""
        tally.take(replay(cases, self.proposed, self.today, self.experience))


async def sides(tx: Tx, version_id: str, *, now: datetime) -> Sides:
    """Any version, a draft as well as one that was withdrawn, against the edition in force."""
    await tx.rulebook.ready(tx.connection)
    today, model = tx.rulebook.in_force(now), tx.rulebook.model
    proposed = tx.rulebook.public(version_id)
    if proposed is None:
        proposed = Edition(await catalogue.catalogue_of(tx, version_id), today.rules.desk)
    return Sides(Ruling(proposed, model), Ruling(today, model), tx.rulebook.experience)


async def simulate(
    begin: Begin,
    compared: Sides,
    period: Period,
    *,
    after: UUID | None = None,
    most: int | None = None,
    recused: Collection[str] = (),
) -> tuple[SimulationReport, UUID | None]:
    """The cases of a period, at most so many (None: all); also answers with the case to go on after, if any is left.

    Each page is a short transaction of its own, so a long simulation holds nothing that others wait for.
    """
    tally, left = compared.tally(), most
    while left is None or left > 0:
        limit = past_cases.PAGE if left is None else min(past_cases.PAGE, left)
        async with begin() as tx:
            page = await past_cases.page(tx, period, after=after, limit=limit, recused=recused)
        tally.skipped += page.skipped
        await asyncio.to_thread(compared.take, tally, page.cases)
        after = page.last
        if after is None:
            break
        left = None if left is None else left - limit
    return tally.report(), after
