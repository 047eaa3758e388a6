"""The view of a case its citizen reads, rendered once per change."""

from datetime import datetime
from typing import Any

from services.feedback.domain.bar import bar, state_of
from services.feedback.domain.countdown import told
from services.feedback.domain.facts import Facts, Note, Page, Reply, Stars, WorkPhoto
from services.feedback.domain.pairs import paired
from services.feedback.domain.rating import refusal
from services.feedback.domain.sides import BarNode
from services.feedback.domain.wording import Wording


def view_of(facts: Facts, words: Wording) -> dict[str, Any]:
    """Plain data for JSON; without its version, so that two renderings of the same facts are equal."""
    state, names = state_of(facts), words.names(facts)
    nodes, notes = bar(facts, words, state, names)
    lead, rating = facts.lead(), facts.rating()
    return {
        "case_no": facts.case_no,
        "type_code": facts.kind,
        "type_name": words.types.get(facts.kind or "", ""),
        "category_name": facts.category_name,
        "status": {"code": state, "text": words.states[state].format_map(names)},
        "closed": facts.closing is not None,
        "round": facts.round,
        "submitted_at": _instant(facts.submitted_at),
        "due_at": _instant(facts.due_at),
        "due_text": names["due"],
        "due_provisional": facts.due_provisional,
        "overdue": facts.overdue_at is not None,
        "units": {
            "lead": lead.unit_name if lead else None,
            "others": [order.unit_name for order in facts.others()],
        },
        "nodes": [_node(node) for node in nodes],
        "notes": [_note(note) for note in notes],
        "replies": [_reply(facts, reply) for reply in facts.replies],
        "rating": _rating(rating) if rating else None,
        "allowed_actions": [
            {"action": action, "allowed": why is None, "reason": words.refusals[f"{action}_{why}"] if why else None}
            for action, why in _actions(facts)
        ],
        "public_page": _page(facts.page) if facts.page else None,
        "wording": words.version,
        # Last, because it is filled in when somebody looks: see `countdown`.
        "countdown": told(facts.span, facts.due_at) if _running(facts) else None,
    }


def _actions(facts: Facts) -> list[tuple[str, str | None]]:
    """What its citizen may do now, and why not what they may not."""
    closed = "closed" if facts.closing is not None else None
    asked = "asked" if facts.beside is not None and facts.beside.withdrawing else None
    replied = "replied" if facts.reply() is not None else None
    return [
        ("rate", refusal(facts)),
        ("urge", closed or replied),
        ("supplement", closed),
        ("withdraw", closed or asked),
    ]


def _page(page: Page) -> dict[str, Any]:
    return {"page_id": str(page.page_id), "state": page.state, "agreed": page.consented}


def _running(facts: Facts) -> bool:
    """Whether its citizen waits for the promised time: not after the answer, and not while it is suspended."""
    suspended = facts.beside.suspended if facts.beside is not None else None
    return facts.closing is None and facts.reply() is None and suspended is None


def _instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _node(node: BarNode) -> dict[str, Any]:
    return {
        "key": node.key,
        "label": node.label,
        "state": node.state,
        "side": node.side,
        "text": node.text,
        "at": _instant(node.at),
        "unit": node.unit,
        "promised_at": _instant(node.promised_at),
    }


def _note(note: Note) -> dict[str, Any]:
    return {"at": _instant(note.at), "unit": note.unit_name, "text": note.text}


def _reply(facts: Facts, reply: Reply) -> dict[str, Any]:
    known = {photo.photo_id: photo for photo in facts.photos if photo.shown} if reply.photo_ids else {}
    photos = [known[photo_id] for photo_id in reply.photo_ids if photo_id in known]
    return {
        "round": reply.round,
        "at": _instant(reply.at),
        "unit": reply.unit_name,
        "text": reply.text,
        "photos": [_photo(photo) for photo in photos],
        "pairs": [
            {"unit": _unit(facts, before, reply), "before": _photo(before), "after": _photo(after)}
            for before, after in paired(photos)
        ],
    }


def _photo(photo: WorkPhoto) -> dict[str, Any]:
    url = f"/v1/photos/{photo.photo_id}"
    return {
        "photo_id": str(photo.photo_id),
        "kind": photo.kind,
        "taken_at": _instant(photo.taken_at),
        "taken_by": photo.taken_by,
        "url": url,
        "thumbnail_url": f"{url}/thumbnail",
    }


def _unit(facts: Facts, photo: WorkPhoto, reply: Reply) -> str:
    """Whose work it was; a task's photo stands under who answers."""
    order = facts.order(photo.order_id)
    return order.unit_name if order is not None and order.shown else reply.unit_name


def _rating(stars: Stars) -> dict[str, Any]:
    return {
        "round": stars.round,
        "at": _instant(stars.at),
        "speed": stars.speed,
        "result": stars.result,
        "attitude": stars.attitude,
        "system": stars.system,
        "solved": stars.solved,
        "satisfied": stars.satisfied,
        "level": stars.level,
    }
