"""What may be added to a case that is being handled: by whoever it belongs to, who has its code, or for a caller."""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response

from contracts.numbers import code_hash, parse_case_number
from services.intake.additions import rows, usecases
from services.intake.additions.rules import Added, Speaker
from services.intake.additions.usecases import Addition
from services.intake.api.doors import LETTER_OWNER, address_of
from services.intake.api.reading import Here, IdempotencyKey, PartsHere, created, json_body, parse, raw_json
from services.intake.api.views import AdditionView, WithdrawalReasons
from services.intake.forms import SupplementForm, WithdrawalForm
from services.intake.idempotency import Claim, answer_cell, canonical, replayed
from services.intake.normalise import Faults, TextLimits, text
from services.intake.parts import Parts
from services.intake.reception import PHONE_DOOR, WECHAT_DOOR
from services.intake.settings import Settings
from services.intake.store import Tx
from services.intake.usecases import NoSuchCase
from shared.actors import authenticate
from shared.context import Context
from shared.errors import Forbidden, Unauthenticated
from shared.tokens import Actor

routes = APIRouter(tags=["additions"])

PUBLIC = frozenset({"urge_case", "supplement_case", "withdraw_case", "list_withdrawal_reasons"})
"""They check number and code, or a token, themselves."""

CaseNumber = Annotated[str, Path(min_length=1, max_length=40)]
Code = Annotated[
    str | None, Header(alias="X-Lookup-Code", max_length=64, description="From the receipt; or send a token")
]
Authorization = Annotated[str | None, Header(description="Bearer token of the case's citizen, or of an operator")]
_ANSWER: dict[str, Any] = {"status_code": 201, "response_model": AdditionView}
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at the door of a case."""

    case_no: str
    actor: Actor | None
    code: str | None
    address: str

    @property
    def operates(self) -> bool:
        return self.actor is not None and self.actor.kind != "citizen"

    @property
    def name(self) -> str:
        """For repeated requests: who says this key."""
        return f"{self.actor.kind}:{self.actor.id}" if self.actor is not None else "code"

    def speaker(self, case: Any) -> Speaker:
        if self.actor is None:
            return Speaker("citizen", case.channel_code, LETTER_OWNER)
        if self.operates:
            return Speaker("operator", PHONE_DOOR, self.name)
        return Speaker("citizen", WECHAT_DOOR, self.name)


async def _visit(request: Request, parts: Parts, case_no: str, code: str | None) -> Visit:
    """Raises `Unauthenticated` without token and code, `Forbidden` for staff who take no calls, `NotACaseNumber`."""
    actor = await authenticate(request)
    if actor is None and code is None:
        raise Unauthenticated("send X-Lookup-Code, or log in")
    if actor is not None and actor.kind != "citizen" and not actor.has("operator", "operator_system"):
        raise Forbidden("this is for operators and for whose case it is")
    number = parse_case_number(case_no, prefix=parts.number_prefix, pointer="path/case_no")
    return Visit(number, actor, code, address_of(request))


def _opens(visit: Visit, case: Any, key: bytes) -> bool:
    """An unknown number costs as much as a wrong code."""
    stored = bytes(case.look_up_hash) if case is not None and case.look_up_hash is not None else _NO_HASH
    right = visit.code is not None and hmac.compare_digest(code_hash(visit.code, visit.case_no, key), stored)
    if case is None:
        return False
    if visit.operates or right:
        return True
    return visit.actor is not None and case.citizen_id is not None and str(case.citizen_id) == visit.actor.id


type Verb = Callable[[Tx, Added, Speaker], Awaitable[Addition]]


async def _added(
    here: Context[Settings, Tx], parts: Parts, visit: Visit, verb: Verb, *, kind: str, key: str | None, raw: bytes = b""
) -> Response:
    """The case found for who may, its first answer for who asks again, else the verb; one transaction."""
    now = here.clock.now()
    sender = f"additions\0{kind}\0{visit.case_no}\0{visit.name}"
    claim = Claim.of(key, sender=sender, body=canonical(raw) if raw else b"", secret=parts.claim_key)
    async with here.begin() as tx:
        if visit.code is not None and not visit.operates:
            await parts.guesses.check(tx.connection, visit.case_no, visit.address, now=now)
        row = await rows.case_by_number(tx.connection, visit.case_no)
        found = _opens(visit, row, parts.look_up_key)
        if not found and not visit.operates:
            await parts.guesses.failed(tx.connection, visit.case_no, visit.address, now=now)
        if found:
            # Under the lock of the case, so that a twin of this request waits and then finds the answer.
            kept = await tx.claimed(claim) if claim is not None else None
            if claim is not None and kept is not None:
                return created(replayed(claim, kept, parts.vault))
            case = Added(row.case_id, row.case_no, row.channel_code, row.sequence, row.outcome)
            addition = await verb(tx, case, visit.speaker(row))
            answer = AdditionView.of(addition).model_dump_json().encode()
            if claim is not None:
                # By the case, so that what is kept goes when its citizen is forgotten.
                sealed = parts.vault.encrypt(answer.decode(), answer_cell(case.case_id))
                await tx.claim(claim, case.case_id, sealed, now)
    if not found:
        raise NoSuchCase
    return created(answer)


@routes.get("/cases/withdrawal-reasons")
async def list_withdrawal_reasons(parts: PartsHere) -> WithdrawalReasons:
    """What one may choose from when withdrawing."""
    return WithdrawalReasons.of(parts.additions)


@routes.post("/cases/{case_no}/urges", **_ANSWER)
async def urge_case(
    *,
    case_no: CaseNumber,
    request: Request,
    here: Here,
    parts: PartsHere,
    idempotency_key: IdempotencyKey = None,
    x_lookup_code: Code = None,
    authorization: Authorization = None,  # noqa: ARG001  read by `authenticate`
) -> Response:
    """催办: the unit is told that you are waiting. No body; at most so often as the rules say, else 429."""
    visit = await _visit(request, parts, case_no, x_lookup_code)

    async def verb(tx: Tx, case: Added, speaker: Speaker) -> Addition:
        return await usecases.urge(tx, case, speaker, parts.additions, now=here.clock.now())

    return await _added(here, parts, visit, verb, kind="urge", key=idempotency_key)


@routes.post("/cases/{case_no}/supplements", **_ANSWER, openapi_extra=json_body(SupplementForm))
async def supplement_case(
    *,
    case_no: CaseNumber,
    request: Request,
    here: Here,
    parts: PartsHere,
    idempotency_key: IdempotencyKey = None,
    x_lookup_code: Code = None,
    authorization: Authorization = None,  # noqa: ARG001  read by `authenticate`
) -> Response:
    """补充: more words and photos. Photos are uploaded first, by the same sender (`POST /v1/attachments`)."""
    visit = await _visit(request, parts, case_no, x_lookup_code)
    raw = await raw_json(request)
    form, faults = parse(SupplementForm, raw), Faults()
    words = text(form.text, "/text", TextLimits(2, parts.additions.supplement.longest), faults)
    if len(set(form.attachments)) != len(form.attachments):
        faults.add("/attachments", "names an attachment twice", "附件重复")
    faults.check()

    async def verb(tx: Tx, case: Added, speaker: Speaker) -> Addition:
        return await usecases.supplement(
            tx, case, speaker, parts.additions, parts.vault,
            words=words, attachment_ids=form.attachments, now=here.clock.now(),
        )  # fmt: skip

    return await _added(here, parts, visit, verb, kind="supplement", key=idempotency_key, raw=raw)


@routes.post("/cases/{case_no}/withdrawal", **_ANSWER, openapi_extra=json_body(WithdrawalForm))
async def withdraw_case(
    *,
    case_no: CaseNumber,
    request: Request,
    here: Here,
    parts: PartsHere,
    idempotency_key: IdempotencyKey = None,
    x_lookup_code: Code = None,
    authorization: Authorization = None,  # noqa: ARG001  read by `authenticate`
) -> Response:
    """撤回: you no longer want it handled. Once a case."""
    visit = await _visit(request, parts, case_no, x_lookup_code)
    raw = await raw_json(request)
    reason_code = parts.additions.reason(parse(WithdrawalForm, raw).reason_code)

    async def verb(tx: Tx, case: Added, speaker: Speaker) -> Addition:
        return await usecases.withdraw(
            tx, case, speaker, parts.additions, reason_code=reason_code, now=here.clock.now()
        )

    return await _added(here, parts, visit, verb, kind="withdrawal", key=idempotency_key, raw=raw)
