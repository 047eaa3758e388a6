"""FastAPI dependencies that say who may call a route."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import Depends, Request

from shared.apikeys import PREFIX
from shared.context import Context
from shared.errors import Forbidden, Unauthenticated
from shared.tokens import Actor


def context_of(request: Request) -> Context[Any, Any]:
    context: Context[Any, Any] = request.app.state.context
    return context


async def here(request: Request) -> Context[Any, Any]:
    """A coroutine although it waits for nothing: FastAPI sends plain functions through a thread."""
    return context_of(request)


Here = Annotated[Context[Any, Any], Depends(here)]
"""What the process holds; services narrow it to their own settings and Tx."""


async def authenticate(request: Request) -> Actor | None:
    """The caller, from `Authorization: Bearer …`; None when the header is absent."""
    header = request.headers.get("authorization", "")
    if not header:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("use Authorization: Bearer <token or API key>")
    context = context_of(request)
    if token.startswith(PREFIX) and context.keys is not None:
        return await context.keys.verify(token)
    actor = await _verified(context, token)
    if actor.session and actor.session in context.ended:
        raise Unauthenticated("the login has ended")
    return actor


async def _verified(context: Context[Any, Any], token: str) -> Actor:
    now = context.clock.now()
    if context.oidc is not None and token.count(".") == 2:  # noqa: PLR2004  a compact JWS has three parts
        try:
            return context.tokens.verify(token, now=now)
        except Unauthenticated:
            return await context.oidc.verify(token, now=now)
    return context.tokens.verify(token, now=now)


Caller = Annotated[Actor | None, Depends(authenticate)]


def requires(*roles: str, kind: str | tuple[str, ...] = ()) -> Callable[..., Awaitable[Actor]]:
    """A dependency that admits actors with one of these roles (any role when none is named) and of these kinds."""
    kinds = (kind,) if isinstance(kind, str) else kind

    async def admitted(actor: Caller) -> Actor:
        if actor is None:
            raise Unauthenticated
        if kinds and actor.kind not in kinds:
            raise Forbidden(f"this is for {' or '.join(kinds)} accounts")
        if roles and not actor.has(*roles):
            raise Forbidden(f"this needs one of the roles {', '.join(roles)}")
        return actor

    admitted.__dict__["requires_actor"] = True
    return admitted


Someone = Annotated[Actor, Depends(requires())]
Citizen = Annotated[Actor, Depends(requires(kind="citizen"))]
Staff = Annotated[Actor, Depends(requires(kind="staff"))]
