"""Watchers: everybody gets the news at once, a slow one keeps nobody waiting and gets the newest only."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.feedback.hub import HEARTBEAT, Hub, Watcher, chunk_of
from services.feedback.lookups import Asking, Found, LookUps


class Client:
    """The sending side of a connection; `full` while nobody reads."""

    def __init__(self, *, full: bool = False) -> None:
        self.got: list[bytes] = []
        self.room = asyncio.Event()
        self.ended = False
        if not full:
            self.room.set()

    async def send(self, message: Any) -> None:
        await self.room.wait()
        self.got.append(message["body"])
        self.ended = not message["more_body"]


@pytest.fixture
async def hub() -> AsyncIterator[Hub]:
    hub = Hub()
    yield hub
    hub.close()


def watching(hub: Hub, client: Client, *, version: int = 1, case_no: str = "PS1") -> Watcher:
    watcher = Watcher(client.send)
    hub.add(case_no, watcher)
    watcher.begin(version, b"first")
    return watcher


async def test_a_slow_client_delays_nobody_and_finds_only_the_newest_view(hub: Hub) -> None:
    """INVARIANT: what waits for a client is bounded by one view."""
    slow, quick = Client(full=True), Client()
    watching(hub, slow)
    watching(hub, quick)
    for version in range(2, 6):
        hub.tell("PS1", version, False, b"{%d}" % version)
    assert quick.got == [b"first", *(chunk_of("PS1", version, False, b"{%d}" % version) for version in range(2, 6))]
    slow.room.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert slow.got == [b"first", chunk_of("PS1", 5, False, b"{5}")]


async def test_the_same_version_is_never_sent_twice(hub: Hub) -> None:
    client = Client()
    watching(hub, client, version=3)
    for version in (2, 3, 4, 4, 3):
        hub.tell("PS1", version, False, b"{}")
    assert client.got == [b"first", chunk_of("PS1", 4, False, b"{}")]


async def test_nothing_reaches_somebody_who_may_not_see_the_case_yet(hub: Hub) -> None:
    client = Client()
    watcher = Watcher(client.send)
    watcher.news = asyncio.Event()
    hub.add("PS1", watcher)
    hub.tell("PS1", 1, False, b"{}")
    assert client.got == []
    assert watcher.news.is_set()
    watcher.begin(0, b"")
    assert client.got == [b"", chunk_of("PS1", 1, False, b"{}")]


async def test_who_waits_is_let_in_by_the_news_only_with_the_right_code(hub: Hub) -> None:
    watcher = Watcher(Client().send)
    watcher.news = asyncio.Event()
    hub.add("PS1", watcher)
    hub.tell("PS1", 4, True, b"{}", "ab12")
    for hashed, opened in (("ab12", Found(4, True, b"{}")), ("ab13", None), (None, None)):
        assert LookUps.opened(Asking("PS1", hashed, None, ""), watcher.told) == opened
    assert LookUps.opened(Asking("PS1", "ab12", None, ""), None) is None


async def test_only_a_silent_stream_gets_a_heartbeat(hub: Hub) -> None:
    client = Client()
    watching(hub, client)
    hub.beat(silent_for=3600)
    assert client.got == [b"first"]
    hub.beat(silent_for=0)
    assert client.got == [b"first", HEARTBEAT]


async def test_closing_ends_every_stream_once_and_lets_nothing_follow(hub: Hub) -> None:
    client = Client()
    watching(hub, client)
    hub.close()
    hub.close()
    hub.tell("PS1", 9, False, b"{}")
    hub.beat(silent_for=0)
    assert client.ended
    assert client.got == [b"first", b""]


async def test_the_versions_to_compare_are_the_oldest_anybody_has(hub: Hub) -> None:
    watching(hub, Client(), version=4)
    left = watching(hub, Client(), version=2)
    watching(hub, Client(), version=7, case_no="PS2")
    hub.add("PS3", Watcher(Client().send))
    assert hub.versions() == {"PS1": 2, "PS2": 7}
    hub.remove("PS1", left)
    assert hub.versions() == {"PS1": 4, "PS2": 7}
    assert len(hub) == 3


async def test_a_closed_case_is_told_with_a_final_event() -> None:
    chunk = chunk_of("PS1", 5, True, b"{}")
    assert chunk.decode().split("\n\n") == [
        "id: 5\nevent: progress\ndata: {}",
        'id: 5\nevent: closed\ndata: {"case_no":"PS1","version":5}',
        "",
    ]
