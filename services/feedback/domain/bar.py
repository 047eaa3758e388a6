"""The progress bar: the process's nodes in the citizen's words, and what happened beside them, 5 to 13 in all."""

from dataclasses import dataclass
from datetime import UTC, datetime

from services.feedback.domain.beside import Beside
from services.feedback.domain.facts import Facts, Note, Order, PlanNode
from services.feedback.domain.sides import BarNode, sides_of
from services.feedback.domain.wording import Wording

# Ends that come before the process is through: what was not reached will never be.
_CUT_SHORT = frozenset({"not_accepted", "withdrawn", "terminated", "merged"})
_WITH_UNIT = frozenset({"dispatched", "signed", "contacted", "resolved", "replied"})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def state_of(facts: Facts) -> str:
    """Where the case stands, as a code of the wording's `states`."""
    if facts.closing is not None:
        return f"closed_{facts.closing.outcome}"
    if facts.reply() is not None:
        rating = facts.rating()
        return "replied" if rating is None else "rated" if rating.satisfied else "rated_again"
    if facts.beside is not None and (aside := _aside(facts.beside)):
        return aside
    if facts.filed_at is None and not facts.orders:
        return "submitted"
    lead = facts.lead()
    if lead is None:
        return "reworking" if facts.repeats else "dispatching"
    return _at_work(lead, again=bool(facts.repeats))


def _aside(beside: Beside) -> str | None:
    if beside.refused is not None:
        return "closed_not_accepted"
    if beside.merged_at is not None and beside.unmerged_at is None:
        return "merged"
    return "suspended" if beside.suspended is not None else None


def _at_work(lead: Order, *, again: bool) -> str:
    if lead.resolved_at is not None:
        return "verifying"
    if lead.notes:
        return "handling"
    if again:
        return "reworking"
    return "contacted" if lead.contacted_at else "signed" if lead.signed_at else "dispatched"


def milestones(facts: Facts) -> dict[str, datetime]:
    """When the present round passed which milestone; a return or a second round takes the later ones away again."""
    lead, reply = facts.lead(), facts.reply()
    found: dict[str, datetime | None] = {
        "submitted": facts.submitted_at,
        "filed": facts.filed_at,
        "dispatched": lead.dispatched_at if lead else None,
        "signed": lead.signed_at if lead else None,
        "contacted": lead.contacted_at if lead else None,
        "resolved": lead.resolved_at if lead else None,
        "replied": reply.at if reply else None,
        "closed": facts.closing.at if facts.closing else None,
    }
    return {key: at for key, at in found.items() if at is not None}


def bar(facts: Facts, words: Wording, state: str, names: dict[str, str]) -> tuple[list[BarNode], list[Note]]:
    """The nodes, oldest first, and the notes for which the bar has no room."""
    plan = facts.plan or list(words.unfiled)
    goals = _goals(plan, words)
    main = _main(Telling(facts, words, state, names), plan, goals)
    sides, left_over = sides_of(facts, words, room=words.longest - len(main), contact_in_plan="contacted" in goals)
    behind = [node for node in main if node.state in ("done", "skipped")]
    ahead = [node for node in main if node.state in ("current", "pending")]
    return _by_time(behind, sides) + ahead, left_over


def _by_time(behind: list[BarNode], sides: list[BarNode]) -> list[BarNode]:
    """The process keeps its order, with what happened beside it in between; a skipped node stays by its neighbour."""
    placed: list[tuple[datetime, bool, int, BarNode]] = []
    last = _LONG_AGO
    for place, node in enumerate(behind):
        last = node.at or last
        placed.append((last, False, place, node))
    placed += [(node.at or _LONG_AGO, True, place, node) for place, node in enumerate(sides)]
    return [node for *_, node in sorted(placed, key=lambda each: each[:3])]


def _goals(plan: list[PlanNode], words: Wording) -> list[str]:
    """Which milestone completes which node. The node before the end carries the answer, in every process."""
    goals = [words.nodes[node.key].milestone if node.key in words.nodes else "" for node in plan]
    if len(goals) > 1:
        goals[-2:] = ["replied", "closed"]
    return goals


@dataclass(slots=True)
class Telling:
    """A case, the words, and what is worked out once for all nodes."""

    facts: Facts
    words: Wording
    state: str
    names: dict[str, str]


def _main(telling: Telling, plan: list[PlanNode], goals: list[str]) -> list[BarNode]:
    facts, words, names = telling.facts, telling.words, telling.names
    reached = milestones(facts)
    cut_short = facts.closing is not None and facts.closing.outcome in _CUT_SHORT
    last = max((place for place, goal in enumerate(goals) if goal in reached), default=-1)
    lead = facts.lead()
    if lead is not None and lead.notes:
        # Who reports progress is at work, whatever steps before were not reported.
        last = max([last, *(place - 1 for place, node in enumerate(plan) if node.key == "handling")])
    nodes: list[BarNode] = []
    previous = facts.submitted_at
    for place, (node, goal) in enumerate(zip(plan, goals, strict=True)):
        label = words.nodes[node.key].label if node.key in words.nodes else node.label
        if place <= last and (goal in reached or not cut_short):
            at = reached.get(goal) or previous
            # Two publishers' clocks may differ by a blink; the bar never runs backwards.
            previous = at = max(at, previous) if at and previous else at or previous
            text = _done_text(telling, node, goal, passed_by=goal not in reached).format_map(names)
            unit = _unit_of(facts, goal)
            nodes.append(BarNode(node.key, label, "done", text, at, unit=unit))
            continue
        if place == last + 1:
            made = BarNode(node.key, label, "current", _waiting_text(words, node, telling.state, names))
        else:
            made = BarNode(node.key, label, "skipped" if place < last else "pending", "")
        if goal == "replied" and made.state != "skipped":
            made.promised_at = facts.due_at
        nodes.append(made)
    return nodes


def _unit_of(facts: Facts, goal: str) -> str | None:
    """The unit behind a node: never a person, and none for what the district's desk did."""
    if goal not in _WITH_UNIT:
        return None
    lead, reply = facts.lead(), facts.reply()
    if goal == "replied" and reply is not None:
        return reply.unit_name
    return lead.unit_name if lead is not None else None


def _done_text(telling: Telling, node: PlanNode, goal: str, *, passed_by: bool) -> str:
    words = telling.words
    if goal == "closed":
        return _end_text(telling)
    if goal == "filed" and telling.facts.due_at is not None:
        return words.filed_with_due
    if goal == "replied":
        return words.answered
    if passed_by:
        return words.passed.get(node.key, node.label)
    return words.nodes[node.key].done


def _end_text(telling: Telling) -> str:
    """How it ended; where it ended without a result, why, and where to turn instead."""
    text, beside = telling.words.states[telling.state], telling.facts.beside
    if beside is None:
        return text
    if beside.refused is not None and telling.state == "closed_not_accepted":
        refused = beside.refused
        said = telling.words.handed_over if refused.handed_over else telling.words.right_channel
        return telling.words.refused.format(text=text, reason=refused.reason) + (
            said.format(channel=refused.right_channel) if refused.right_channel else ""
        )
    return telling.words.refused.format(text=text, reason=beside.ended_because) if beside.ended_because else text


def _waiting_text(words: Wording, node: PlanNode, state: str, names: dict[str, str]) -> str:
    if state in ("verifying", "merged", "suspended"):
        return words.states[state].format_map(names)
    if node.key == "closed" and state in ("replied", "rated", "rated_again"):
        return words.states[state]
    if node.key == "handling" and names["others"]:
        return words.handling_with_others.format_map(names)
    text = words.nodes[node.key].waiting if node.key in words.nodes else node.label
    return text.format_map(names)
