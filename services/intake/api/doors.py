"""The three doors a request comes in by; each becomes the one schema and a number."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.hotroute import HotRoute
from services.intake.api.reading import (
    Here,
    IdempotencyKey,
    PartsHere,
    citizen_id_of,
    created,
    json_body,
    parse,
    raw_json,
)
from services.intake.api.views import Receipt
from services.intake.domain import Submission
from services.intake.forms import SubmitCall, SubmitCase, SubmitLetter
from services.intake.idempotency import Claim, canonical
from services.intake.parts import Parts
from shared.actors import Citizen, requires
from shared.tokens import Actor

routes = APIRouter(tags=["submissions"], route_class=HotRoute)

Operator = Annotated[Actor, Depends(requires("operator", "operator_system"))]
_ANSWER: dict[str, Any] = {"status_code": 201, "response_model": Receipt}
LETTER_OWNER = "letter"


@routes.post("/cases", **_ANSWER, openapi_extra=json_body(SubmitCase))
async def submit_case(
    request: Request, citizen: Citizen, here: Here, parts: PartsHere, idempotency_key: IdempotencyKey = None
) -> Response:
    """A request from the mini-program."""
    raw = await raw_json(request)
    now = here.clock.now()
    submission = parts.reception.case(parse(SubmitCase, raw), now)
    owner = f"citizen:{citizen.id}"
    claim = _claim(parts, idempotency_key, "cases", owner, raw)
    answer = await parts.register.admit(
        submission, raw=raw.decode(), claim=claim, owner=owner, login=citizen_id_of(citizen), now=now
    )
    return created(answer)


@routes.post("/calls", **_ANSWER, openapi_extra=json_body(SubmitCall))
async def submit_call(
    request: Request, operator: Operator, here: Here, parts: PartsHere, idempotency_key: IdempotencyKey = None
) -> Response:
    """A call to 12345, written down by its operator or posted by the telephone platform."""
    raw = await raw_json(request)
    now = here.clock.now()
    submission = parts.reception.call(parse(SubmitCall, raw), now)
    owner = f"{operator.kind}:{operator.id}"
    claim = _claim(parts, idempotency_key, "calls", owner, raw)
    kept = _kept(raw, submission, "caller")
    return created(await parts.register.admit(submission, raw=kept, claim=claim, owner=owner, login=None, now=now))


@routes.post("/letters", **_ANSWER, openapi_extra=json_body(SubmitLetter))
async def submit_letter(
    request: Request, here: Here, parts: PartsHere, idempotency_key: IdempotencyKey = None
) -> Response:
    """A letter to the leader's mailbox; anyone may write, so each address may write only so often."""
    raw = await raw_json(request)
    now = here.clock.now()
    submission = parts.reception.letter(parse(SubmitLetter, raw), now)
    claim = _claim(parts, idempotency_key, "letters", LETTER_OWNER, raw)
    async with here.begin() as tx:
        await parts.letters.count(tx.connection, address_of(request), now=now)
    kept = _kept(raw, submission, "sender")
    answer = await parts.register.admit(submission, raw=kept, claim=claim, owner=LETTER_OWNER, login=None, now=now)
    return created(answer)


def address_of(request: Request) -> str:
    """The peer's; uvicorn puts the real one here when a trusted proxy names it."""
    return request.client.host if request.client is not None else ""


def _claim(parts: Parts, key: str | None, door: str, sender: str, raw: bytes) -> Claim | None:
    if key is None:
        return None
    return Claim.of(key, sender=f"{door}\0{sender}", body=canonical(raw), secret=parts.claim_key)


def _kept(raw: bytes, submission: Submission, person: str) -> str:
    """The payload to keep: as it came, except that of an anonymous request nothing is kept that says who it was."""
    if not submission.anonymous:
        return raw.decode()
    said = orjson.loads(raw)
    said.pop(person, None)
    return orjson.dumps(said).decode()
