"""Owns whether a public reply can go to the citizen: what is wrong with it, and the words that gave it away. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.events.intake import CaseType
from services.router.catalogue.replies import Patterns, ReplyRules, RuleCode

_MEANINGFUL = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]")
_WORDS_SHOWN = 5
_WORD_CHARS = 40


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong with a reply; `words` are the reply's own, in their order."""

    rule: RuleCode
    name: str
    advice: str
    may_override: bool
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What is answered: nothing of who asks."""

    title: str
    text: str
    type_code: CaseType
    category_name: str = ""


def flaws(reply: str, request: Request, rules: ReplyRules) -> tuple[Flaw, ...]:
    """Everything that speaks against sending this reply, the heaviest first; empty when nothing does."""
    said = reply.strip()[: rules.max_chars]
    found: list[tuple[RuleCode, tuple[str, ...]]] = []
    found += _personal(said, rules)
    found += _blame(said, rules)
    found += _hollow(said, request, rules)
    return tuple(_flaw(rule, words, rules) for rule, words in found)


def _flaw(rule: RuleCode, words: tuple[str, ...], rules: ReplyRules) -> Flaw:
    told = rules.by_code[rule]
    return Flaw(rule, told.name, told.advice, told.may_override, words)


def _found(said: str, patterns: Patterns) -> tuple[str, ...]:
    """What of the text the patterns match, without what stands in an exception."""
    if patterns.exceptions is not None:
        said = patterns.exceptions.sub("\n", said)
    hits = (match.group()[:_WORD_CHARS] for match in patterns.any.finditer(said))
    return tuple(dict.fromkeys(hits))[:_WORDS_SHOWN]


def _personal(said: str, rules: ReplyRules) -> Iterator[tuple[RuleCode, tuple[str, ...]]]:
    """The words are shown to who wrote the reply and to who reviews it; they go into no event and no log."""
    words = tuple(word for patterns in rules.personal.values() for word in _found(said, patterns))
    if words:
        yield "personal_data", words[:_WORDS_SHOWN]


def _blame(said: str, rules: ReplyRules) -> Iterator[tuple[RuleCode, tuple[str, ...]]]:
    if words := _found(said, rules.blame):
        yield "blame", words


def _hollow(said: str, request: Request, rules: ReplyRules) -> Iterator[tuple[RuleCode, tuple[str, ...]]]:
    """Of nothing but formulas, too short, beside the point, without a result: the first that holds says enough."""
    if request.type_code not in rules.hollow_types:
        return
    lengths, rest = rules.lengths, rules.formulas.any.sub("", said)
    left = len(_MEANINGFUL.findall(rest))
    formulas = _found(said, rules.formulas)
    if formulas and left < lengths.formula_rest:
        yield "formula", formulas
        return
    asked = len(_MEANINGFUL.findall(request.title + request.text))
    if left < (lengths.for_long_request if asked >= lengths.long_request_chars else lengths.plain):
        yield "too_short", (said[:_WORD_CHARS],)
        return
    if open_questions := _unanswered(said, request, rules):
        yield "not_answering", open_questions
    elif not _takes_up(rest, request, rules):
        yield "not_answering", (rest.strip()[:_WORD_CHARS],)
    if words := _only_promises(rest, request, rules):
        yield "no_result", words


def _unanswered(said: str, request: Request, rules: ReplyRules) -> tuple[str, ...]:
    """The names of questions that were asked and have no sign of an answer."""
    answering = rules.answering
    if request.type_code not in answering.question_types:
        return ()
    asked = f"{request.title}\n{request.text}"
    questions = [one for one in answering.questions if one.asked.any.search(asked)]
    if any(one.answered.any.search(said) for one in questions):
        return ()
    return tuple(one.name for one in questions)


def _takes_up(rest: str, request: Request, rules: ReplyRules) -> bool:
    answering = rules.answering
    if answering.taken_up.any.search(rest):
        return True
    asked = _runs(f"{request.title}\n{request.text}\n{request.category_name}", answering.shared_chars, answering.silent)
    said = _runs(rest, answering.shared_chars, answering.silent)
    whole = len(_MEANINGFUL.findall(request.title + request.text))
    return whole < answering.request_chars or len(asked & said) >= answering.min_shared


def _runs(text: str, size: int, silent: tuple[str, ...]) -> set[str]:
    for word in silent:
        text = text.replace(word, "\n")
    return {run for at in range(len(text) - size + 1) if (run := text[at : at + size]).isalnum()}


def _only_promises(rest: str, request: Request, rules: ReplyRules) -> tuple[str, ...]:
    about = rules.no_result
    if request.type_code not in about.types or about.results.any.search(rest) or about.dates.any.search(rest):
        return ()
    return _found(rest, about.promises)
