"""The only place that reads a clock; everything else is told what time it is."""

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
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


class SharedClock:
    """What a small file says, read again whenever it has been replaced: all processes that name it agree, and whoever
    writes it (`set_shared`) moves the time of the whole system on, in steps or at a pace. A pace of 0 stands still.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._seen, self._clock = path, -1, AcceleratedClock(0.0, datetime.min.replace(tzinfo=UTC), 0.0)

    def now(self) -> datetime:
        written = self._path.stat().st_mtime_ns
        if written != self._seen:
            said = json.loads(self._path.read_bytes())
            self._clock = AcceleratedClock(said["anchor"], datetime.fromisoformat(said["start"]), said["rate"])
            self._seen = written
        return self._clock.now()

    def seconds_until(self, at: datetime) -> float:
        """At most a second: it may be moved on at any time."""
        ahead = (at - self.now()).total_seconds()
        if ahead <= 0 or self._clock.rate <= 0:
            return 0.0 if ahead <= 0 else 1.0
        return min(1.0, ahead / self._clock.rate)


class TimeRunsForward(ValueError):
    """A shared clock is never set back: what has happened would lie in the future."""


def set_shared(path: Path, at: datetime, rate: float = 0.0) -> None:
    """It is `at` now, everywhere, and time goes on `rate` times as fast as the real one. TimeRunsForward if it was later."""
    if rate < 0 or (path.exists() and at < SharedClock(path).now()):
        raise TimeRunsForward
    said = {"anchor": time.time(), "start": at.astimezone(UTC).isoformat(), "rate": rate}
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    new.write_text(json.dumps(said), encoding="utf-8")
    new.replace(path)


def clock_from(text: str) -> Clock:
    """`real`, `shared:<path of a file>`, or `accelerated:<unix seconds of the anchor>:<RFC 3339 start>:<rate>`."""
    if text == "real":
        return RealClock()
    if text.startswith("shared:"):
        return SharedClock(Path(text.removeprefix("shared:")))
    kind, anchor, rest = text.split(":", 2)
    start, rate = rest.rsplit(":", 1)
    if kind != "accelerated" or float(rate) <= 0:
        raise ValueError(f"clock must be real, shared:<path> or accelerated:<anchor>:<start>:<rate>, not {text!r}")
    return AcceleratedClock(float(anchor), datetime.fromisoformat(start).astimezone(UTC), float(rate))
