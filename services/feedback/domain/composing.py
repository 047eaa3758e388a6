"""A notice in one channel's form: WeChat's fields by their types, a text message by its segments, a mail."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from string import Formatter

from services.feedback.domain.notice import Channel, NoticeRules

_FIRST_SEGMENT, _LATER_SEGMENT = 70, 67
"""Characters of a text message in UCS-2: one alone holds 140 octets, each part of a longer one loses six to its header."""
_CLOCK = r"\d{1,2}:\d{2}(:\d{2})?"
_DATE = r"\d{4}年\d{1,2}月\d{1,2}日"
_TIME = re.compile(rf"({_DATE} )?{_CLOCK}|{_DATE}( {_CLOCK})?")


class UnfitField(ValueError):
    """A value that WeChat would refuse in its field (47003); names the field only."""


@dataclass(frozen=True, slots=True)
class Composed:
    """A notice in one channel's form."""

    title: str
    body: str
    fields: Mapping[str, str]
    """WeChat's, by keyword."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """What fills a text message's approved template, in the order of the text."""
    segments: int | None = None


def compose(rules: NoticeRules, template: str, channel: Channel, named: Mapping[str, str]) -> Composed:
    """Fill in and cut to the channel's limits; WeChat refuses a whole message for one character too many.

    Raises `UnfitField`.
    """
    chosen = rules.templates[template]
    named = {**named, **{name: text for name, text in rules.unnamed.items() if not named.get(name)}}
    if channel == "wechat":
        fields = {key: _fitted(rules, key, text.format_map(named)) for key, text in chosen.wechat.items()}
        return Composed(chosen.title, "；".join(fields.values()), fields)
    body = chosen.text.format_map(named)
    if channel == "sms":
        text = (rules.signature + body)[: rules.limits["sms"]]
        longest = rules.limits["sms_parameter"]
        parameters = {name: named[name][:longest] for name in placeholders(chosen.text)}
        return Composed(chosen.title, text, {}, parameters, segments(text))
    return Composed(chosen.title, body[: rules.limits["mail"]], {})


def placeholders(text: str) -> list[str]:
    """The names a text has room for, once each, in order."""
    return list(dict.fromkeys(name for _, name, _, _ in Formatter().parse(text) if name))


def segments(text: str) -> int:
    """How many text messages this is charged as: 70 characters in one, then 67 in each (UTF-16 code units)."""
    length = len(text.encode("utf-16-le")) // 2
    return 1 if length <= _FIRST_SEGMENT else -(-length // _LATER_SEGMENT)


def kind_of(keyword: str) -> str:
    """`thing2` is a `thing`."""
    return keyword.rstrip("0123456789")


def _fitted(rules: NoticeRules, keyword: str, text: str) -> str:
    kind = kind_of(keyword)
    fitted = _KINDS.get(kind, str.strip)(text)[: rules.limits[kind]]
    if not fitted or (kind in ("time", "date") and not _TIME.fullmatch(fitted)):
        raise UnfitField(keyword)
    return fitted


def _chinese(text: str) -> str:
    return "".join(letter for letter in text if "\u4e00" <= letter <= "\u9fff")


def _ascii(text: str) -> str:
    return "".join(letter for letter in text if "!" <= letter <= "~")


_KINDS: Mapping[str, Callable[[str], str]] = {"phrase": _chinese, "character_string": _ascii}
"""`phrase` takes Chinese characters only, `character_string` anything but them."""
