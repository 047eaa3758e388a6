"""Routes that are documented like any other and answered by plain ASGI, for what is too hot for the framework."""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send


def answered_by(app: ASGIApp) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The decorated function only declares the route's parameters and answers; `app` gives them."""

    def declare(endpoint: Callable[..., Any]) -> Callable[..., Any]:
        endpoint.__dict__["direct"] = app
        return endpoint

    return declare


class DirectRoute(APIRoute):
    """Hands the request to the endpoint's `answered_by` application; other endpoints are served as usual."""

    @property
    def express(self) -> ASGIApp | None:
        """See `shared.express`."""
        direct: ASGIApp | None = getattr(self.endpoint, "direct", None)
        return direct

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        direct = self.express
        if direct is None or scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
        else:
            await direct(scope, receive, send)
