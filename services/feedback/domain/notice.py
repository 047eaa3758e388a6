"""Who is to be told what: one notice for each occurrence of a node and each audience."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from services.feedback.domain.facts import Facts
from services.feedback.domain.wording import Wording

Channel = Literal["wechat", "sms", "mail"]


@dataclass(frozen=True, slots=True)
class NoticeRule:
    node: str
    audience: str
    channels: tuple[Channel, ...]
    template: str
    needs_due: bool = False
    """The text names the promised time, so it waits until that is known."""


@dataclass(frozen=True, slots=True)
class Template:
    title: str
    wechat: Mapping[str, str]
    text: str


@dataclass(frozen=True, slots=True)
class NoticeRules:
    """One version of `catalog/notices.yaml`."""

    version: str
    limits: Mapping[str, int]
    signature: str
    rules: tuple[NoticeRule, ...]
    templates: Mapping[str, Template]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A node a case has come to: `replied:2` is the answer of the second round."""

    key: str
    rule: NoticeRule


def due_notices(facts: Facts, rules: NoticeRules) -> Iterator[Occurrence]:
    """What somebody must be told and has not been; nothing when the citizen wants no answer (接诉即办 by-laws)."""
    if facts.case_no is None or not facts.reply_wanted:
        return
    happened = _occurrences(facts)
    for rule in rules.rules:
        for turn in happened.get(rule.node, ()):
            key = f"{rule.node}:{turn}"
            if f"{key}/{rule.audience}" not in facts.noticed and not (rule.needs_due and facts.due_at is None):
                yield Occurrence(key, rule)


def _occurrences(facts: Facts) -> dict[str, list[int]]:
    refused = facts.closing is not None and facts.closing.outcome == "not_accepted"
    return {
        "accepted": [1] if facts.filed_at else [],
        "not_accepted": [1] if refused else [],
        "merged": [1] if facts.merged else [],
        "replied": [reply.round for reply in facts.replies],
        "reworked": [repeat.round for repeat in facts.repeats if repeat.cause != "review"],
        "supervised": [1] if facts.supervised_at else [],
    }


def values(facts: Facts, words: Wording) -> dict[str, str]:
    """What a notice's text may name; nothing of the person or of what they wrote."""
    return {
        "case_no": facts.case_no or "",
        "category": facts.category_name or words.types.get(facts.kind or "", ""),
        **words.names(facts),
    }


@dataclass(frozen=True, slots=True)
class Composed:
    """A notice in one channel's form."""

    title: str
    body: str
    fields: Mapping[str, str]


def compose(rules: NoticeRules, template: str, channel: Channel, named: Mapping[str, str]) -> Composed:
    """Fill in and cut to the channel's limits; WeChat refuses a whole message for one character too many."""
    chosen = rules.templates[template]
    if channel == "wechat":
        fields = {
            key: text.format_map(named)[: rules.limits[key.rstrip("0123456789")]] for key, text in chosen.wechat.items()
        }
        return Composed(chosen.title, "；".join(fields.values()), fields)
    body = chosen.text.format_map(named)
    if channel == "sms":
        return Composed(chosen.title, (rules.signature + body)[: rules.limits["sms"]], {})
    return Composed(chosen.title, body[: rules.limits["mail"]], {})
