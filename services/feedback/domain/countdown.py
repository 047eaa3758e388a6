"""How much working time is left until the promised time, counted in the calendar the promise itself carries."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from contracts.numbers import SHENZHEN

_MARK = b',"countdown":'
_NOTHING = b"null}"
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


@dataclass(slots=True)
class Span:
    """Which days are worked from `first` to the promised day, and in which hours; as the stopwatch has told."""

    first: date
    days: str
    """A character a day: `1` worked, `0` not. Empty when the limit runs through nights and holidays."""
    windows: tuple[tuple[int, int], ...]
    """Of a working day: seconds since midnight in Shenzhen, from and to."""

    @property
    def day_seconds(self) -> int:
        return sum(closes - opens for opens, closes in self.windows)


@dataclass(frozen=True, slots=True)
class Left:
    """Time left until a promised time."""

    seconds: int
    """Working seconds, or plain ones for a limit that runs through; 0 when it is over."""
    days: int
    """Working days after today, the promised one included: as people count them."""


def left(span: Span, due_at: datetime, now: datetime) -> Left:
    if now >= due_at:
        return Left(0, 0)
    here, end = now.astimezone(SHENZHEN), due_at.astimezone(SHENZHEN)
    if not span.days:
        return Left(int((due_at - now).total_seconds()), (end.date() - here.date()).days)
    # The promise may end at 24:00, which is the first second of the day after.
    last_day = (end - timedelta(seconds=1)).date()
    last, today = (last_day - span.first).days, (here.date() - span.first).days
    if today < 0:
        today, second = 0, 0
    else:
        second = _second(here)
    until = int((end - datetime(last_day.year, last_day.month, last_day.day, tzinfo=SHENZHEN)).total_seconds())
    days = span.days[today + 1 : last + 1].count("1")
    if today >= last:
        return Left(_worked(span, last, second, until), 0)
    whole = span.days[today + 1 : last].count("1") * span.day_seconds
    return Left(_worked(span, today, second, _DAY) + whole + _worked(span, last, 0, until), days)


def _second(at: datetime) -> int:
    return at.hour * _HOUR + at.minute * _MINUTE + at.second


def _worked(span: Span, day: int, since: int, until: int) -> int:
    """Working seconds of one day between two seconds of it."""
    if span.days[day : day + 1] != "1":
        return 0
    return sum(max(0, min(closes, until) - max(opens, since)) for opens, closes in span.windows)


def told(span: Span | None, due_at: datetime | None) -> dict[str, Any] | None:
    """What a view says of its countdown: everything from which it can be counted at any time, also by the client."""
    if due_at is None:
        return None
    counted: dict[str, Any] = {"due_at": due_at.isoformat(), "first_day": None, "working_days": "", "windows": []}
    if span is not None:
        counted |= {"first_day": span.first.isoformat(), "working_days": span.days, "windows": span.windows}
    return counted


def counted_down(view: bytes, now: datetime, words: Mapping[str, str]) -> bytes:
    """The rendered view with its countdown as it stands now; the countdown is the view's last member."""
    head, mark, tail = view.rpartition(_MARK)
    if not mark or tail == _NOTHING:
        return view
    given: dict[str, Any] = orjson.loads(tail[:-1])
    due_at = datetime.fromisoformat(given["due_at"])
    remaining: Left | None = None
    if given["first_day"] is not None:
        windows = tuple((opens, closes) for opens, closes in given["windows"])
        span = Span(date.fromisoformat(given["first_day"]), given["working_days"], windows)
        remaining = left(span, due_at, now)
    given |= {
        "at": now.isoformat(),
        "remaining_seconds": None if remaining is None else remaining.seconds,
        "working": bool(given["working_days"]),
        "text": said(remaining, due_at, now, words, working=bool(given["working_days"])),
    }
    return b"%s%s%s}" % (head, _MARK, orjson.dumps(given))


def said(remaining: Left | None, due_at: datetime, now: datetime, words: Mapping[str, str], *, working: bool) -> str:
    """`还剩2个工作日`, and hours and minutes on the last day."""
    if now >= due_at:
        return words["over"]
    if remaining is None:
        return words["unknown"]
    if remaining.days:
        return words["working_days" if working else "days"].format(days=remaining.days)
    hours, rest = divmod(remaining.seconds, _HOUR)
    kind = "hours" if hours else "minutes"
    return words[f"working_{kind}" if working else kind].format(hours=hours, minutes=rest // _MINUTE)
