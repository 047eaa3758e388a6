"""Which channel a notice takes next: a pure decision over what is known of its reader, the templates and the hour."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.feedback.domain.notice import Channel, NoticeRule, NoticeRules, QuietHours, State


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a citizen has asked for; the channels they want, the dearest first, and hours of their own to be left alone."""

    channels: tuple[Channel, ...] | None = None
    """None: nothing asked for."""
    quiet: QuietHours | None = None

    def of(self, chain: Sequence[Channel]) -> list[Channel]:
        """The rule's chain as this person wants it: theirs is the order, the rule's the choice."""
        if self.channels is None:
            return list(chain)
        return [channel for channel in self.channels if channel in chain]


@dataclass(frozen=True, slots=True)
class Way:
    """What a channel's messenger is like."""

    real: bool = False
    """Somebody's phone rings; the visible outbox disturbs nobody at night."""
    needs_template: bool = False
    """The provider sends approved templates only."""
    needs_consent: bool = False
    """A message uses up one of the reader's consents (WeChat's one-time subscriptions)."""


@dataclass(slots=True)
class Reader:
    """What is known of who is to be told."""

    points: AbstractSet[Channel] = frozenset()
    """Channels there is a contact point for."""
    wishes: Wishes = field(default_factory=Wishes)
    consents: Mapping[str, bool] = field(default_factory=dict)
    """By template: whether a WeChat message may go out now."""
    had: Mapping[Channel, Sequence[datetime]] = field(default_factory=dict)
    """When messages went out to them within the last day."""
    expected: bool = False
    """Their contact point may still be on its way."""


@dataclass(frozen=True, slots=True)
class Take:
    channel: Channel


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    state: State
    reason: str


type Step = Take | Wait | Stop


def next_step(
    rule: NoticeRule,
    chain: Sequence[Channel],
    reader: Reader,
    *,
    ways: Mapping[Channel, Way],
    approved: AbstractSet[tuple[Channel, str]],
    rules: NoticeRules,
    now: datetime,
) -> Step:
    """The first channel of the chain that reaches the person now; waiting for a channel is better than the next one."""
    wanted = reader.wishes.of(chain)
    if chain and not wanted:
        return Stop("declined", "preference")
    missing: list[tuple[State, str]] = []
    for channel in wanted:
        way = ways.get(channel)
        if way is None or channel not in reader.points:
            continue
        if way.needs_template and (channel, rule.template) not in approved:
            missing.append(("no_template", f"{channel} has no approved template"))
        elif way.needs_consent and not reader.consents.get(rule.template, False):
            missing.append(("no_contact", "no consent left for a WeChat message"))
        else:
            wait = None if rule.urgent or not way.real else _put_off(channel, reader, rules, now)
            return wait or Take(channel)
    if reader.expected and not reader.points:
        return Wait(now + timedelta(seconds=1), "contact expected")
    state, reason = min(missing, key=lambda each: each[0] != "no_template", default=("no_contact", "no contact point"))
    return Stop(state, reason)


def _put_off(channel: Channel, reader: Reader, rules: NoticeRules, now: datetime) -> Wait | None:
    quiet = [rules.quiet_hours.until(now)] if channel in rules.quiet_hours.channels else []
    if reader.wishes.quiet is not None:
        quiet.append(reader.wishes.quiet.until(now))
    until = max((end for end in quiet if end is not None), default=None)
    if until is not None:
        return Wait(until, "quiet hours")
    limit = rules.frequency.get(channel)
    if limit is None:
        return None
    had = reader.had.get(channel, ())
    ends = [
        *_over(had, limit.per_hour, timedelta(hours=1), now),
        *_over(had, limit.per_day, timedelta(days=1), now),
    ]
    return Wait(max(ends), "too many messages") if ends else None


def _over(had: Iterable[datetime], most: int, window: timedelta, now: datetime) -> list[datetime]:
    """When the oldest of so many messages leaves the window; nothing when there is room."""
    recent = sorted(at for at in had if at > now - window)
    return [recent[-most] + window] if len(recent) >= most else []
