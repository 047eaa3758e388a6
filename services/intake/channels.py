"""The channel registry: where a request came in, and which of the main channels answers for it today."""

import csv
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Literal, Self, cast, get_args

from shared.errors import DomainError, FieldError

Kind = Literal["phone", "wechat", "app", "web", "mail", "social", "counter"]
State = Literal["kept", "merged", "closed", "moved"]

SHIPPED = Path(__file__).parent / "catalog" / "channels.csv"
_COLUMNS = ["code", "version", "name", "kind", "state", "merged_into", "aliases", "valid_from", "valid_to"]
_CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
_SPACES = re.compile(r"\s+")


class UnknownChannel(DomainError):
    """There is no such channel."""

    zh = "未知的受理渠道"


class ChannelsInvalid(ValueError):
    """The channel catalogue contradicts itself; every fault is listed with its line."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("the channel catalogue is invalid:\n" + "\n".join(self.faults))


@dataclass(frozen=True, slots=True)
class Channel:
    """One version of a channel, in force from `valid_from` until the day before `valid_to`.

    Shenzhen's Pingshan district folded 148 channels into three: a channel is kept, or its calls are merged into
    another, moved to another system, or it is closed and its users are sent on; then `merged_into` says where.
    """

    code: str
    version: int
    name: str
    kind: Kind
    state: State
    merged_into: str | None
    aliases: tuple[str, ...]
    valid_from: date
    valid_to: date | None

    def in_force(self, on: date) -> bool:
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def overlaps(self, other: "Channel") -> bool:
        return (other.valid_to is None or self.valid_from < other.valid_to) and (
            self.valid_to is None or other.valid_from < self.valid_to
        )

    def names(self) -> set[str]:
        """Everything the channel is called, folded for comparing."""
        return {_folded(each) for each in (self.code, self.name, *self.aliases)}


@dataclass(frozen=True, slots=True)
class Resolved:
    """`main` answers for the request; `original` is where it really came from and stays with the case for ever."""

    main: Channel
    original: Channel


class ChannelRegistry:
    """Finds channels by code, name or alias, as of a day."""

    def __init__(self, channels: Iterable[Channel]) -> None:
        """Raises `ChannelsInvalid`."""
        self._channels = tuple(channels)
        if faults := list(_contradictions(self._channels)):
            raise ChannelsInvalid(faults)
        self._by_name: defaultdict[str, list[Channel]] = defaultdict(list)
        for channel in self._channels:
            for name in channel.names():
                self._by_name[name].append(channel)

    @classmethod
    def read(cls, text: str) -> Self:
        """From CSV text with the columns of `catalog/channels.csv`; raises `ChannelsInvalid`."""
        rows = csv.DictReader(StringIO(text.removeprefix("\ufeff")))
        if rows.fieldnames != _COLUMNS:
            raise ChannelsInvalid([f"line 1: the columns must be {','.join(_COLUMNS)}"])
        channels, faults = [], []
        for row in rows:
            try:
                channels.append(_channel(row))
            except ValueError as error:
                faults.append(f"line {rows.line_num}: {error}")
        if faults:
            raise ChannelsInvalid(faults)
        return cls(channels)

    @classmethod
    def shipped(cls) -> Self:
        return cls.read(SHIPPED.read_text(encoding="utf-8"))

    def resolve(self, name: str, on: date, *, pointer: str = "/channel") -> Resolved:
        """By code, name or alias, in any case and spacing. Raises `UnknownChannel` at `pointer`."""
        original = self._find(name, on)
        if original is None:
            mains = ", ".join(channel.code for channel in self.mains(on))
            raise UnknownChannel(
                fields=(
                    FieldError(
                        pointer, f"is no channel of the register; the main ones are {mains}", "不是登记在册的渠道"
                    ),
                )
            )
        main = original
        while main.merged_into is not None:
            # The catalogue was checked: the way ends, in a kept channel that is in force on the same day.
            main = next(each for each in self._by_name[_folded(main.merged_into)] if each.in_force(on))
        return Resolved(main, original)

    def mains(self, on: date) -> tuple[Channel, ...]:
        """The channels citizens are told to use."""
        return tuple(channel for channel in self.all(on) if channel.state == "kept")

    def all(self, on: date) -> tuple[Channel, ...]:
        return tuple(channel for channel in self._channels if channel.in_force(on))

    def _find(self, name: str, on: date) -> Channel | None:
        return next((channel for channel in self._by_name.get(_folded(name), ()) if channel.in_force(on)), None)


def _channel(row: dict[str, str]) -> Channel:
    if None in row or None in row.values():
        raise ValueError("has too few or too many columns")
    kind, state = row["kind"], row["state"]
    if not _CODE.fullmatch(row["code"]):
        raise ValueError(f"code {row['code']!r} must be snake_case")
    if kind not in get_args(Kind):
        raise ValueError(f"kind {kind!r} is none of {', '.join(get_args(Kind))}")
    if state not in get_args(State):
        raise ValueError(f"state {state!r} is none of {', '.join(get_args(State))}")
    if (state == "kept") == bool(row["merged_into"]):
        raise ValueError("a kept channel leads nowhere else, and every other one must say where its users go")
    if not row["name"].strip():
        raise ValueError("name is empty")
    valid_from = date.fromisoformat(row["valid_from"])
    valid_to = date.fromisoformat(row["valid_to"]) if row["valid_to"] else None
    if valid_to is not None and valid_to <= valid_from:
        raise ValueError("valid_to must come after valid_from")
    return Channel(
        code=row["code"],
        version=int(row["version"]),
        name=row["name"].strip(),
        kind=cast("Kind", kind),
        state=cast("State", state),
        merged_into=row["merged_into"] or None,
        aliases=tuple(alias.strip() for alias in row["aliases"].split("|") if alias.strip()),
        valid_from=valid_from,
        valid_to=valid_to,
    )


def _contradictions(channels: tuple[Channel, ...]) -> Iterator[str]:
    if not any(channel.state == "kept" for channel in channels):
        yield "no channel is kept"
    for (code, version), count in Counter((each.code, each.version) for each in channels).items():
        if count > 1:
            yield f"{code} has version {version} more than once"
    owners: defaultdict[str, list[Channel]] = defaultdict(list)
    for channel in channels:
        for name in sorted(channel.names()):
            for other in owners[name]:
                if channel.overlaps(other):
                    yield f"{name!r} means both {other.code} v{other.version} and {channel.code} v{channel.version}"
            owners[name].append(channel)
    for channel in channels:
        yield from _dead_ends(channel, channels)


def _dead_ends(channel: Channel, channels: tuple[Channel, ...]) -> Iterator[str]:
    """On every day a channel is in force, the way onward must end in a kept one; it can only change on these days."""
    days = {channel.valid_from, *(day for each in channels for day in (each.valid_from, each.valid_to) if day)}
    for day in sorted(day for day in days if channel.in_force(day)):
        seen: set[str] = set()
        at: Channel | None = channel
        while at is not None and at.merged_into is not None and at.code not in seen:
            seen.add(at.code)
            target = at.merged_into
            at = next((each for each in channels if each.code == target and each.in_force(day)), None)
        if at is None or at.merged_into is not None:
            yield f"{channel.code} v{channel.version} leads to no kept channel on {day}"
            return


def _folded(name: str) -> str:
    return _SPACES.sub("", unicodedata.normalize("NFKC", name)).casefold()
