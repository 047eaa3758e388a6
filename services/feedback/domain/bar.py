"""The progress bar: the process's nodes in the citizen's words, and what happened beside them, 5 to 13 in all."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from services.feedback.domain.facts import Facts, Note, Order, PlanNode
from services.feedback.domain.wording import Wording

State = Literal["done", "current", "pending", "skipped"]

# Kept first when the bar is full; notes come last, the newest of them first.
_SIDES_BY_WEIGHT = ("supervised", "overdue", "reworked", "merged", "answered", "contacted")
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class BarNode:
    key: str
    label: str
    state: State
    text: str
    at: datetime | None = None
    side: bool = False


def state_of(facts: Facts) -> str:
    """Where the case stands, as a code of the wording's `states`."""
    if facts.closing is not None:
        return f"closed_{facts.closing.outcome}"
    if facts.reply() is not None:
        rating = facts.rating()
        return "replied" if rating is None else "rated" if rating.satisfied else "rated_again"
    if facts.merged is not None:
        return "merged"
    if facts.filed_at is None and not facts.orders:
        return "submitted"
    lead = facts.lead()
    if lead is None:
        return "reworking" if facts.repeats else "dispatching"
    return _at_work(lead, again=bool(facts.repeats))


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
    sides, left_over = _sides(facts, words, room=words.longest - len(main), contact_in_plan="contacted" in goals)
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
    refused = facts.closing is not None and facts.closing.outcome == "not_accepted"
    last = max((place for place, goal in enumerate(goals) if goal in reached), default=-1)
    lead = facts.lead()
    if lead is not None and lead.notes:
        # Who reports progress is at work, whatever steps before were not reported.
        last = max([last, *(place - 1 for place, node in enumerate(plan) if node.key == "handling")])
    nodes: list[BarNode] = []
    previous = facts.submitted_at
    for place, (node, goal) in enumerate(zip(plan, goals, strict=True)):
        label = words.nodes[node.key].label if node.key in words.nodes else node.label
        if place <= last and (goal in reached or not refused):
            at = reached.get(goal) or previous
            # Two publishers' clocks may differ by a blink; the bar never runs backwards.
            previous = at = max(at, previous) if at and previous else at or previous
            text = _done_text(telling, node, goal, passed_by=goal not in reached).format_map(names)
            nodes.append(BarNode(node.key, label, "done", text, at))
        elif place == last + 1:
            nodes.append(BarNode(node.key, label, "current", _waiting_text(words, node, telling.state, names)))
        else:
            nodes.append(BarNode(node.key, label, "skipped" if place < last else "pending", ""))
    return nodes


def _done_text(telling: Telling, node: PlanNode, goal: str, *, passed_by: bool) -> str:
    words = telling.words
    if goal == "closed":
        # Said in full already: what braces are left are the reason's own.
        return words.standing(telling.facts, telling.state).replace("{", "{{").replace("}", "}}")
    if goal == "filed" and telling.facts.due_at is not None:
        return words.filed_with_due
    if goal == "replied":
        return words.answered
    if passed_by:
        return words.passed.get(node.key, node.label)
    return words.nodes[node.key].done


def _waiting_text(words: Wording, node: PlanNode, state: str, names: dict[str, str]) -> str:
    if state in ("verifying", "merged"):
        return words.states[state]
    if node.key == "closed" and state in ("replied", "rated", "rated_again"):
        return words.states[state]
    if node.key == "handling" and names["others"]:
        return words.handling_with_others.format_map(names)
    text = words.nodes[node.key].waiting if node.key in words.nodes else node.label
    return text.format_map(names)


def _sides(facts: Facts, words: Wording, *, room: int, contact_in_plan: bool) -> tuple[list[BarNode], list[Note]]:
    found: list[BarNode] = []

    def add(key: str, at: datetime | None, *, said: str = "", turn: int = 1) -> None:
        if at is not None:
            side = words.sides[said or key]
            found.append(BarNode(key, side.label, "done", side.text.format(round=turn), at, side=True))

    for reply in facts.replies:
        if reply.round != facts.round:
            add("answered", reply.at, turn=reply.round)
    for repeat in facts.repeats:
        add("reworked", repeat.at, said="reopened" if repeat.cause == "reopened" else "")
    add("supervised", facts.supervised_at)
    if facts.merged is not None:
        add("merged", facts.merged.at, said="merged_own" if facts.merged.kind == "same_person" else "")
    add("overdue", facts.overdue_at, said="overdue_answered" if facts.reply() or facts.closing else "")
    lead = facts.lead()
    if lead is not None and not contact_in_plan:
        add("contacted", lead.contacted_at)
    found.sort(key=lambda node: (_SIDES_BY_WEIGHT.index(node.key), -(node.at or _LONG_AGO).timestamp()))
    sides = found[: max(0, room)]
    return _with_notes(facts, words, sides, room)


def _with_notes(facts: Facts, words: Wording, sides: list[BarNode], room: int) -> tuple[list[BarNode], list[Note]]:
    """As many of this round's notes as there is room for, the newest first; the others are listed apart."""
    shown = [order for order in facts.orders if order.shown]
    notes = sorted((note for order in shown for note in order.notes), key=lambda note: note.at, reverse=True)
    present = {id(note) for order in shown if order.round == facts.round for note in order.notes}
    left_over: list[Note] = []
    for note in notes:
        if id(note) in present and len(sides) < room:
            text = f"{note.unit_name}：{note.text}"
            sides.append(BarNode("note", words.sides["note"].label, "done", text, note.at, side=True))
        else:
            left_over.append(note)
    return sides, left_over[::-1]
