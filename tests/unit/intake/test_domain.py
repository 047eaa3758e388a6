"""Who may see whom: decided by role, unit and the citizen's own wish."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from services.intake.domain import (
    Contact,
    ContactIsConfidential,
    Holding,
    NotHoldingThisCase,
    Reader,
    Submission,
    may_read_contact,
    may_see_photo,
)

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
CASE, CITIZEN = uuid4(), uuid4()


def reader(*roles, units=(), kind="staff", name="s1"):
    return Reader(name, kind, frozenset(roles), frozenset(units))


def held_by(unit, *, released=False):
    return Holding(uuid4(), CASE, unit, NOW, NOW if released else None)


@pytest.mark.parametrize("role", ["handler", "unit_manager", "operator"])
def test_people_of_a_unit_that_holds_the_case_read_its_contact(role):
    may_read_contact(reader(role, units={"PS-S01"}), confidential=False, holdings=[held_by("PS-S01")])


@pytest.mark.parametrize(
    ("who", "holdings"),
    [
        (reader("handler", units={"PS-S02"}), [held_by("PS-S01")]),
        (reader("handler", units={"PS-S01"}), []),
        (reader("handler", units={"PS-S01"}), [held_by("PS-S01", released=True)]),
        (reader("handler"), [held_by("PS-S01")]),
        (reader("leader", units={"PS-S01"}), [held_by("PS-S01")]),
    ],
)
def test_nobody_else_does(who, holdings):
    with pytest.raises(NotHoldingThisCase):
        may_read_contact(who, confidential=False, holdings=holdings)


def test_a_confidential_contact_is_the_dispatchers_alone():
    may_read_contact(reader("dispatcher"), confidential=True, holdings=[])
    with pytest.raises(ContactIsConfidential):
        may_read_contact(reader("handler", units={"PS-S01"}), confidential=True, holdings=[held_by("PS-S01")])


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (reader(kind="citizen", name=str(CITIZEN)), True),
        (reader(kind="citizen", name=str(uuid4())), False),
        (reader("dispatcher"), True),
        (reader("reviewer"), True),
        (reader("handler", units={"PS-S01"}), True),
        (reader("handler", units={"PS-S02"}), False),
        (reader("leader"), False),
        (reader("operator_system", kind="machine", name="hotline"), True),
        (reader("operator_system", kind="machine", name="other"), False),
    ],
)
def test_a_photo_is_seen_by_whom_it_concerns(who, seen):
    holdings = [held_by("PS-S01")]
    assert may_see_photo(who, owner="machine:hotline", citizen_id=CITIZEN, holdings=holdings) is seen


def test_an_anonymous_submission_forgets_its_contact():
    said = Submission(
        "a", "a", "路灯不亮", NOW, anonymous=True, contact=Contact(phone="13812345678"), contact_checked=True
    )
    assert not said.honouring_anonymity().contact
    assert not said.honouring_anonymity().contact_checked


def test_a_contact_never_shows_itself_in_a_traceback():
    said = Submission("a", "a", "路灯不亮", NOW, contact=Contact(phone="13812345678"))
    assert "1381" not in repr(said) + repr(said.contact)


def test_a_release_keeps_its_first_instant():
    holding = held_by("PS-S01")
    holding.release(NOW)
    holding.release(datetime(2027, 1, 1, tzinfo=UTC))
    assert holding.released_at == NOW
