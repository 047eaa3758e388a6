"""When an endpoint that keeps failing is given a rest, and how it is tried again: pure rules on a webhook's row."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, Self

type CircuitState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class Rests:
    failures: int
    """In a row, after which it rests."""
    seconds: tuple[float, ...]
    """How long the first rest is, the second …; all later ones are as long as the last."""

    def nth(self, openings: int) -> timedelta:
        return timedelta(seconds=self.seconds[min(openings, len(self.seconds)) - 1])


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed: everything is sent. Open: nothing is, and everything waits. Half open: one message is tried."""

    failures: int = 0
    opened_at: datetime | None = None
    open_until: datetime | None = None
    """While one message is tried, when another worker may try one."""
    openings: int = 0

    @classmethod
    def of(cls, row: Mapping[Any, Any]) -> Self:
        return cls(row["failures"], row["opened_at"], row["open_until"], row["openings"])

    @property
    def untroubled(self) -> bool:
        return self == Circuit()

    def state(self, now: datetime) -> CircuitState:
        if self.open_until is None:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def after(self, *, delivered: int, failed: int, probing: bool, rests: Rests, now: datetime) -> "Circuit":
        """A single success closes it. A failed probe lengthens the rest; what was under way when it opened does not."""
        if delivered or not failed:
            return Circuit() if delivered else self
        worse = replace(self, failures=self.failures + failed)
        if worse.failures < rests.failures or (self.open_until is not None and not probing):
            return worse
        openings = self.openings + 1
        return Circuit(worse.failures, self.opened_at or now, now + rests.nth(openings), openings)

    def tried_now(self, now: datetime) -> "Circuit":
        """Its owner wants to know: the rest is over, and one message is tried."""
        return self if self.open_until is None else replace(self, open_until=min(self.open_until, now))

    def values(self) -> dict[str, Any]:
        return asdict(self)
