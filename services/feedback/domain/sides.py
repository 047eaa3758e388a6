"""What happened beside the process, as nodes of its own: as many as the bar has room for, the weightiest first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from services.feedback.domain.beside import Beside
from services.feedback.domain.facts import Facts, Note
from services.feedback.domain.wording import Wording, spoken

State = Literal["done", "current", "pending", "skipped"]

# Kept first when the bar is full; notes come last, the newest of them first.
_BY_WEIGHT = (
    "withdrawing",
    "merged",
    "unmerged",
    "suspended",
    "extended",
    "supervised",
    "overdue",
    "reworked",
    "answered",
    "recomputed",
    "resumed",
    "supplemented",
    "urged",
    "contacted",
)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class BarNode:
    key: str
    label: str
    state: State
    text: str
    at: datetime | None = None
    side: bool = False
    unit: str | None = None
    """The unit that did it, or must."""
    promised_at: datetime | None = None
    """Until when, of what is not done yet."""


def sides_of(facts: Facts, words: Wording, *, room: int, contact_in_plan: bool) -> tuple[list[BarNode], list[Note]]:
    """The nodes, and the notes for which there is no room."""
    found = [*_rounds(facts, words), *(_beside(facts.beside, facts, words) if facts.beside is not None else ())]
    if facts.supervised_at is not None:
        found.append(_node(words, "supervised", facts.supervised_at))
    if facts.overdue_at is not None:
        said = "overdue_answered" if facts.reply() or facts.closing else "overdue"
        found.append(_node(words, "overdue", facts.overdue_at, said=said))
    lead = facts.lead()
    if lead is not None and lead.contacted_at is not None and not contact_in_plan:
        found.append(_node(words, "contacted", lead.contacted_at, unit=lead.unit_name))
    found.sort(key=lambda node: (_BY_WEIGHT.index(node.key), -(node.at or _LONG_AGO).timestamp()))
    return _with_notes(facts, words, found[: max(0, room)], room)


def _node(words: Wording, key: str, at: datetime, *, said: str = "", unit: str | None = None, **named: str) -> BarNode:
    side = words.sides[said or key]
    return BarNode(key, side.label, "done", side.text.format_map(named), at, side=True, unit=unit)


def _rounds(facts: Facts, words: Wording) -> Iterator[BarNode]:
    for reply in facts.replies:
        if reply.round != facts.round:
            yield _node(words, "answered", reply.at, unit=reply.unit_name, round=str(reply.round))
    for repeat in facts.repeats:
        yield _node(words, "reworked", repeat.at, said="reopened" if repeat.cause == "reopened" else "")


def _beside(beside: Beside, facts: Facts, words: Wording) -> Iterator[BarNode]:
    since = facts.submitted_at
    for said in beside.said:
        yield _node(words, said.kind, said.at)
    for moved in beside.extensions:
        yield _node(words, "extended", moved.at, due=spoken(moved.due_at, since), reason=moved.reason)
    for counted in beside.recomputed:
        yield _node(words, "recomputed", counted.at, due=spoken(counted.due_at, since))
    for pause in beside.suspensions:
        promised, contact = spoken(pause.promised_at, since), spoken(pause.next_contact_at, since)
        yield _node(words, "suspended", pause.at, promised=promised, contact=contact, reason=pause.reason)
        if pause.resumed_at is not None:
            yield _node(words, "resumed", pause.resumed_at)
    if beside.merged_at is not None:
        yield _node(words, "merged", beside.merged_at)
    if beside.unmerged_at is not None:
        yield _node(words, "unmerged", beside.unmerged_at)


def _with_notes(facts: Facts, words: Wording, sides: list[BarNode], room: int) -> tuple[list[BarNode], list[Note]]:
    """As many of this round's notes as there is room for, the newest first; the others are listed apart."""
    shown = [order for order in facts.orders if order.shown]
    notes = sorted((note for order in shown for note in order.notes), key=lambda note: note.at, reverse=True)
    present = {id(note) for order in shown if order.round == facts.round for note in order.notes}
    left_over: list[Note] = []
    for note in notes:
        if id(note) in present and len(sides) < room:
            text = f"{note.unit_name}：{note.text}"
            label = words.sides["note"].label
            sides.append(BarNode("note", label, "done", text, note.at, side=True, unit=note.unit_name))
        else:
            left_over.append(note)
    return sides, left_over[::-1]
