"""A pace: what comes alone is taken at once, what comes in a stream shares rounds."""

import asyncio

from shared.loops import Pace


async def test_the_first_round_begins_at_once() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(3600.0)
    before = loop.time()
    await pace.rest()
    assert loop.time() - before < 3600.0


async def test_the_next_round_waits_for_the_pace_of_the_last() -> None:
    loop = asyncio.get_running_loop()
    pace = Pace(0.02)
    pace.begin()
    begun = loop.time()
    await pace.rest()
    assert loop.time() - begun >= 0.02


async def test_a_look_that_found_nothing_is_no_round() -> None:
    """Only `begin` counts: who looked in vain must not wait when something comes."""
    pace = Pace(3600.0)
    async with asyncio.timeout(60):
        await pace.rest()
        await pace.rest()
