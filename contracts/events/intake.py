"""What the register says."""

from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel

from shared.cloudevents import Event

CaseType = Literal["consultation", "suggestion", "complaint", "help", "report", "praise", "invalid"]


class Place(BaseModel):
    """Where it is; coordinates in degrees, in the system named."""

    address: str = ""
    area_code: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    coordinates: Literal["gcj02", "wgs84"] | None = None


class Attachment(BaseModel):
    """A photo the citizen sent: re-encoded, without EXIF, named by its SHA-256."""

    attachment_id: UUID
    sha256: str
    media_type: str
    width: int
    height: int


class CaseSubmitted(Event):
    """A request has come in and has a number."""

    TYPE: ClassVar[str] = "case.submitted.v1"
    PUBLISHER: ClassVar[str] = "intake"

    case_no: str
    look_up_hash: str
    """Keyed hash of the look-up code, for whoever asks by number and code."""
    channel_code: str
    """Main channel: hotline_12345, wechat_pingshan or leader_mailbox."""
    origin_channel_code: str
    """The channel the citizen really used, when it was an old one merged since."""
    citizen_id: UUID | None
    """None when anonymous."""
    anonymous: bool = False
    confidential: bool = False
    reply_wanted: bool = True
    type_code: CaseType | None = None
    """As said by the citizen or the operator."""
    category_code: str | None = None
    """As chosen by the citizen or the operator."""
    title: str = ""
    text: str
    """With telephone, identity and account numbers masked; the original stays in the register."""
    place: Place = Place()
    accused_unit_code: str | None = None
    attachments: tuple[Attachment, ...] = ()
    occurred_at: datetime | None = None
    received_at: datetime


class CaseSupplemented(Event):
    """补充: more words or photos to a request that is being handled."""

    TYPE: ClassVar[str] = "case.supplemented.v1"
    PUBLISHER: ClassVar[str] = "intake"

    supplement_id: UUID
    by: Literal["citizen", "operator"]
    channel_code: str
    text: str
    """Masked like the request's own."""
    attachments: tuple[Attachment, ...] = ()
    received_at: datetime


class CaseUrged(Event):
    """催办: whoever asked wants to know why it takes so long."""

    TYPE: ClassVar[str] = "case.urged.v1"
    PUBLISHER: ClassVar[str] = "intake"

    urge_id: UUID
    by: Literal["citizen", "operator"]
    channel_code: str
    times: int
    """How often this case has been urged, this time included."""
    received_at: datetime


class CaseWithdrawn(Event):
    """撤诉: whoever asked no longer wants it handled."""

    TYPE: ClassVar[str] = "case.withdrawn.v1"
    PUBLISHER: ClassVar[str] = "intake"

    by: Literal["citizen", "operator"]
    reason_code: str
    received_at: datetime


class ContactChanged(Event):
    """How a citizen can be reached, sealed for the one service that must know (JWE, feedback's key)."""

    TYPE: ClassVar[str] = "contact.changed.v1"
    PUBLISHER: ClassVar[str] = "intake"
    STREAM: ClassVar[str] = "CONTACTS"

    citizen_id: UUID
    sealed: str


class CitizenErased(Event):
    """A citizen asked to be forgotten; whoever keeps anything of theirs drops it."""

    TYPE: ClassVar[str] = "citizen.erased.v1"
    PUBLISHER: ClassVar[str] = "intake"
    STREAM: ClassVar[str] = "INTAKE"

    citizen_id: UUID
