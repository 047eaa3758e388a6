"""The case log as a chain: every entry carries the hash of the one before, so a change anywhere shows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

GENESIS = bytes(32)
"""What the first entry of a case points back to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One action on one case; `facts` holds codes, ids and counts, never a person's data."""

    case_id: UUID
    seq: int
    at: datetime
    actor: str
    action: str
    facts: Mapping[str, object]
    prev_hash: bytes
    hash: bytes


def entry(
    case_id: UUID, seq: int, *, at: datetime, actor: str, action: str, facts: Mapping[str, object], prev_hash: bytes
) -> Entry:
    """The next entry, sealed."""
    unsealed = Entry(case_id, seq, at, actor, action, facts, prev_hash, b"")
    return replace(unsealed, hash=_digest(unsealed))


def first_break(entries: Iterable[Entry]) -> int | None:
    """The `seq` of the first entry that was changed, lost or moved; None when the whole chain holds.

    Entries must come in order and from the first. A chain cut off at its end holds; compare its last `seq` and hash
    with what the case's own row says.
    """
    previous, expected = GENESIS, 1
    for one in entries:
        if one.seq != expected or one.prev_hash != previous or one.hash != _digest(one):
            return expected
        previous, expected = one.hash, expected + 1
    return None


def _digest(one: Entry) -> bytes:
    moment = one.at.astimezone(UTC).isoformat(timespec="microseconds")
    words = [str(one.case_id), one.seq, moment, one.actor, one.action, one.facts]
    text = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(one.prev_hash + text.encode()).digest()
