"""What the reply says."""

from datetime import datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from shared.cloudevents import Event

PhotoKind = Literal["before", "after", "near", "far", "reference"]
Stars = Annotated[int, Field(ge=1, le=5)]
NoticeChannel = Literal["wechat", "sms", "mail"]


class FeedbackEvent(Event):
    PUBLISHER: ClassVar[str] = "feedback"


class PhotoTaken(FeedbackEvent):
    """A unit or grid officer has put a photo of the work beside an order."""

    TYPE: ClassVar[str] = "photo.taken.v1"

    photo_id: UUID
    order_id: UUID
    kind: PhotoKind
    sha256: str
    taken_at: datetime


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


class CitizenDissatisfied(FeedbackEvent):
    """Not solved, or not content with how: the case is handled once more."""

    TYPE: ClassVar[str] = "citizen.dissatisfied.v1"

    round: int


class NoticeSent(FeedbackEvent):
    TYPE: ClassVar[str] = "notice.sent.v1"
    EXTERNAL: ClassVar[bool] = True

    notice_id: UUID
    node: str
    channel: NoticeChannel
    template: str


class NoticeFailed(FeedbackEvent):
    TYPE: ClassVar[str] = "notice.failed.v1"
    EXTERNAL: ClassVar[bool] = True

    notice_id: UUID
    node: str
    channel: NoticeChannel
    reason: str
