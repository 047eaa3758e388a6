"""What the three doors take: the wire models, which refuse what they do not know."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.events.intake import CaseType

MOST_ATTACHMENTS = 9

Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z_.-]{0,39}$", max_length=40)]
"""Of a category, area or unit: the register knows the shape, the desk knows the catalogue."""
Channel = Annotated[str, Field(min_length=1, max_length=40)]
Title = Annotated[str, Field(max_length=400)]
Words = Annotated[str, Field(max_length=12_000)]
Name = Annotated[str, Field(max_length=80)]
Phone = Annotated[str, Field(max_length=40)]
Mail = Annotated[str, Field(max_length=254)]


class Form(BaseModel):
    # Strict: "yes" is no boolean, 1700000000 no instant. What a machine sends wrongly it must hear at once.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Position(Form):
    lat: float = Field(allow_inf_nan=False)
    lon: float = Field(allow_inf_nan=False)
    system: Literal["gcj02", "wgs84"]
    """WeChat and the Chinese maps speak gcj02, GPS receivers wgs84."""


class PlaceForm(Form):
    address: Annotated[str, Field(max_length=400)] | None = None
    area_code: Code | None = None
    position: Position | None = None


class RequestForm(Form):
    """What all doors have in common."""

    text: Words
    title: Title | None = None
    type_code: CaseType | None = None
    category_code: Code | None = None
    place: PlaceForm | None = None
    accused_unit_code: Code | None = None
    attachments: tuple[UUID, ...] = Field((), max_length=MOST_ATTACHMENTS)
    occurred_at: datetime | None = None
    anonymous: bool = False
    confidential: bool = False
    reply_wanted: bool = True
    channel: Channel | None = None
    """The channel really used, by code, name or alias, when it was an old one merged since."""


class SubmitCase(RequestForm):
    """A request from the mini-program."""


class Caller(Form):
    phone: Phone
    """The number they called from."""
    name: Name | None = None


class SubmitCall(RequestForm):
    """A call to 12345, as its operator wrote it down."""

    call_id: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,64}$", max_length=64)]
    """The call's number at the telephone platform."""
    caller: Caller
    received_at: datetime | None = None
    """When the call came in, if it is entered later."""


class Sender(Form):
    name: Name | None = None
    phone: Phone | None = None
    mail: Mail | None = None


class SubmitLetter(RequestForm):
    """A letter to the leader's mailbox."""

    sender: Sender | None = None


class LogIn(Form):
    code: Annotated[str, Field(min_length=1, max_length=256)]
    """From `wx.login()`; it works once."""
    notice_version: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,20}$", max_length=20)] | None = None
    """Version of the privacy notice they were shown."""


class ContactForm(Form):
    """Replaces what is known; what is left out is removed."""

    name: Name | None = None
    phone: Phone | None = None
    mail: Mail | None = None


class ContactRead(Form):
    reason: Annotated[str, Field(max_length=400)]
    """Why the contact is needed; kept with the reader's name for ever."""


class SupplementForm(Form):
    """More words, more photos, or both."""

    text: Annotated[str, Field(max_length=6_000)]
    attachments: tuple[UUID, ...] = Field((), max_length=MOST_ATTACHMENTS)


class WithdrawalForm(Form):
    reason_code: Annotated[str, Field(pattern=r"^[a-z][a-z_]{0,39}$", max_length=40)]
    """One of `GET /v1/cases/withdrawal-reasons`."""
