"""What dispatchers and reviewers do with a case as a whole."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.events.intake import CaseType
from contracts.events.router import Reason
from services.router import judgements
from services.router.domain import chain, closing, filing, following, refusing, scope, tagging
from services.router.domain.cases import Case
from services.router.domain.rules import Rules
from services.router.store import Tx
from services.router.usecases.versions import must_be_current, tells_what_changed
from shared.errors import FieldError, InvalidInput
from shared.tokens import Actor

type Found = tuple[Case, Rules]


async def look(tx: Tx, case_id: UUID, by: Actor, *, lock: bool = False) -> Found:
    """The case, if it is the actor's to see."""
    case = await tx.case(case_id, lock=lock)
    rules = tx.rules_of(case)
    scope.must_see(by, case, rules)
    return case, rules


async def history(tx: Tx, case: Case) -> tuple[list[chain.Entry], int | None]:
    """The log, and the entry at which its chain is broken, if it is."""
    entries = await tx.log_of(case.case_id)
    broken = chain.first_break(entries)
    if broken is None and (not entries or entries[-1].hash != case.log_hash or entries[-1].seq != case.log_seq):
        broken = len(entries) + 1
    return entries, broken


@tells_what_changed
async def classify(
    tx: Tx,
    case_id: UUID,
    *,
    category_code: str,
    type_code: CaseType | None,
    area_code: str | None,
    lead: str | None,
    co_units: Sequence[str],
    standard_no: int | None,
    repair: bool = False,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    """The dispatcher's choice: files and dispatches by the edition now in force."""
    case, _ = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    await tx.rulebook.ready(tx.connection)
    rules = tx.rulebook.in_force(now).rules
    _must_exist(rules, category_code, area_code, standard_no)
    chosen = type_code or (case.type_code if case.type_code not in rules.desk.always_queued else None)
    decision = filing.Decision(
        category_code=category_code,
        type_code=chosen or rules.catalogue.category(category_code).default_type,
        area_code=area_code or case.area_code,
        confidence=1.0,
        method="dispatcher",
        reasons=(Reason(kind="dispatcher", text="人工分拨"),),
        standard_no=standard_no,
    )
    filing.decide_by_hand(
        case,
        decision,
        rules,
        lead=lead,
        co_units=co_units,
        repair=repair,
        precedents=tx.rulebook.precedents,
        by=by,
        now=now,
    )
    await tx.repeats.load(tx.connection, [case.citizen_id])
    tagging.retag(case, rules, tx.repeats.of(case), now=now)
    await judgements.decided(tx.connection, case.case_id, category_code, by=by.id, now=now)
    return case, rules


def _must_exist(rules: Rules, category_code: str, area_code: str | None, standard_no: int | None) -> None:
    wrong: list[FieldError] = []
    category = rules.catalogue.categories.get(category_code)
    if category is None:
        wrong.append(FieldError("/category_code", "is not in the catalogue", "目录中没有这个事项"))
    elif standard_no is not None and category.standard(standard_no) is None:
        wrong.append(FieldError("/standard_no", "is no standard of this category", "该事项没有这条立结案标准"))
    if area_code is not None and area_code not in rules.catalogue.places:
        wrong.append(FieldError("/area_code", "is not in the catalogue", "目录中没有这个区域"))
    if wrong:
        raise InvalidInput(fields=tuple(wrong))


@tells_what_changed
async def close(
    tx: Tx, case_id: UUID, *, reason_code: str | None, by: Actor, if_match: str | None, now: datetime
) -> Found:
    """With a reason: not accepted, from the queue. Without one: answered, and closed unrated."""
    case, rules = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    if reason_code is not None:
        refusing.not_accept(case, by, rules, reason_code=reason_code, now=now)
    else:
        closing.close(case, by, rules, now=now)
    return case, rules


@tells_what_changed
async def reopen(tx: Tx, case_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    case, rules = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    following.reopen(case, by, rules, now=now)
    return case, rules
