"""A route for the doors that many come through at once: declared like any other, but its arguments found directly."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from services.intake.parts import Parts
from shared.actors import authenticate, context_of
from shared.tokens import Actor

type Admit = Callable[[Actor | None], Awaitable[Actor]]


class HotRoute(APIRoute):
    """Resolving the dependencies of a submission takes FastAPI longer than numbering, sealing and writing it.

    The endpoint takes what every door takes — `request`, `here`, `parts`, `idempotency_key` — and at most one actor
    (from `shared.actors.requires`), and answers a finished `Response`. OpenAPI is made from its signature as usual.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self._actor_name, self._admit = self._actor()

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "POST":
            await self.express(scope, receive, send)
        else:
            await super().handle(scope, receive, send)

    async def express(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `shared.express`."""
        request = Request(scope, receive, send)
        context = context_of(request)
        arguments: dict[str, Any] = {
            "request": request,
            "here": context,
            "parts": Parts.of(context),
            "idempotency_key": request.headers.get("idempotency-key"),
        }
        if self._admit is not None:
            arguments[self._actor_name] = await self._admit(await authenticate(request))
        response: Response = await self.endpoint(**arguments)
        await response(scope, receive, send)

    def _actor(self) -> tuple[str, Admit | None]:
        for dependency in self.dependant.dependencies:
            if dependency.name and getattr(dependency.call, "requires_actor", False):
                admit: Any = dependency.call
                return dependency.name, admit
        return "", None
