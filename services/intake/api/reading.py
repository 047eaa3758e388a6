"""Reads request bodies once and within bounds, and declares them in OpenAPI all the same."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Message

from services.intake.domain import CONTACT_READERS, Reader
from services.intake.parts import Parts
from services.intake.settings import Settings
from services.intake.store import Tx
from shared.actors import context_of, here
from shared.context import Context
from shared.errors import DomainError, Unauthenticated
from shared.tokens import Actor

MOST_BYTES = 1024 * 1024
"""Of a JSON body; far more than any form needs, so that a text too long is still told so at its field."""

type Body = dict[str, Any]


class BodyTooLarge(DomainError):
    """The request is too large."""

    kind = "too_large"
    zh = "提交的内容过大"


class NotJson(DomainError):
    """This takes application/json."""

    kind = "unsupported"
    zh = "请以 application/json 格式提交"


async def parts_of(request: Request) -> Parts:
    return Parts.of(context_of(request))


Here = Annotated[Context[Settings, Tx], Depends(here)]
PartsHere = Annotated[Parts, Depends(parts_of)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="8 to 128 printable ASCII characters, new for every request; a repetition gets the first answer",
    ),
]


def reader_of(actor: Actor) -> Reader:
    return Reader(actor.id, actor.kind, actor.roles, actor.units, actor.units_as(*CONTACT_READERS))


def citizen_id_of(actor: Actor) -> UUID:
    try:
        return UUID(actor.id)
    except ValueError:
        raise Unauthenticated("the token does not name a citizen") from None


async def raw_json(request: Request) -> bytes:
    """The body as it came. Raises `NotJson` or `BodyTooLarge`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise NotJson
    return await bounded(request, MOST_BYTES)


async def bounded(request: Request, most: int) -> bytes:
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said) > most:
        raise BodyTooLarge(max_size=most)
    body = b""
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                raise BodyTooLarge(max_size=most)
    except ClientDisconnect:
        raise HTTPException(400) from None  # nobody is there to read it; only the log must not call it a bug
    return body


def counted(request: Request, most: int) -> Request:
    """The same request, whose body refuses to be longer than `most` bytes while it is being read."""
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise BodyTooLarge(max_size=most)
        return message

    return Request(request.scope, receive)


def parse[F: BaseModel](form: type[F], raw: bytes) -> F:
    """Straight from bytes to the form; every fault at its pointer."""
    try:
        return form.model_validate_json(raw)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        raise RequestValidationError([{**fault, "loc": ("body", *fault["loc"])} for fault in faults]) from None


def json_body(form: type[BaseModel]) -> Body:
    """For `openapi_extra`: what FastAPI would have declared, with nested models written out."""
    schema = form.model_json_schema()
    definitions = schema.pop("$defs", {})
    content = {"application/json": {"schema": _written_out(schema, definitions)}}
    return {"requestBody": {"required": True, "content": content}}


def _written_out(schema: Any, definitions: Body) -> Any:
    if isinstance(schema, list):
        return [_written_out(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    reference = schema.get("$ref")
    if reference is not None:
        return _written_out(definitions[reference.rpartition("/")[2]], definitions)
    return {key: _written_out(value, definitions) for key, value in schema.items()}


def created(body: bytes) -> Response:
    return Response(body, status_code=201, media_type="application/json")
