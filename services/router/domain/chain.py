"""The case log as a chain: every entry carries the hash of the one before, so a change anywhere shows."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import orjson

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
    sealed = _digest(prev_hash, case_id, seq, at, actor, action, facts)
    return Entry(case_id, seq, at, actor, action, facts, prev_hash, sealed)


def first_break(entries: Iterable[Entry]) -> int | None:
    """The `seq` of the first entry that was changed, lost or moved; None when the whole chain holds.

    Entries must come in order and from the first. A chain cut off at its end holds; compare its last `seq` and hash
    with what the case's own row says.
    """
    previous, expected = GENESIS, 1
    for one in entries:
        if one.seq != expected or not follows(one, previous):
            return expected
        previous, expected = one.hash, expected + 1
    return None


def follows(one: Entry, previous: bytes) -> bool:
    """True when the entry is as it was sealed, after the one with this hash."""
    digest = _digest(one.prev_hash, one.case_id, one.seq, one.at, one.actor, one.action, one.facts)
    return one.prev_hash == previous and one.hash == digest


def _digest(prev_hash: bytes, case_id: UUID, seq: int, at: datetime, *words: object) -> bytes:
    """SHA-256 over the hash before and the JSON of the entry: UTF-8, keys sorted, no spaces, instants in UTC."""
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    text = orjson.dumps([str(case_id), seq, moment, *words], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(prev_hash + text).digest()
