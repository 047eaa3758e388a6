"""Whether a result may be sent as it is: the reply is checked before a review agrees, and shown checked to the unit."""

from datetime import datetime

from services.router.domain.cases import Case
from services.router.domain.errors import ReplyFlawed
from services.router.domain.guards import must_act
from services.router.domain.orders import ProgressNote, WorkOrder
from services.router.domain.rules import Rules
from services.router.replies import Flaw, Request, flaws
from shared.tokens import Actor


def flaws_of(case: Case, reply: str, rules: Rules) -> tuple[Flaw, ...]:
    """What speaks against this reply to this case. Of erased words nothing can be said to be left unanswered."""
    category = rules.catalogue.categories.get(case.category_code or "")
    name = category.name if category else ""
    return flaws(reply, Request(case.title, case.text, case.type_code, name), rules.catalogue.replies)


def must_be_sendable(
    case: Case, order: WorkOrder, by: Actor, rules: Rules, *, override_reason: str, now: datetime
) -> None:
    """Raises `ReplyFlawed` with the findings, unless a reviewer gives a reason and every rule lets that pass.

    Only what the lead says goes to the citizen. The reason is kept with the order, the rules that were let pass in the
    log; the words found are in neither.
    """
    must_act(case, order, "review", by, rules, now=now, outcome="approve")
    if order.role != "lead":
        return
    found = flaws_of(case, order.public_reply, rules)
    if not found:
        return
    firm = [one.rule for one in found if not one.may_override]
    if firm or not override_reason:
        raise ReplyFlawed(
            f"the reply has {', '.join(one.rule for one in found)}",
            findings=[finding(one) for one in found],
            may_override=not firm,
        )
    order.notes.append(ProgressNote(now, by.id, "", override_reason))
    passed = {"order_id": str(order.order_id), "rules": [one.rule for one in found]}
    case.note("reply_passed", by=by.id, now=now, facts=passed)


def finding(one: Flaw) -> dict[str, object]:
    return {
        "rule": one.rule,
        "name": one.name,
        "advice": one.advice,
        "may_override": one.may_override,
        "words": list(one.words),
    }
