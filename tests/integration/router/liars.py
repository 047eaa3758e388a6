"""Endpoints that hang, lie or send for ever, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

type Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Liar:
    url: str
    asked: int = 0


@asynccontextmanager
async def lying(answer: Answer) -> AsyncIterator[Liar]:
    """Reads each request and answers it like this; whoever is still served when the block ends is cut off."""
    made = Liar("")
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            made.asked += 1
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.split(b":")[1]))
            await answer(writer)
        writer.transport.abort()
        serving.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hooks"
    try:
        yield made
    finally:
        server.close()
        for task in list(serving):
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def never(_: asyncio.StreamWriter) -> None:
    """Takes the message and says nothing: its 200 would come after minutes."""
    await asyncio.Event().wait()


def saying(words: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(words)
        await writer.drain()

    return answer


def for_ever(start: bytes, again: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)  # drain alone gives no turn to others while the buffer has room

    return answer
