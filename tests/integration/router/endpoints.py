"""A department's endpoint that really listens, and what a test does with its webhooks."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from services.router.webhooks import Courier
from tests.integration.router.desk import Person


@dataclass
class Endpoint:
    """A department's endpoint: answers what it was told to, keeps what it got."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    """Answers in their turn; 204 when there are no more."""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def types(self) -> list[str]:
        return [message["event"]["type"].removeprefix("huying.").removesuffix(".v1") for message in self.messages()]


@contextmanager
def listening() -> Iterator[Endpoint]:
    """On a free port, until the block ends."""
    made = Endpoint()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.got.append((dict(self.headers), body))
            self.send_response(made.statuses.pop(0) if made.statuses else 204)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hooks"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


async def deliver(courier: Courier) -> None:
    while await courier.run_once():
        pass


async def register(department: Person, endpoint: Endpoint, **more: Any) -> tuple[str, str]:
    made = await department.did("/webhooks", {"unit_code": "PS-S01", "url": endpoint.url, **more})
    return made["webhook"]["webhook_id"], made["secret"]


async def deliveries(department: Person, webhook_id: str, **query: Any) -> list[dict[str, Any]]:
    return list((await department.get(f"/webhooks/{webhook_id}/deliveries", **query)).json()["items"])
