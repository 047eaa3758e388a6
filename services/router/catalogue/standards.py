"""Owns which standard of a category a request falls under: what the dispatcher says, else its words, else the first."""

from collections.abc import Mapping, Sequence
from functools import cache

from contracts.events.router import Reason
from services.router.catalogue.entries import Category, Standard
from services.router.catalogue.rules import ClassificationRules
from services.router.classifier_words import normal
from shared.errors import InvalidInput


class UnknownStandard(InvalidInput):
    """The category has no such standard."""

    zh = "该事项没有这条立结案标准"


def given(category: Category, no: int) -> tuple[Standard, Reason]:
    """The standard somebody chose."""
    standard = category.standard(no)
    if standard is None:
        raise UnknownStandard
    return standard, Reason(kind="given_standard", text=standard.name, weight=1.0)


def told(category: Category, title: str, text: str, rules: ClassificationRules) -> tuple[Standard, tuple[Reason, ...]]:
    """The standard whose words weigh most in the request; of two alike the one with the shorter limit.

    No reason is given where there is nothing to choose.
    """
    first = category.standards[0]
    if len(category.standards) == 1:
        return first, ()
    said = f"{normal(title, rules.max_chars)}\n{normal(text, rules.max_chars)}"
    for word in rules.standards.silent_words:
        said = said.replace(word, "\n")
    found = {standard: _found(standard.keywords, said) for standard in category.standards}
    hit = [standard for standard, words in found.items() if words]
    if not hit:
        return first, (Reason(kind="first_standard", text=first.name),)
    best = min(hit, key=lambda one: (-sum(found[one].values()), one.limit.rough_hours, one.no))
    words = sorted(found[best], key=lambda word: (-found[best][word], word))
    return best, (Reason(kind="standard", text=f"{best.name}：{'、'.join(words)}", weight=sum(found[best].values())),)


def _found(keywords: Sequence[str], said: str) -> Mapping[str, float]:
    """The keywords that occur, none that is inside a longer one, with their length as weight."""
    hits = [word for word in keywords if all(part in said for part in _parts(word))]
    whole = (word for word in hits if not any(word != other and word in other for other in hits))
    return {word: float(sum(map(len, _parts(word)))) for word in whole}


@cache
def _parts(word: str) -> tuple[str, ...]:
    return tuple(normal(word, len(word)).split("+"))
