"""The only place that reads a clock; everything else is told what time it is."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The present instant, aware and in UTC."""

    def seconds_until(self, at: datetime) -> float:
        """Real seconds to wait until this clock shows `at` (0 when past)."""


class RealClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def seconds_until(self, at: datetime) -> float:
        return max(0.0, (at - self.now()).total_seconds())


@dataclass
class FixedClock:
    """Stands still until a test moves it."""

    at: datetime

    def now(self) -> datetime:
        return self.at

    def seconds_until(self, at: datetime) -> float:
        return max(0.0, (at - self.at).total_seconds())

    def advance(self, **delta: float) -> None:
        self.at += timedelta(**delta)


@dataclass(frozen=True)
class AcceleratedClock:
    """Runs `rate` times as fast as the real one from `anchor` on; every process given the same three numbers agrees."""

    anchor: float
    start: datetime
    rate: float

    def now(self) -> datetime:
        return self.start + timedelta(seconds=(time.time() - self.anchor) * self.rate)

    def seconds_until(self, at: datetime) -> float:
        return max(0.0, (at - self.now()).total_seconds() / self.rate)


def clock_from(text: str) -> Clock:
    """`real`, or `accelerated:<unix seconds of the anchor>:<RFC 3339 start>:<rate>`."""
    if text == "real":
        return RealClock()
    kind, anchor, rest = text.split(":", 2)
    start, rate = rest.rsplit(":", 1)
    if kind != "accelerated" or float(rate) <= 0:
        raise ValueError(f"clock must be real or accelerated:<anchor>:<start>:<rate>, not {text!r}")
    return AcceleratedClock(float(anchor), datetime.fromisoformat(start).astimezone(UTC), float(rate))
