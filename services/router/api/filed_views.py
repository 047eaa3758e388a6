"""What staff are shown of what a case is, or may be: categories with their standards."""

from collections.abc import Sequence

from pydantic import BaseModel

from services.router.catalogue.entries import Standard
from services.router.domain.cases import Candidate, Case
from services.router.domain.rules import Rules


def category_name(code: str | None, rules: Rules) -> str:
    category = rules.catalogue.categories.get(code) if code else None
    return category.name if category else ""


class StandardChoice(BaseModel):
    """One standard of a category, as a form offers it."""

    no: int
    name: str
    filing_condition: str
    limit: str

    @classmethod
    def all(cls, code: str | None, rules: Rules) -> "list[StandardChoice]":
        category = rules.catalogue.categories.get(code) if code else None
        return [cls.of(one) for one in category.standards] if category else []

    @classmethod
    def of(cls, one: Standard) -> "StandardChoice":
        return cls(no=one.no, name=one.name, filing_condition=one.filing_condition, limit=str(one.limit))


class CandidateView(BaseModel):
    category_code: str
    category_name: str
    score: float
    """How sure the model is of it, 0 to 1; of a candidate the rules found, what its words weigh."""
    words: list[str]
    standards: list[StandardChoice]

    @classmethod
    def all(cls, found: Sequence[Candidate], rules: Rules) -> "list[CandidateView]":
        return [
            cls(
                category_code=one.category_code,
                category_name=category_name(one.category_code, rules),
                score=one.score,
                words=list(one.words),
                standards=StandardChoice.all(one.category_code, rules),
            )
            for one in found
        ]


class FiledView(BaseModel):
    """The standard a case is judged by: when it may be closed, and whether with a photo."""

    no: int
    name: str
    filing_condition: str
    closing_condition: str

    @classmethod
    def of(cls, case: Case, rules: Rules) -> "FiledView | None":
        category = rules.catalogue.categories.get(case.category_code) if case.category_code else None
        standard = category.standard(case.standard_no) if category else None
        if standard is None:
            return None
        return cls(
            no=standard.no,
            name=standard.name,
            filing_condition=standard.filing_condition,
            closing_condition=standard.closing_condition,
        )
