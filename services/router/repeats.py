"""Owns what is known of a citizen's earlier requests, for the tags that count repeats: one query for a whole batch."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.router.domain.cases import Case
from services.router.tagger import Past

# The newest of each citizen by ix_cases_citizen, so many and no more: somebody's thousand requests cost no more than
# another's fifty, and no clause counts further than to twenty.
_NEWEST = text("""
SELECT asked.citizen_id, past.case_id, past.category_code, past.channel_code, past.received_at
FROM unnest(CAST(:citizens AS uuid[])) AS asked (citizen_id)
CROSS JOIN LATERAL (
  SELECT case_id, category_code, channel_code, received_at FROM cases
  WHERE cases.citizen_id = asked.citizen_id ORDER BY case_id DESC LIMIT 50
) AS past
""")


class Repeats:
    """The earlier requests of some citizens, those of the same transaction included."""

    def __init__(self) -> None:
        self._past: dict[UUID, dict[UUID, Past]] = {}

    async def load(self, connection: AsyncConnection, citizens: Iterable[UUID | None]) -> None:
        """No query where everybody is anonymous, or known already."""
        wanted = {citizen for citizen in citizens if citizen is not None} - self._past.keys()
        if not wanted:
            return
        self._past |= {citizen: {} for citizen in wanted}
        for row in (await connection.execute(_NEWEST, {"citizens": sorted(wanted)})).all():
            self._past[row.citizen_id][row.case_id] = Past(row.category_code, row.channel_code, row.received_at)

    def of(self, case: Case) -> Sequence[Past]:
        """All but the case itself."""
        known = self._past.get(case.citizen_id, {}) if case.citizen_id else {}
        return [past for case_id, past in known.items() if case_id != case.case_id]

    def add(self, case: Case) -> None:
        """A case of this transaction, once it has its category."""
        if case.citizen_id in self._past:
            past = Past(case.category_code, case.channel_code, case.received_at)
            self._past[case.citizen_id][case.case_id] = past
