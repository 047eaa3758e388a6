"""The view of a case its citizen reads, rendered once per change."""

from datetime import datetime
from typing import Any

from services.feedback.domain.bar import BarNode, bar, state_of
from services.feedback.domain.facts import Facts, Note, Reply, Stars, WorkPhoto
from services.feedback.domain.pairs import paired
from services.feedback.domain.rating import refusal
from services.feedback.domain.wording import Wording


def view_of(facts: Facts, words: Wording) -> dict[str, Any]:
    """Plain data for JSON; without its version, so that two renderings of the same facts are equal."""
    state, names = state_of(facts), words.names(facts)
    nodes, notes = bar(facts, words, state, names)
    lead, rating, no_rating = facts.lead(), facts.rating(), refusal(facts)
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
            {"action": "rate", "allowed": no_rating is None, "reason": words.refusals[no_rating] if no_rating else None}
        ],
        "wording": words.version,
    }


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
    }
