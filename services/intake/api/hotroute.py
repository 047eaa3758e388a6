"""A route for the doors that many come through at once: declared like any other, but its arguments found directly."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from services.intake.parts import Parts
from shared.actors import authenticate, context_of
from shared.tokens import Actor

type Admit = Callable[[Actor | None], Awaitable[Actor]]


class HotRoute(APIRoute):
    """Resolving the dependencies of a submission takes FastAPI longer than numbering, sealing and writing it.

    The endpoint takes what every door takes — `request`, `here`, `parts`, `idempotency_key` — and at most one actor
    (from `shared.actors.requires`), and answers a finished `Response`. OpenAPI is made from its signature as usual.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        name, admit = self._actor()

        async def handle(request: Request) -> Response:
            context = context_of(request)
            arguments: dict[str, Any] = {
                "request": request,
                "here": context,
                "parts": Parts.of(context),
                "idempotency_key": request.headers.get("idempotency-key"),
            }
            if admit is not None:
                arguments[name] = await admit(await authenticate(request))
            response: Response = await endpoint(**arguments)
            return response

        return handle

    def _actor(self) -> tuple[str, Admit | None]:
        for dependency in self.dependant.dependencies:
            if dependency.name and getattr(dependency.call, "requires_actor", False):
                admit: Any = dependency.call
                return dependency.name, admit
        return "", None
