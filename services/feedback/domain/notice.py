"""Who is to be told what: one notice for each occurrence of a node and each audience."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from services.feedback.domain.facts import Facts
from services.feedback.domain.wording import SHENZHEN, Wording

Channel = Literal["wechat", "sms", "mail", "phone", "desk"]
Audience = Literal["citizen", "unit"]
Informs = Literal["acceptance", "result"]
"""受理告知 and 办理告知, whose times are counted: 受理告知率, 办理告知率."""
State = Literal[
    "pending",  # its turn comes at `next_at`: just made, put off by quiet hours or a limit, or to be tried again
    "sending",  # a provider is being asked
    "calling",  # with the clerks, as a phone task
    "sent",  # a provider has taken it, or a unit has it on its desk
    "unknown",  # a provider may have taken it, and cannot be asked: not sent again by itself
    "failed",  # every channel was tried
    "no_contact",  # nobody to reach: anonymous, erased, or no contact point for any channel
    "no_template",  # a channel would reach the person, but its provider has not approved a template
    "declined",  # the person wants no notices
]
DEAD: tuple[State, ...] = ("failed", "unknown", "no_contact", "no_template", "declined")
"""Those that nothing moves any more, and a replay may."""


@dataclass(frozen=True, slots=True)
class NoticeRule:
    node: str
    audience: Audience
    channels: tuple[Channel, ...]
    """The fallback chain: each is tried when those before it do not reach the person."""
    template: str
    needs_due: bool = False
    """The text names the promised time, so it waits until that is known."""
    informs: Informs | None = None
    urgent: bool = False
    """Goes out in quiet hours too, and past the limits of frequency."""


@dataclass(frozen=True, slots=True)
class Template:
    title: str
    text: str
    wechat: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From evening to morning in Shenzhen nobody's phone rings for something that can wait."""

    begins: time
    ends: time
    channels: tuple[Channel, ...] = ()

    def until(self, now: datetime) -> datetime | None:
        """When it is over; None when it is not quiet now."""
        if self.begins == self.ends:
            return None
        local = now.astimezone(SHENZHEN)
        clock, overnight = local.time(), self.begins > self.ends
        late, early = clock >= self.begins, clock < self.ends
        if not (late or early if overnight else late and early):
            return None
        day = local.date() + timedelta(days=1 if overnight and late else 0)
        return datetime.combine(day, self.ends, SHENZHEN).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many messages one person gets at most."""

    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True)
class Calls:
    """How often a clerk tries to reach somebody, and how many hours lie between the tries."""

    attempts: int
    hours_between: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRules:
    """One version of `catalog/notices.yaml`."""

    version: str
    limits: Mapping[str, int]
    signature: str
    unnamed: Mapping[str, str]
    """What stands where a case has no value for a name; WeChat refuses empty fields."""
    quiet_hours: QuietHours
    frequency: Mapping[Channel, Frequency]
    calls: Calls
    rules: tuple[NoticeRule, ...]
    templates: Mapping[str, Template]

    def rule(self, occurrence: str, audience: str) -> NoticeRule | None:
        """The rule behind a notice; None once it has been taken out."""
        node = occurrence.partition(":")[0]
        return next((rule for rule in self.rules if (rule.node, rule.audience) == (node, audience)), None)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A node a case has come to: `replied:2` is the answer of the second round."""

    key: str
    rule: NoticeRule


def due_notices(facts: Facts, rules: NoticeRules) -> Iterator[Occurrence]:
    """What somebody must be told and has not been.

    A citizen who wants no answer gets no notices (接诉即办 by-laws); a unit's wait until the unit in charge is known.
    """
    if facts.case_no is None:
        return
    happened = _occurrences(facts)
    for rule in rules.rules:
        if not facts.reply_wanted if rule.audience == "citizen" else facts.lead() is None:
            continue
        for turn in happened.get(rule.node, ()):
            key = f"{rule.node}:{turn}"
            if f"{key}/{rule.audience}" not in facts.noticed and not (rule.needs_due and facts.due_at is None):
                yield Occurrence(key, rule)


def _occurrences(facts: Facts) -> dict[str, list[int]]:
    refused = facts.closing is not None and facts.closing.outcome == "not_accepted"
    return {
        "accepted": [1] if facts.filed_at else [],
        "not_accepted": [1] if refused else [],
        "merged": [1] if facts.beside and facts.beside.merged_at else [],
        "replied": [reply.round for reply in facts.replies],
        "reworked": [repeat.round for repeat in facts.repeats if repeat.cause != "review"],
        "overdue": [1] if facts.overdue_at else [],
        "supervised": [1] if facts.supervised_at else [],
    }


def values(facts: Facts, words: Wording) -> dict[str, str]:
    """What a notice's text may name; nothing of the person or of what they wrote."""
    due = facts.due_at.astimezone(SHENZHEN) if facts.due_at else None
    return {
        "case_no": facts.case_no or "",
        "category": facts.category_name or words.types.get(facts.kind or "", ""),
        # The one spelling WeChat takes in a `time` field.
        "due_time": f"{due.year}年{due.month}月{due.day}日 {due:%H:%M}" if due else "",
        **words.names(facts),
    }
