"""The case log: whatever is changed, lost or moved, the chain tells where."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.router.domain.chain import GENESIS, Entry, entry, first_break
from shared.ids import new_id

NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
facts = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12), max_size=4
)


def chain_of(all_facts: list[dict[str, Any]]) -> list[Entry]:
    case_id, made, last = new_id(), list[Entry](), GENESIS
    for seq, told in enumerate(all_facts, start=1):
        one = entry(case_id, seq, at=NOW + timedelta(minutes=seq), actor="a", action="sign", facts=told, prev_hash=last)
        made.append(one)
        last = one.hash
    return made


@given(st.lists(facts, max_size=8))
def test_an_untouched_chain_holds(told: list[dict[str, Any]]) -> None:
    assert first_break(chain_of(told)) is None


@given(st.lists(facts, min_size=1, max_size=8), st.data())
def test_any_changed_entry_is_found_where_it_is(told: list[dict[str, Any]], data: st.DataObject) -> None:
    chain = chain_of(told)
    at = data.draw(st.integers(0, len(chain) - 1))
    change = data.draw(
        st.sampled_from(
            [
                {"actor": "b"},
                {"action": "return"},
                {"at": chain[at].at + timedelta(microseconds=1)},
                {"case_id": new_id()},
                {"facts": {**chain[at].facts, "one more": 1}},
                {"hash": bytes(32)},
            ]
        )
    )
    chain[at] = replace(chain[at], **change)
    assert first_break(chain) == at + 1


@given(st.lists(facts, min_size=2, max_size=8), st.data())
def test_a_lost_entry_is_found(told: list[dict[str, Any]], data: st.DataObject) -> None:
    chain = chain_of(told)
    at = data.draw(st.integers(0, len(chain) - 2))
    del chain[at]
    assert first_break(chain) == at + 1


def test_a_resealed_entry_does_not_fit_the_next_one() -> None:
    chain = chain_of([{"n": n} for n in range(4)])
    forged = entry(
        chain[1].case_id, 2, at=chain[1].at, actor="a", action="sign", facts={"n": 9}, prev_hash=chain[0].hash
    )
    assert first_break([chain[0], forged, *chain[2:]]) == 3


def test_the_hash_is_over_this_text_and_no_other() -> None:
    """Whoever checks a log elsewhere, or later, must be able to make the same."""
    told = {"unit": "PS-S01", "confidence": 0.825, "orders": [{"n": 1}], "note": "分拨", "none": None}
    one = entry(UUID(int=7), 1, at=NOW, actor="系统", action="classify", facts=told, prev_hash=GENESIS)
    words = [str(UUID(int=7)), 1, "2026-09-14T02:00:00.000000+00:00", "系统", "classify", told]
    text = json.dumps(words, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert one.hash == hashlib.sha256(GENESIS + text.encode()).digest()


def test_the_order_of_the_facts_does_not_matter() -> None:
    case_id = new_id()
    one, other = (
        entry(case_id, 1, at=NOW, actor="a", action="sign", facts=told, prev_hash=GENESIS)
        for told in ({"a": 1, "b": 2}, {"b": 2, "a": 1})
    )
    assert one.hash == other.hash
