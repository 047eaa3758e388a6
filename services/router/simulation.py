"""Owns the replay of past cases by another edition of the rules: what was decided, what would be, and how they differ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Literal
from uuid import UUID

from contracts.events.intake import CaseSubmitted, CaseType, Place
from services.router.catalogue.entries import Limit, Standard
from services.router.classifier import Message
from services.router.consumers import decision_of
from services.router.domain import filing
from services.router.domain.cases import Case
from services.router.domain.rules import Rules
from services.router.joint import Judge, Learned
from services.router.learning.experience import Circumstances, Experience
from services.router.rulebook import Edition

State = Literal["filed", "waits", "unfiled"]
"""Filed and dispatched; left to a person; nothing in the catalogue is like it."""
Kind = Literal["same", "category", "standard", "unit", "waits", "unfiled", "newly_filed"]
_NOBODY = UUID(int=0)


class Ruling:
    """One edition's rules and the model in use; who judges by them is made when the first message comes."""

    def __init__(self, edition: Edition, model: Learned | None = None) -> None:
        self._edition, self._model = edition, model
        self.rules: Rules = edition.rules

    @cached_property
    def judge(self) -> Judge:
        return Judge(self._edition.classifier, self.rules.catalogue.classification.learned, self._model)


@dataclass(frozen=True, slots=True)
class Decided:
    """What became, or would become, of a case: what it is, which standard judges it, who leads."""

    state: State
    category_code: str | None = None
    standard_no: int | None = None
    standard_name: str = ""
    limit: Limit | None = None
    unit_code: str | None = None

    @classmethod
    def filed(cls, category_code: str, standard: Standard | None, unit_code: str | None) -> "Decided":
        if standard is None:
            return cls("filed", category_code, unit_code=unit_code)
        return cls("filed", category_code, standard.no, standard.name, standard.limit, unit_code)


@dataclass(frozen=True, slots=True)
class PastCase:
    """A request as it came in, and what was decided; `decided` is None where nobody wrote that down."""

    case_no: str
    text: str
    received_at: datetime
    title: str = ""
    area_code: str | None = None
    channel_code: str = "hotline_12345"
    said_type: CaseType | None = None
    said_category: str | None = None
    accused_unit_code: str | None = None
    decided: Decided | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """One case, before and after."""

    case_no: str
    kind: Kind
    before: Decided
    after: Decided
    by_change: bool
    """True when today's rules would do something else; else it was a person, or rules of that time, that did otherwise."""
    unusual: bool = False
    """Would go to a unit that is none of the three likeliest by who handled such cases before. Advisory."""


def replay(
    cases: Iterable[PastCase], proposed: Ruling, today: Ruling, experience: Experience | None = None
) -> Iterator[Verdict]:
    """Every case by both rules, and against what was decided."""
    for said in cases:
        past, now = _as_decided(said, today)
        gone = (
            past.said_category != said.said_category and past.said_category not in proposed.rules.catalogue.categories
        )
        # Whoever chose what the proposal has no more must choose again.
        after = Decided("waits") if gone else judged(past, proposed)
        before = past.decided or now
        unusual = before.unit_code != after.unit_code and _unusual(past, after, proposed, experience)
        by_change = compared(now, after) != "same"
        yield Verdict(past.case_no, compared(before, after), before, after, by_change=by_change, unusual=unusual)


def _unusual(past: PastCase, after: Decided, by: Ruling, experience: Experience | None) -> bool:
    if experience is None or after.category_code is None or after.unit_code is None:
        return False
    said = Circumstances(
        category_code=after.category_code,
        area_code=past.area_code,
        channel_code=past.channel_code,
        type_code=past.said_type or "",
        at=past.received_at,
    )
    return after.unit_code not in {one.unit for one in experience.units(said, by.rules.catalogue.places)}


def _as_decided(past: PastCase, today: Ruling) -> tuple[PastCase, Decided]:
    """Where a person decided otherwise than today's rules do, their category is kept as if it had been said at once."""
    now, decided = judged(past, today), past.decided
    if decided is None or decided.category_code in (None, now.category_code):
        return past, now
    if decided.category_code not in today.rules.catalogue.categories:
        return past, now
    kept = replace(past, said_category=decided.category_code)
    return kept, judged(kept, today)


def judged(past: PastCase, by: Ruling) -> Decided:
    """What the desk would do with this request by these rules: the very code that files, on a case nobody keeps."""
    said = CaseSubmitted(
        case_no=past.case_no,
        look_up_hash="",
        channel_code=past.channel_code,
        origin_channel_code=past.channel_code,
        citizen_id=None,
        anonymous=True,
        type_code=past.said_type,
        category_code=past.said_category,
        title=past.title,
        text=past.text,
        place=Place(area_code=past.area_code),
        accused_unit_code=past.accused_unit_code,
        received_at=past.received_at,
    )
    case = filing.receive(_NOBODY, said, by.rules)
    message = Message(
        past.text, past.title, past.said_category, past.said_type, past.area_code, channel_code=past.channel_code
    )
    filing.decide(case, decision_of(by.judge.classify(message)), by.rules, now=past.received_at)
    return _outcome(case, by.rules)


def _outcome(case: Case, rules: Rules) -> Decided:
    if case.category_code is None:
        unlike = not case.candidates or case.type_code in rules.desk.always_queued
        return Decided("unfiled" if unlike else "waits")
    lead = case.lead()
    standard = rules.catalogue.category(case.category_code).standard(case.standard_no)
    return Decided.filed(case.category_code, standard, lead.unit_code if lead else None)


def compared(before: Decided, after: Decided) -> Kind:
    """The first difference that matters; a case nobody would be sent to either way is the same."""
    if after.state != "filed":
        return after.state if before.state == "filed" else "same"
    if before.state != "filed":
        return "newly_filed"
    if before.category_code != after.category_code:
        return "category"
    # A standard that got another number, or another name, is still the same one.
    same_standard = before.standard_no == after.standard_no or before.standard_name == after.standard_name
    if not same_standard or before.limit != after.limit:
        return "standard"
    return "same" if before.unit_code == after.unit_code else "unit"
