"""Reads the rule data this service ships: the citizen's words, the rule of content, the notices."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from services.feedback.domain.callback import CallbackRules
from services.feedback.domain.composing import kind_of
from services.feedback.domain.notice import NoticeRules
from services.feedback.domain.rating import ContentRule
from services.feedback.domain.wording import Wording

SHIPPED = Path(__file__).parent / "catalog"


@dataclass(frozen=True, slots=True)
class ChatWords:
    """One version of `catalog/chat.yaml`."""

    version: str
    welcome: str
    submit: str
    code_missing: str
    not_found: str
    too_many: str
    progress: str
    step: str
    due: str
    more: str


def wording(folder: Path = SHIPPED) -> Wording:
    return TypeAdapter(Wording).validate_python(_read(folder / "progress.yaml"))


def content_rule(folder: Path = SHIPPED) -> ContentRule:
    return TypeAdapter(ContentRule).validate_python(_read(folder / "rating.yaml"))


def callback_rules(folder: Path = SHIPPED) -> CallbackRules:
    return TypeAdapter(CallbackRules).validate_python(_read(folder / "callbacks.yaml"))


def notice_rules(folder: Path = SHIPPED) -> NoticeRules:
    """Raises `ValueError` when a rule names a template that is not there, or a field has a kind without a limit."""
    rules = TypeAdapter(NoticeRules).validate_python(_read(folder / "notices.yaml"))
    if missing := {rule.template for rule in rules.rules} - set(rules.templates):
        raise ValueError(f"notices.yaml names templates it does not have: {', '.join(sorted(missing))}")
    kinds = {kind_of(keyword) for template in rules.templates.values() for keyword in template.wechat}
    if unknown := kinds - set(rules.limits):
        raise ValueError(f"notices.yaml has no limit for fields of the kind {', '.join(sorted(unknown))}")
    twice = [key for key, n in Counter((rule.node, rule.audience) for rule in rules.rules).items() if n > 1]
    if twice:
        raise ValueError(f"notices.yaml has two rules for {twice[0][0]} and {twice[0][1]}")
    return rules


def chat_words(folder: Path = SHIPPED) -> ChatWords:
    return TypeAdapter(ChatWords).validate_python(_read(folder / "chat.yaml"))


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
