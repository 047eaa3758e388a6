"""Reads the rule data this service ships: the citizen's words, the rule of content, the notices."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from services.feedback.domain.callback import CallbackRules
from services.feedback.domain.notice import NoticeRules
from services.feedback.domain.rating import ContentRule
from services.feedback.domain.wording import Wording

SHIPPED = Path(__file__).parent / "catalog"


def wording(folder: Path = SHIPPED) -> Wording:
    return TypeAdapter(Wording).validate_python(_read(folder / "progress.yaml"))


def content_rule(folder: Path = SHIPPED) -> ContentRule:
    return TypeAdapter(ContentRule).validate_python(_read(folder / "rating.yaml"))


def callback_rules(folder: Path = SHIPPED) -> CallbackRules:
    return TypeAdapter(CallbackRules).validate_python(_read(folder / "callbacks.yaml"))


def notice_rules(folder: Path = SHIPPED) -> NoticeRules:
    """Raises `ValueError` when a rule names a template that is not there."""
    rules = TypeAdapter(NoticeRules).validate_python(_read(folder / "notices.yaml"))
    if missing := {rule.template for rule in rules.rules} - set(rules.templates):
        raise ValueError(f"notices.yaml names templates it does not have: {', '.join(sorted(missing))}")
    return rules


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
