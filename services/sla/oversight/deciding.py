"""Who may decide, and which of the things one might do are open now, with the reason where one is not."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from shared.errors import DomainError, Forbidden
from shared.tokens import Actor


class OtherUnitsMatter(Forbidden):
    """This is the matter of another unit."""

    zh: ClassVar[str] = "不是本单位的事项"


class NotYourPart(Forbidden):
    """This step is decided by others."""

    zh: ClassVar[str] = "本环节由其他岗位办理"


class DecidedBySomebodyElse(Forbidden):
    """Two steps are decided by two people."""

    zh: ClassVar[str] = "前后两个环节须由不同的人办理"


@dataclass(frozen=True, slots=True)
class Permission:
    """One thing somebody might do, whether it is open to them now, and if not why."""

    action: str
    allowed: bool
    reason: str = ""
    reason_zh: str = ""


def permission(action: str, allowed: Callable[[], None]) -> Permission:
    """`allowed` raises the rule that keeps it from being done."""
    try:
        allowed()
    except DomainError as refused:
        return Permission(action, allowed=False, reason=refused.title(), reason_zh=refused.zh)
    return Permission(action, allowed=True)


def must_have(by: Actor, roles: Iterable[str]) -> None:
    if not by.has(*roles, "admin"):
        raise NotYourPart


def must_be_of(by: Actor, unit_code: str | None, *roles: str) -> None:
    """Of that unit, in one of these roles."""
    must_have(by, roles)
    if unit_code not in by.units:
        raise OtherUnitsMatter


class Decision(BaseModel):
    """What one person decided in one step."""

    model_config = ConfigDict(frozen=True)

    by: str
    at: datetime
    agreed: bool
    note: str = ""


def must_be_another(by: Actor, decided: Iterable[Decision]) -> None:
    if any(decision.by == by.id for decision in decided):
        raise DecidedBySomebodyElse
