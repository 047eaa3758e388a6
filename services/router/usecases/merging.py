"""What dispatchers do with cases that are about the same: look for them, merge them, set them free again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, delete, select

from services.router import candidates, lists, supplements, tables
from services.router.candidates import Candidate
from services.router.domain import merging, scope
from services.router.domain.cases import Case, MergeKind
from services.router.domain.errors import CaseUnknown
from services.router.domain.guards import must_act_on_case, refusal
from services.router.domain.rules import Rules
from services.router.store import Tx
from services.router.usecases.desk import Found, look
from services.router.usecases.versions import must_be_current
from shared.tokens import Actor


@dataclass(frozen=True, slots=True)
class Related:
    """What stands beside a case: whom it follows, who follows it, and what was added."""

    master_no: str | None = None
    followers: Sequence[Case] = ()
    supplements: Sequence[RowMapping] = ()


NOTHING = Related()


async def related(tx: Tx, case: Case, by: Actor) -> Related:
    """No query where there is nothing; a unit does not learn who else has asked."""
    followers = tx.followers_of(case)
    desk = scope.sees_all(by, tx.rules_of(case))
    asked = [one.case_id for one in (case, *followers) if one.supplements]
    added = await supplements.of(tx.connection, asked) if asked else []
    return Related(
        master_no=await _number(tx, case.master_id) if case.master_id is not None and desk else None,
        followers=[one for one in followers if not scope.recused(by, one, tx.rules_of(one))] if desk else (),
        supplements=added,
    )


async def _number(tx: Tx, case_id: UUID) -> str | None:
    query = select(tables.cases.c.case_no).where(tables.cases.c.case_id == case_id)
    number: str | None = await tx.connection.scalar(query)
    return number


async def find(tx: Tx, case_id: UUID, *, by: Actor) -> tuple[Case, Rules, list[Candidate]]:
    """Cases this one may be merged with, the likeliest first; none where it cannot be merged at all."""
    case, rules = await look(tx, case_id, by)
    if refusal(lambda: must_act_on_case(case, "merge", by, rules)) is not None:
        return case, rules, []
    recused = lists.recused_codes(by, rules)
    found = await candidates.find(tx.connection, case, rules.catalogue.merging.candidates, recused=recused)
    return case, rules, found


async def merge(
    tx: Tx,
    case_id: UUID,
    *,
    master_case_id: UUID,
    kind: MergeKind,
    by: Actor,
    if_match: str | None,
    now: datetime,
) -> Found:
    """Both are locked together, in the one order everybody locks in."""
    await tx.load([case_id, master_case_id])
    case, rules = await look(tx, case_id, by, lock=True)
    master, master_rules = await look(tx, master_case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    pair = merging.Pair(case, master, tx.followers_of(case), kind, rules, master_rules)
    merging.merge(pair, by, now=now)
    if kind == "same_person":
        tx.supplements.append(supplements.taken_over(master, case, case.received_at))
    return case, tx.rules_of(case)


async def unmerge(tx: Tx, case_id: UUID, *, by: Actor, if_match: str | None, now: datetime) -> Found:
    """What was taken over with the case goes back with it."""
    case, rules = await look(tx, case_id, by, lock=True)
    await must_be_current(tx, case, if_match)
    master_id = case.master_id
    merging.unmerge(case, by, rules, now=now)
    if master_id is None:
        raise CaseUnknown
    table = tables.supplements
    taken = (table.c.case_id == master_id) & (table.c.supplement_id == case.case_id)
    await tx.connection.execute(delete(table).where(taken))
    return case, rules
