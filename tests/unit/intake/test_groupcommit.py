"""Requests that come while a commit runs share the next one, and none suffers for another."""

import asyncio

import pytest

from shared.errors import Unavailable
from shared.groupcommit import GroupCommit


class Disk:
    """Flushes what it is given once it is let go."""

    def __init__(self):
        self.groups: list[list[int]] = []
        self.gate = asyncio.Event()
        self.fault: Exception | None = None

    async def flush(self, items):
        self.groups.append(list(items))
        await self.gate.wait()
        if self.fault and (13 in items or isinstance(self.fault, Unavailable)):
            raise self.fault
        return [item * 10 if item >= 0 else ValueError(str(item)) for item in items]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_during_a_flush_shares_the_next():
    disk = Disk()
    commit = GroupCommit(disk.flush, lanes=1)
    first = asyncio.create_task(commit.submit(1))
    await settle()
    others = [asyncio.create_task(commit.submit(n)) for n in (2, 3, 4)]
    await settle()
    assert not first.done()
    disk.gate.set()
    assert await asyncio.gather(first, *others) == [10, 20, 30, 40]
    assert disk.groups == [[1], [2, 3, 4]]


async def test_two_lanes_flush_side_by_side_and_groups_have_a_limit():
    disk = Disk()
    commit = GroupCommit(disk.flush, lanes=2, most=2)
    tasks = []
    for n in range(7):
        tasks.append(asyncio.create_task(commit.submit(n)))
        await settle()
    assert disk.groups == [[0], [1]]
    disk.gate.set()
    assert await asyncio.gather(*tasks) == [n * 10 for n in range(7)]
    assert sorted(map(len, disk.groups)) == [1, 1, 1, 2, 2]


async def test_one_bad_item_never_fails_its_neighbours():
    """INVARIANT: breaks when a failed group is answered as a whole."""
    disk = Disk()
    disk.fault = RuntimeError("thirteen")
    disk.gate.set()
    commit = GroupCommit(disk.flush, lanes=1)
    answers = await asyncio.gather(*(commit.submit(n) for n in (12, 13, 14)), return_exceptions=True)
    assert (answers[0], answers[2]) == (120, 140)
    assert isinstance(answers[1], RuntimeError)
    assert disk.groups == [[12, 13, 14], [12], [13], [14]]


async def test_an_item_may_be_refused_without_a_second_try():
    disk = Disk()
    disk.gate.set()
    commit = GroupCommit(disk.flush, lanes=1)
    answers = await asyncio.gather(*(commit.submit(n) for n in (1, -2)), return_exceptions=True)
    assert answers[0] == 10
    assert isinstance(answers[1], ValueError)
    assert disk.groups == [[1, -2]]


async def test_what_is_down_is_down_for_all_at_once():
    disk = Disk()
    disk.fault = Unavailable()
    disk.gate.set()
    commit = GroupCommit(disk.flush, lanes=1)
    answers = await asyncio.gather(*(commit.submit(n) for n in range(20)), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert len(disk.groups) == 1


async def test_who_hangs_up_does_not_disturb_the_others():
    disk = Disk()
    commit = GroupCommit(disk.flush, lanes=1)
    gone, stays = asyncio.create_task(commit.submit(1)), asyncio.create_task(commit.submit(2))
    await settle()
    gone.cancel()
    await settle()
    disk.gate.set()
    assert await stays == 20
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_closing_waits_for_what_was_submitted():
    disk = Disk()
    commit = GroupCommit(disk.flush, lanes=1)
    task = asyncio.create_task(commit.submit(1))
    await settle()
    disk.gate.set()
    await commit.close()
    assert await task == 10


async def test_an_item_that_comes_just_as_a_lane_ends_is_not_left_lying():
    """INVARIANT: whoever finds all lanes taken is carried by one of them. Breaks when a lane leaves the count late."""
    commit = GroupCommit((disk := Disk()).flush, lanes=1)
    disk.gate.set()

    async def chain(n):
        await commit.submit(n)
        return await asyncio.wait_for(commit.submit(n + 1), 5)

    assert await asyncio.gather(*(chain(n) for n in range(0, 40, 2))) == [(n + 1) * 10 for n in range(0, 40, 2)]


async def test_closing_when_a_lane_has_just_ended_returns():
    disk = Disk()
    disk.gate.set()
    commit = GroupCommit(disk.flush, lanes=1)
    await commit.submit(1)
    await asyncio.wait_for(commit.close(), 5)
