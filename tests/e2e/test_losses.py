"""Nothing acknowledged is lost or doubled, whatever is killed while citizens call."""

import pytest

from tests.support.books import balanced
from tests.support.calls import Calls
from tests.support.eventually import eventually
from tests.support.system import RunningSystem

VICTIMS = (
    "web-1", "intake-swift", "intake-worker", "router-worker", "sla-worker", "feedback-swift", "feedback-worker",
    "nats", "postgres",
)  # fmt: skip
pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def killed_in_turn(system: RunningSystem, rounds: int) -> None:
    """INVARIANT: every 201 is one case, one file, one set of orders, one clock per kind, one timeline.

    Breaks when something is acknowledged before its commit, published outside the outbox or applied without the inbox.
    """
    with Calls(system.url, system.secrets["operator_api_key"]) as calls:
        for _ in range(rounds):
            for victim in VICTIMS:
                before = len(calls.acknowledged)
                system.kill(victim)
                eventually(lambda before=before: len(calls.acknowledged) >= before + 20, seconds=60)
    assert calls.doubled == []
    assert set(calls.refused) <= {429, 503, 409}
    acknowledged = set(calls.acknowledged.values())
    assert len(acknowledged) == len(calls.acknowledged)
    eventually(lambda: balanced(system, acknowledged), seconds=120, every=1)


@pytest.mark.timeout(300)
def test_one_round_of_kill_9_loses_and_doubles_nothing(system: RunningSystem) -> None:
    killed_in_turn(system, rounds=1)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_twenty_rounds_of_kill_9_lose_and_double_nothing(system: RunningSystem) -> None:
    killed_in_turn(system, rounds=20)
