"""Watching a case over a real port: what comes first, what comes next, and what a lost signal costs."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
import pytest
import uvicorn

from deploy.standalone.ports import free_port
from services.feedback.feed import Feed
from services.feedback.hub import Hub
from services.feedback.lookups import Asking, Found
from services.feedback.store import Tools, Tx
from shared.ids import new_id
from tests.integration.feedback.conftest import Case, House, OpenHouse, answered, begun, key, settings_for
from tests.support.eventually import eventually
from tests.unit.feedback import said


@asynccontextmanager
async def served(house: House) -> AsyncIterator[httpx.AsyncClient]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        config = uvicorn.Config(house.app, lifespan="off", access_log=False, log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[door]))
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        try:
            async with httpx.AsyncClient(base_url=address, timeout=10) as http:
                yield http
        finally:
            hub(house).close()
            server.should_exit = True
            await serving


@pytest.fixture
async def door(house: House) -> AsyncIterator[httpx.AsyncClient]:
    async with served(house) as http:
        yield http


def hub(house: House) -> Hub:
    found: Hub = house.context.parts["hub"]
    return found


@dataclass
class Stream:
    """An open stream and its events so far."""

    answer: httpx.Response
    _lines: AsyncIterator[str]

    async def event(self) -> dict[str, Any]:
        """The next event; comments and retry hints are passed over."""
        found: dict[str, Any] = {}
        async with asyncio.timeout(8):
            async for line in self._lines:
                name, _, value = line.partition(": ")
                if name in ("id", "event", "data"):
                    found[name] = json.loads(value) if name == "data" else value
                elif not line and found:
                    return found
        raise EOFError


@asynccontextmanager
async def watching(
    http: httpx.AsyncClient, case_no: str, headers: dict[str, str], **more: str
) -> AsyncIterator[Stream]:
    address = f"/v1/progress/{case_no}/stream"
    async with http.stream("GET", address, headers={**headers, **more}) as answer:
        yield Stream(answer, answer.aiter_lines())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(8):
        while not condition():
            await asyncio.sleep(0)  # turns of the loop, no waiting


async def test_a_stream_begins_with_the_view_and_follows_it(house: House, case: Case, door: httpx.AsyncClient) -> None:
    async with watching(door, case.case_no, case.code) as stream:
        assert stream.answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        first = await stream.event()
        assert first["event"] == "progress"
        assert int(first["id"]) == first["data"]["version"]
        assert first["data"] == await house.view(case)
        await house.told(case.case_id, said.signed(case.order_id))
        second = await stream.event()
        assert second["data"]["status"]["text"] == "区城管局已签收"
        assert int(second["id"]) == int(first["id"]) + 1


async def test_who_comes_again_gets_only_what_is_newer(house: House, case: Case, door: httpx.AsyncClient) -> None:
    last = str((await house.view(case))["version"])
    async with watching(door, case.case_no, case.code, **{"Last-Event-ID": last}) as stream:
        await house.told(case.case_id, said.signed(case.order_id))
        assert (await stream.event())["id"] == str(int(last) + 1)
    async with watching(door, case.case_no, case.code, **{"Last-Event-ID": last}) as stream:
        assert (await stream.event())["id"] == str(int(last) + 1)


async def test_a_case_that_is_still_on_its_way_is_waited_for(open_house: OpenHouse) -> None:
    async with open_house(hold_seconds=8) as house, served(house) as door:
        citizen = new_id()
        waiting = asyncio.create_task(_first(door, said.number(), house.token("citizen", citizen)))
        await until(lambda: len(hub(house)) == 1)
        await house.told(new_id(), said.submitted(citizen_id=citizen))
        assert (await waiting)["data"]["status"]["code"] == "submitted"


async def test_news_that_comes_during_the_first_look_is_not_missed(
    house: House, door: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_ups, looks = house.context.parts["look_ups"], []
    find = look_ups.find

    async def overtaken(asking: Asking, *, now: datetime) -> Found | None:
        found: Found | None = await find(asking, now=now)
        looks.append(found)
        hub(house).tell(asking.case_no, 1, False, b'{"version":1}', asking.hashed or "")
        return found

    monkeypatch.setattr(look_ups, "find", overtaken)
    event = await _first(door, said.number(), {"X-Lookup-Code": said.CODE})
    assert event["data"] == {"version": 1}
    assert looks == [None]  # the news itself opened the stream


async def _first(door: httpx.AsyncClient, case_no: str, headers: dict[str, str]) -> dict[str, Any]:
    async with watching(door, case_no, headers) as stream:
        assert stream.answer.status_code == 200
        return await stream.event()


async def test_a_stranger_waits_as_long_for_a_real_number_as_for_an_invented_one(
    house: House, case: Case, door: httpx.AsyncClient
) -> None:
    """INVARIANT: neither the answer nor the time it takes tells whether a number exists."""
    took = []
    for case_no in (case.case_no, said.number(77)):
        before = asyncio.get_running_loop().time()
        answer = await door.get(f"/v1/progress/{case_no}/stream", headers={"X-Lookup-Code": "AAAAAAAA"})
        took.append(asyncio.get_running_loop().time() - before)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:huying:problem:case-not-found"
    assert min(took) >= house.context.settings.hold_seconds
    assert len(hub(house)) == 0


async def test_nobody_watches_without_saying_who_they_are(case: Case, door: httpx.AsyncClient) -> None:
    assert (await door.get(f"/v1/progress/{case.case_no}/stream")).status_code == 401


async def test_what_a_lost_signal_left_out_is_found_by_comparing(
    house: House, case: Case, door: httpx.AsyncClient
) -> None:
    async with watching(door, case.case_no, case.code) as stream:
        first = await stream.event()
        house.context.make_tx = lambda connection: Tx(connection, Tools.shipped())  # says nothing to anybody
        await house.told(case.case_id, said.signed(case.order_id))
        look_ups = house.context.parts["look_ups"]
        await Feed(house.context, hub(house), look_ups, words=house.context.parts["tools"].wording.countdown).compare()
        assert int((await stream.event())["id"]) == int(first["id"]) + 1


async def test_a_closing_is_a_final_event_and_a_reopening_still_arrives(
    house: House, case: Case, door: httpx.AsyncClient
) -> None:
    async with watching(door, case.case_no, case.code) as stream:
        await stream.event()
        await answered(house, case)
        await stream.event()
        await house.told(case.case_id, said.closed())
        assert [(await stream.event())["event"], (await stream.event())["event"]] == ["progress", "closed"]
        await house.told(case.case_id, said.reworked(cause="reopened"))
        assert (await stream.event())["data"]["closed"] is False


async def test_who_leaves_is_forgotten(house: House, case: Case, door: httpx.AsyncClient) -> None:
    async with watching(door, case.case_no, case.code) as stream:
        await stream.event()
        assert len(hub(house)) == 1
    await until(lambda: len(hub(house)) == 0)


async def test_other_processes_hear_of_it_too(open_house: OpenHouse) -> None:
    async with open_house() as worker, open_house() as api, served(api) as door:
        case = await begun(worker)
        async with watching(door, case.case_no, case.code) as stream:
            await stream.event()
            await worker.told(case.case_id, said.signed(case.order_id))
            assert (await stream.event())["data"]["status"]["code"] == "signed"


async def test_a_process_told_to_stop_ends_its_streams_and_stops(
    house: House, case: Case, database: str, nats_url: str, bus_prefix: str
) -> None:
    port = free_port()
    settings = settings_for(database, nats_url, bus_prefix=bus_prefix)
    secret = {"look_up_key": key("l"), "seal_key": settings.seal_key.get_secret_value(), "database_url": database}
    plain = settings.model_dump(include={"nats_url", "bus_prefix", "token_keys", "photos_url", "vault_current"})
    environment = {f"FEEDBACK_{name.upper()}": value for name, value in {**plain, **secret}.items()}
    environment["FEEDBACK_VAULT_KEYS"] = settings.vault_keys.get_secret_value()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services.feedback", "api", "--port", str(port)),
        env={**os.environ, **environment},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            ready = f"http://127.0.0.1:{port}/feedback/readyz"
            await asyncio.to_thread(eventually, lambda: httpx.get(ready).status_code == 200)
            async with watching(http, case.case_no, case.code) as stream:
                await stream.event()
                process.send_signal(signal.SIGTERM)
                with pytest.raises(EOFError):
                    await stream.event()
        assert await asyncio.wait_for(process.wait(), 10) in (0, -signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
