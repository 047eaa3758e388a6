"""The view of a case its citizen reads, rendered once per change."""

from datetime import datetime
from typing import Any
from uuid import UUID

from services.feedback.domain.bar import BarNode, bar, state_of
from services.feedback.domain.facts import Facts, Merge, Note, Refusal, Reply, Stars
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
        "status": {"code": state, "text": words.standing(facts, state)},
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
        "merged": _merged(facts.merged) if facts.merged else None,
        "refusal": _refusal(facts.refusal) if facts.refusal else None,
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
    kinds = {photo.photo_id: photo.kind for photo in facts.photos}
    photos = [_photo(photo_id, kinds[photo_id]) for photo_id in reply.photo_ids if photo_id in kinds]
    return {
        "round": reply.round,
        "at": _instant(reply.at),
        "unit": reply.unit_name,
        "text": reply.text,
        "photos": photos,
    }


def _merged(merge: Merge) -> dict[str, Any]:
    """Another citizen's number is not told."""
    return {
        "kind": merge.kind,
        "at": _instant(merge.at),
        "case_no": merge.case_no if merge.kind == "same_person" else None,
    }


def _refusal(refused: Refusal) -> dict[str, Any]:
    return {
        "reason": refused.reason,
        "right_channel": refused.right_channel,
        "handed_over": refused.handed_over,
    }


def _photo(photo_id: UUID, kind: str) -> dict[str, Any]:
    url = f"/v1/photos/{photo_id}"
    return {"photo_id": str(photo_id), "kind": kind, "url": url, "thumbnail_url": f"{url}/thumbnail"}


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
