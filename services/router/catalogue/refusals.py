"""Owns why a request is not accepted (不予受理), which channel is the right one, and what is handed over at once."""

from functools import cached_property
from typing import Annotated, Self

from pydantic import Field, model_validator

from contracts.events.intake import CaseType
from services.router.catalogue.rules import Rules

Word = Annotated[str, Field(min_length=2, max_length=24, pattern=r"^[^\s+]+(?:\+[^\s+]+)*$")]
Code = Annotated[str, Field(pattern=r"^[a-z_]{2,30}$")]


class Service(Rules):
    """Whom an emergency is handed over to, and the words that tell it is theirs."""

    number: Annotated[str, Field(pattern=r"^[0-9]{3,6}$")]
    name: Annotated[str, Field(min_length=2, max_length=20)]
    words: Annotated[tuple[Word, ...], Field(min_length=1)]
    """Any of them; parts joined by `+` must all occur."""

    @property
    def called(self) -> str:
        return f"{self.number}（{self.name}）"


class HandOver(Rules):
    """紧急警情: what is passed on the moment it comes in, and what keeps a request from being taken for one."""

    reason: Code
    types: Annotated[tuple[CaseType, ...], Field(min_length=1)]
    """A question or a suggestion is no emergency, whatever its words."""
    max_chars: Annotated[int, Field(ge=20)]
    """Who is in danger does not write a letter."""
    except_words: tuple[Word, ...] = ()
    """Where one of them stands, it is a complaint about something past, lasting or feared."""
    services: Annotated[tuple[Service, ...], Field(min_length=1)]
    told: Annotated[str, Field(min_length=4, max_length=200)]
    """What the citizen reads; `{services}` names whom it was handed to."""
    channel: Annotated[str, Field(min_length=4, max_length=200)]
    """Likewise, where to turn now."""

    def called(self, services: tuple[Service, ...]) -> str:
        return "、".join(one.called for one in services)


class Refusal(Rules):
    """One reason, as staff choose it and as the citizen reads it."""

    code: Code
    zh: Annotated[str, Field(min_length=4, max_length=60)]
    en: str
    public_reason: Annotated[str, Field(min_length=6, max_length=200)]
    right_channel: Annotated[str, Field(min_length=4, max_length=200)]
    basis: str = ""
    """Where the rule comes from."""


class RefusalRules(Rules):
    """`refusals.yaml`."""

    reasons: Annotated[tuple[Refusal, ...], Field(min_length=1)]
    hand_over: HandOver

    @model_validator(mode="after")
    def _known(self) -> Self:
        codes = [one.code for one in self.reasons]
        if len(set(codes)) != len(codes):
            raise ValueError("a reason occurs twice")
        if self.hand_over.reason not in codes:
            raise ValueError(f"hand_over names no reason: {self.hand_over.reason}")
        if not all("{services}" in text for text in (self.hand_over.told, self.hand_over.channel)):
            raise ValueError("what is told of a hand-over must name {services}")
        return self

    @cached_property
    def _by_code(self) -> dict[str, Refusal]:
        return {one.code: one for one in self.reasons}

    def __contains__(self, code: object) -> bool:
        return code in self._by_code

    def __getitem__(self, code: str) -> Refusal:
        return self._by_code[code]
