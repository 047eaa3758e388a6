"""What may be added to a case, when and how often: pure rules, with the figures and words of `catalog/additions.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, Self
from uuid import UUID

import yaml
from pydantic import BaseModel, ConfigDict, Field

from contracts.numbers import SHENZHEN
from shared.errors import Conflict, DomainError, FieldError, TooMany

SHIPPED = Path(__file__).parent.parent / "catalog" / "additions.yaml"

type Kind = Literal["urge", "supplement", "withdrawal"]
type By = Literal["citizen", "operator"]

Count = Annotated[int, Field(ge=1)]


class CaseHasEnded(Conflict):
    """The case has ended, so nothing can be added to it."""

    zh = "该诉求已办结，不能再催办、补充或撤回。如有新的情况，请重新提交诉求"

    def __init__(self, outcome: str, zh: str) -> None:
        super().__init__(f"the case ended: {outcome}", outcome=outcome)
        self.__dict__["zh"] = zh  # how it ended decides the words


class UrgedAlready(TooMany):
    """The case has been urged already; the unit has heard of it."""

    zh = "今天已经催办过，承办单位已收到提醒，请明天再催办"


class WithdrawnAlready(Conflict):
    """The withdrawal of this case has been asked for already."""

    zh = "已提交过撤回申请，请勿重复提交"


class SupplementsAreFull(Conflict):
    """This case takes no more supplements."""

    zh = "补充次数已达上限，请等待承办单位联系，或拨打12345说明"


class UnknownWithdrawalReason(DomainError):
    """This is not one of the reasons for withdrawing."""

    zh = "撤回原因不在可选范围内"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UrgeRule(_Data):
    most: Count
    days: Count

    def since(self, now: datetime) -> datetime:
        """The beginning, in Shenzhen, of the days that are counted together with today."""
        today = now.astimezone(SHENZHEN).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=self.days - 1)

    def may(self, lately: int, *, now: datetime) -> None:
        """`lately`: urges since `since(now)`. Raises `UrgedAlready`, to be tried again when a new day begins."""
        if lately >= self.most:
            tomorrow = self.since(now) + timedelta(days=self.days)
            raise UrgedAlready(retry_after=int((tomorrow - now).total_seconds()) + 1)


class SupplementRule(_Data):
    longest: Count
    most: Count


class WithdrawalReason(_Data):
    code: str
    zh: str


class GuessRule(_Data):
    per_number: Count
    per_address: Count
    minutes: Count


class AdditionRules(_Data):
    """One version of the rules."""

    version: str
    urge: UrgeRule
    supplement: SupplementRule
    withdrawal_reasons: tuple[WithdrawalReason, ...]
    guesses: GuessRule
    ended: Mapping[str, str]

    @classmethod
    def shipped(cls, path: Path = SHIPPED) -> Self:
        rules = cls.model_validate(yaml.safe_load(path.read_text("utf-8")))
        if "other" not in rules.ended:
            raise ValueError(f"{path.name} does not say what is read of a case that ended some other way")
        return rules

    def must_be_open(self, outcome: str | None) -> None:
        """Raises `CaseHasEnded` in words that name what is still possible."""
        if outcome is not None:
            raise CaseHasEnded(outcome, self.ended.get(outcome, self.ended["other"]))

    def reason(self, code: str) -> str:
        """Raises `UnknownWithdrawalReason`, naming those there are."""
        if code not in (known := [each.code for each in self.withdrawal_reasons]):
            field = FieldError("/reason_code", f"is none of {', '.join(known)}", "请从给出的原因中选择")
            raise UnknownWithdrawalReason(fields=(field,))
        return code


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who adds something, after the door has made sure that the case is theirs or that they may speak for callers."""

    by: By
    channel_code: str
    owner: str
    """As attachments name who sent them."""


@dataclass(slots=True)
class Added:
    """A case as far as adding to it goes."""

    case_id: UUID
    case_no: str
    channel_code: str
    sequence: int
    """Of the register's last event about it."""
    outcome: str | None
    """How it ended; None while it is being handled."""

    def next(self) -> int:
        self.sequence += 1
        return self.sequence
