"""The circuit of an endpoint: when it opens, how long it rests, and that it always comes back."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.router.circuit import Circuit, Rests

NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
RESTS = Rests(3, (60, 120))


def fail(circuit: Circuit, *, failed: int = 1, probing: bool = False, now: datetime = NOW) -> Circuit:
    return circuit.after(delivered=0, failed=failed, probing=probing, rests=RESTS, now=now)


def test_it_opens_after_so_many_failures_in_a_row_and_not_before() -> None:
    almost = fail(fail(Circuit()))
    assert almost.state(NOW) == "closed"
    opened = fail(almost)
    assert (opened.state(NOW), opened.open_until) == ("open", NOW + timedelta(seconds=60))
    assert opened.state(NOW + timedelta(seconds=60)) == "half_open"


def test_a_success_between_failures_begins_the_count_again() -> None:
    assert fail(fail(Circuit()).after(delivered=1, failed=9, probing=False, rests=RESTS, now=NOW)).failures == 1


def test_each_failed_probe_makes_the_rest_longer_up_to_the_last() -> None:
    circuit, now, rests = fail(Circuit(), failed=3), NOW, []
    for _ in range(3):
        assert circuit.open_until is not None
        rests.append((circuit.open_until - now).total_seconds())
        now = circuit.open_until
        circuit = fail(circuit, probing=True, now=now)
    assert rests == [60, 120, 120]
    assert circuit.opened_at == NOW


def test_what_was_under_way_when_it_opened_does_not_lengthen_the_rest() -> None:
    opened = fail(Circuit(), failed=3)
    assert fail(opened, failed=5).open_until == opened.open_until


def test_an_attempt_that_was_nobodys_fault_changes_nothing() -> None:
    opened = fail(Circuit(), failed=3)
    assert opened.after(delivered=0, failed=0, probing=True, rests=RESTS, now=NOW) == opened


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), st.booleans()), max_size=30))
def test_whatever_happened_before_one_success_closes_it(history: list[tuple[int, int, bool]]) -> None:
    circuit, now = Circuit(), NOW
    for delivered, failed, probing in history:
        now += timedelta(seconds=30)
        circuit = circuit.after(delivered=delivered, failed=failed, probing=probing, rests=RESTS, now=now)
        assert (circuit.open_until is None) == (circuit.opened_at is None) == (circuit.openings == 0)
        assert circuit.open_until is None or circuit.open_until <= now + timedelta(seconds=120)
    assert circuit.after(delivered=1, failed=0, probing=True, rests=RESTS, now=now).untroubled
