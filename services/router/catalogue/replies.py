"""Owns what makes a public reply one that cannot be sent (`replies.yaml`): the rules, not their judgement."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from contracts.events.intake import CaseType
from services.router.catalogue.rules import Rules

RuleCode = Literal["formula", "too_short", "blame", "personal_data", "not_answering", "no_result"]
_UNBOUNDED = re.compile(r"(?<!\\)(?:[*+]|\{[0-9]*,\})")


def bounded(pattern: str) -> str:
    """A pattern a district may write: it compiles, and repeats nothing without end, so that no reply makes it slow."""
    if _UNBOUNDED.search(pattern):
        raise ValueError(f"{pattern} repeats without end; write {{0,n}}")
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern} is no pattern: {error}") from None
    return pattern


class Patterns(Rules):
    """Words by which a rule is broken, as patterns, and what is blotted out before they are looked for."""

    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    except_patterns: tuple[str, ...] = ()

    @field_validator("patterns", "except_patterns")
    @classmethod
    def _bounded(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(bounded(pattern) for pattern in patterns)

    @cached_property
    def any(self) -> re.Pattern[str]:
        return re.compile("|".join(f"(?:{one})" for one in self.patterns))

    @cached_property
    def exceptions(self) -> re.Pattern[str] | None:
        return re.compile("|".join(f"(?:{one})" for one in self.except_patterns)) if self.except_patterns else None


class Finding(Rules):
    """How one rule is told: its words for staff, and whether a reviewer may let it pass with a reason."""

    code: RuleCode
    name: Annotated[str, Field(min_length=2, max_length=12)]
    advice: Annotated[str, Field(min_length=6, max_length=120)]
    may_override: bool


class Lengths(Rules):
    """How much must be said beside formulas: characters of Chinese, letters and digits."""

    plain: Annotated[int, Field(ge=1)]
    long_request_chars: Annotated[int, Field(ge=20)]
    """From this length on a request is a long one."""
    for_long_request: Annotated[int, Field(ge=1)]
    formula_rest: Annotated[int, Field(ge=1)]
    """A reply of which less is left without its formulas is nothing but formulas."""


class Question(Rules):
    """Something asked, and by which signs a reply answers it."""

    name: Annotated[str, Field(min_length=2, max_length=12)]
    asked: Patterns
    answered: Patterns


class Answering(Rules):
    """答非所问: nothing of the request is taken up, or a question stays open."""

    questions: tuple[Question, ...]
    question_types: tuple[CaseType, ...]
    taken_up: Patterns
    """Signs of an answer that need not share a word with the request."""
    shared_chars: Annotated[int, Field(ge=1, le=6)]
    """How long a run of characters of the request must be to be taken up."""
    min_shared: Annotated[int, Field(ge=1)]
    """How many different runs of the request a reply takes up at the least."""
    request_chars: Annotated[int, Field(ge=1)]
    """Of a shorter request nothing is expected to be taken up."""
    silent: tuple[str, ...] = ()
    """Words of every request and reply, which take nothing up."""


class NoResult(Rules):
    """避重就轻: only what will be done, neither a result nor a day."""

    types: tuple[CaseType, ...]
    promises: Patterns
    results: Patterns
    dates: Patterns


class ReplyRules(Rules):
    """`replies.yaml`: what a public reply must not be; judged by `services/router/replies.py`."""

    max_chars: Annotated[int, Field(ge=500, le=8000)]
    findings: tuple[Finding, ...]
    formulas: Patterns
    blame: Patterns
    personal: Mapping[str, Patterns]
    """By what they give away: mobile, identity, name …"""
    hollow_types: tuple[CaseType, ...]
    """What must be answered with more than courtesy."""
    lengths: Lengths
    answering: Answering
    no_result: NoResult

    @model_validator(mode="after")
    def _complete(self) -> Self:
        told = [one.code for one in self.findings]
        if sorted(told) != sorted(get_args(RuleCode)):
            raise ValueError("findings must name every rule once")
        return self

    @cached_property
    def by_code(self) -> Mapping[str, Finding]:
        return {one.code: one for one in self.findings}
