"""Call-backs: the clerks' queue, and the link by which citizens answer themselves."""

from datetime import datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.events.feedback import CallbackMethod, Level, Solved
from services.feedback import calling
from services.feedback.api.opening import Authorization, CaseNo, LookUpCode, citizens_own
from services.feedback.api.views import AllowedAction
from services.feedback.calling import Call
from services.feedback.domain.callback import Answer, Callback, CallbackRules, Reason, State
from shared.actors import Here, requires
from shared.tokens import Actor

routes = APIRouter(tags=["callbacks"])

PUBLIC = frozenset({"answer_callback"})
"""It checks number and code, or a token, itself."""

Clerk = Annotated[Actor, Depends(requires("callback_clerk", kind="staff"))]
Watcher = Annotated[Actor, Depends(requires("callback_clerk", "supervisor", "leader", "admin", kind="staff"))]


class AnswerForm(BaseModel):
    """Solved and satisfied are asked apart; so are the handling and how the request was received and passed on."""

    model_config = ConfigDict(extra="forbid")

    solved: Solved
    satisfied: Level
    process_satisfied: Level | None = None
    contacted_in_time: bool | None = None
    praise: bool = False

    def answer(self) -> Answer:
        return Answer(self.solved, self.satisfied, self.process_satisfied, self.contacted_in_time, self.praise)


class RecordForm(BaseModel):
    """What came of a call: an answer, or nobody was reached."""

    model_config = ConfigDict(extra="forbid")

    reached: bool
    answer: AnswerForm | None = None
    note: str = Field("", max_length=500)
    """For colleagues; citizens and units never read it."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if self.reached is not (self.answer is not None):
            raise ValueError("an answer belongs to who was reached, and only to them")
        return self


class CallbackView(BaseModel):
    callback_id: UUID
    case_id: UUID
    case_no: str
    round: int
    unit_name: str
    """Who handled it."""
    reason: Reason
    method: CallbackMethod
    state: State
    attempts: int
    claimed_by: str | None
    next_at: datetime
    created_at: datetime
    done_at: datetime | None
    allowed_actions: list[AllowedAction]

    @classmethod
    def of(cls, callback: Callback, by: str, rules: CallbackRules, now: datetime) -> "CallbackView":
        refusals = callback.refusals(by, rules, now=now)
        names = set(cls.model_fields) - {"allowed_actions"}
        actions = [AllowedAction(action=name, allowed=why is None, reason=why) for name, why in refusals.items()]
        return cls(**{name: getattr(callback, name) for name in names}, allowed_actions=actions)


class Queue(BaseModel):
    items: list[CallbackView]
    waiting: int


class Next(BaseModel):
    callback: CallbackView | None
    """None when nobody waits."""


class Phone(BaseModel):
    phone: str
    """In clear; this reading has been written down."""


class Thanks(BaseModel):
    callback_id: UUID
    message: str


@routes.get("/callbacks")
async def list_callbacks(
    here: Here,
    actor: Watcher,
    whose: Literal["waiting", "mine"] = "waiting",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> Queue:
    """Who waits for a call, low marks first; or what you have taken."""
    now, rules = here.clock.now(), here.parts["tools"].callback_rules
    async with here.begin() as tx:
        found, waiting = await calling.queue(tx, now=now, limit=limit)
        if whose == "mine":
            found = await calling.mine(tx, by=actor.id)
    return Queue(items=[CallbackView.of(one, actor.id, rules, now) for one in found], waiting=waiting)


@routes.post("/callbacks/next")
async def take_next_callback(here: Here, clerk: Clerk) -> Next:
    """Take the one that has waited longest."""
    now, rules = here.clock.now(), here.parts["tools"].callback_rules
    async with here.begin() as tx:
        taken = await calling.claim_next(tx, by=clerk.id, now=now)
    return Next(callback=CallbackView.of(taken, clerk.id, rules, now) if taken is not None else None)


@routes.post("/callbacks/{callback_id}/claim")
async def claim_callback(callback_id: UUID, here: Here, clerk: Clerk) -> CallbackView:
    """The first who asks gets it; unrecorded it returns to the queue after a while."""
    now, rules = here.clock.now(), here.parts["tools"].callback_rules
    async with here.begin() as tx:
        taken = await calling.claim(tx, callback_id, by=clerk.id, now=now)
    return CallbackView.of(taken, clerk.id, rules, now)


@routes.post("/callbacks/{callback_id}/contact-reads", status_code=201)
async def read_phone(callback_id: UUID, here: Here, clerk: Clerk) -> Phone:
    """The citizen's number, for who has taken the call-back; that you looked is kept."""
    async with here.begin() as tx:
        phone = await calling.read_phone(tx, callback_id, by=clerk.id, now=here.clock.now())
    return Phone(phone=phone)


@routes.post("/callbacks/{callback_id}/records", status_code=201)
async def record_callback(callback_id: UUID, body: RecordForm, here: Here, clerk: Clerk) -> CallbackView:
    """Reached, with what they said; or not reached, the first or the last time."""
    now, rules = here.clock.now(), here.parts["tools"].callback_rules
    call = Call(body.answer.answer() if body.answer is not None else None, body.note)
    async with here.begin() as tx:
        done = await calling.record(tx, callback_id, call, by=clerk.id, now=now)
    return CallbackView.of(done, clerk.id, rules, now)


@routes.post("/callbacks/{case_no}/answers", status_code=201)
async def answer_callback(
    *,
    case_no: CaseNo,
    body: AnswerForm,
    request: Request,
    here: Here,
    x_lookup_code: LookUpCode = None,  # noqa: ARG001  read by the look-up
    authorization: Authorization = None,  # noqa: ARG001
) -> Thanks:
    """The citizen answers over the link they were sent, once."""
    now = here.clock.now()
    number = await citizens_own(request, case_no, now=now)
    async with here.begin() as tx:
        done = await calling.answer_link(tx, number, body.answer(), now=now)
    return Thanks(callback_id=done.callback_id, message="感谢您的反馈")
