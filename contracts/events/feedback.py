"""What the reply says."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.cloudevents import Event

PhotoKind = Literal["before", "after", "near", "far", "reference"]
Stars = Annotated[int, Field(ge=1, le=5)]
NoticeChannel = Literal["wechat", "sms", "mail", "phone", "desk"]
CallbackMethod = Literal["wechat", "sms", "phone"]
Solved = Literal["solved", "partly", "unsolved"]
Level = Literal["very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied"]
"""好差评's five levels."""


class FeedbackEvent(Event):
    PUBLISHER: ClassVar[str] = "feedback"


class PhotoTaken(FeedbackEvent):
    """A unit or grid officer has put a photo of the work beside an order."""

    TYPE: ClassVar[str] = "photo.taken.v1"

    photo_id: UUID
    order_id: UUID
    """The order's, or the task's it was taken for."""
    kind: PhotoKind
    sha256: str
    taken_at: datetime
    taken_by: Literal["unit", "grid"] = "unit"


class RatingSubmitted(FeedbackEvent):
    """One rating per closing round, four dimensions of one to five stars."""

    TYPE: ClassVar[str] = "rating.submitted.v1"

    round: int
    speed: Stars
    result: Stars
    attitude: Stars
    system: Stars
    solved: bool
    satisfied: bool
    level: Level | None = None
    """Of the national five; None in events from before ratings were mapped."""


class CitizenDissatisfied(FeedbackEvent):
    """Not solved, or not content with how: the case is handled once more."""

    TYPE: ClassVar[str] = "citizen.dissatisfied.v1"

    round: int


class PraiseGiven(FeedbackEvent):
    """The citizen thanks the unit in a rating or call-back, or the request itself was praise."""

    TYPE: ClassVar[str] = "praise.given.v1"
    EXTERNAL: ClassVar[bool] = True

    unit_code: str


class NoticeSent(FeedbackEvent):
    """Somebody was told: a provider has taken the message, a clerk has said it, or a unit has it on its desk."""

    TYPE: ClassVar[str] = "notice.sent.v1"

    notice_id: UUID
    node: str
    """Node and turn, `replied:2` for the answer of the second round."""
    channel: NoticeChannel
    template: str
    audience: Literal["citizen", "unit"] = "citizen"
    informs: Literal["acceptance", "result"] | None = None
    """受理告知 (accepted or not accepted) or 办理告知 (the answer); None for every other notice."""


class NoticeFailed(FeedbackEvent):
    """Somebody could not be told. A replay, or a delivery report that comes late, may still be followed by `notice.sent`."""

    TYPE: ClassVar[str] = "notice.failed.v1"
    EXTERNAL: ClassVar[bool] = True

    notice_id: UUID
    node: str
    channel: NoticeChannel
    """The last one tried, or the first of the chain when none could be."""
    reason: str
    audience: Literal["citizen", "unit"] = "citizen"
    informs: Literal["acceptance", "result"] | None = None
    state: Literal["failed", "unknown", "no_contact", "no_template", "declined"] = "failed"
    """`no_contact` and `declined`: nobody owed them a notice any further; `unknown`: may have arrived."""


class CallbackRecorded(FeedbackEvent):
    """回访: whether the citizen was reached, and what they said; solved and satisfied are asked apart."""

    TYPE: ClassVar[str] = "callback.recorded.v1"

    callback_id: UUID
    round: int
    unit_code: str | None
    """Who handled the case."""
    method: CallbackMethod
    attempt: int
    reached: bool
    contacted_in_time: bool | None = None
    """响应: the citizen says the unit spoke with them in time; None when not asked."""
    solved: Solved | None = None
    satisfied: Level | None = None
    """With the handling."""
    process_satisfied: Level | None = None
    """With how the request was received and passed on."""
