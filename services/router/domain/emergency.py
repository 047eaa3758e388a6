"""平战一体: an emergency that is on, which cases it is about, and the holder that every rule asks."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.router.units import Places


@dataclass(frozen=True, slots=True)
class Emergency:
    """On from its declaration until its end, or until somebody lifts it."""

    emergency_id: UUID
    theme_code: str
    title: str
    areas: frozenset[str]
    """Subdistricts or communities; empty for the whole district."""
    categories: frozenset[str]
    until: datetime

    def covers(self, area_code: str | None, category_codes: Collection[str | None], places: Places) -> bool:
        """True when the place lies in one of its areas and one of these is among its categories."""
        if self.categories.isdisjoint(code for code in category_codes if code):
            return False
        return not self.areas or not self.areas.isdisjoint({area_code, places.subdistrict_of(area_code)})


class Alarm:
    """The emergencies that are on, as this process last heard of them; most days there is none and asking costs nothing."""

    def __init__(self) -> None:
        self._known: tuple[Emergency, ...] = ()

    def put(self, known: Iterable[Emergency]) -> None:
        self._known = tuple(known)

    def on(self, now: datetime) -> tuple[Emergency, ...]:
        return tuple(one for one in self._known if now < one.until) if self._known else ()

    def about(
        self, area_code: str | None, category_code: str | None, places: Places, *, now: datetime
    ) -> Emergency | None:
        """The one whose orders run in urgent hours, if there is one."""
        return next((one for one in self.on(now) if one.covers(area_code, (category_code,), places)), None)
