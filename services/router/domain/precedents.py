"""What the panel has ruled before: by category, subdistrict and words, as later dispatches cite it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.events.router import Reason


@dataclass(frozen=True, slots=True)
class Precedent:
    """A ruling that stands for later cases of its kind."""

    ruling_id: UUID
    case_no: str
    category_code: str
    subdistrict_code: str | None
    """None where the place did not matter."""
    words: tuple[str, ...]
    lead: str
    co_units: tuple[str, ...]
    made_at: datetime

    def fits(self, subdistrict: str | None, text: str) -> bool:
        here = self.subdistrict_code is None or self.subdistrict_code == subdistrict
        return here and (not self.words or any(word in text for word in self.words))

    def reason(self, unit_name: str) -> Reason:
        """As the dispatcher, and the unit, may check it."""
        return Reason(kind="precedent", text=f"{self.case_no} {self.made_at:%Y-%m-%d} {unit_name}")


class Precedents:
    """All that stand, found by category; of several that fit, one with words goes first, then the latest."""

    def __init__(self, found: Iterable[Precedent] = ()) -> None:
        self._by_category: dict[str, list[Precedent]] = {}
        for one in sorted(found, key=lambda one: (bool(one.words), one.made_at), reverse=True):
            self._by_category.setdefault(one.category_code, []).append(one)

    def find(self, category_code: str, subdistrict: str | None, text: str) -> Precedent | None:
        return next((one for one in self._by_category.get(category_code, ()) if one.fits(subdistrict, text)), None)

    def of(self, category_code: str | None, subdistrict: str | None) -> list[Precedent]:
        """What a dispatcher is shown beside a case, whatever its words."""
        held = self._by_category.get(category_code or "", ())
        return [one for one in held if one.subdistrict_code in (None, subdistrict)]
