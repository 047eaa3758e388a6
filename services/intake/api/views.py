"""What the register answers."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel

from contracts.events.intake import CaseType, Place
from services.intake.additions.rules import AdditionRules
from services.intake.additions.rules import Kind as AdditionKind
from services.intake.additions.usecases import Addition
from services.intake.channels import Channel, Kind, State
from services.intake.domain import Contact
from services.intake.phones import mask_name, mask_phone


class FirstNode(BaseModel):
    """Where the progress bar stands."""

    key: str
    label: str
    at: datetime


class Receipt(BaseModel):
    """The look-up code is told here and nowhere again; with the number it opens the progress without an account."""

    case_id: UUID
    case_no: str
    look_up_code: str
    status: FirstNode
    links: dict[str, str]


class Session(BaseModel):
    citizen_id: UUID
    token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105  the name of the scheme
    expires_at: datetime


class PersonView(BaseModel):
    """What the vault knows of the citizen who asks; phone and name are shown in part."""

    citizen_id: UUID
    name: str | None
    phone: str | None
    mail: str | None
    wechat: bool
    """True when they can be told things through WeChat."""

    @classmethod
    def of(cls, citizen_id: UUID, contact: Contact) -> "PersonView":
        return cls(
            citizen_id=citizen_id,
            name=mask_name(contact.name) if contact.name else None,
            phone=mask_phone(contact.phone) if contact.phone else None,
            mail=contact.mail,
            wechat=contact.openid is not None,
        )


class ContactView(BaseModel):
    """In clear; this reading has been written down."""

    case_id: UUID
    name: str | None
    phone: str | None
    mail: str | None
    wechat: bool


class ContactReadView(BaseModel):
    """One reading of a contact, for who watches over them; what was read is not in it."""

    read_id: int
    case_id: UUID
    case_no: str | None
    actor: str
    roles: list[str]
    unit_code: str | None
    reason: str
    read_at: datetime

    @classmethod
    def of(cls, row: Any) -> "ContactReadView":
        same = ("case_id", "case_no", "actor", "roles", "unit_code", "reason", "read_at")
        return cls(read_id=row.id, **{name: getattr(row, name) for name in same})


class ContactReadPage(BaseModel):
    items: list[ContactReadView]
    next: int | None
    """Give it as `before` for what came earlier; null on the last page."""


class AttachmentView(BaseModel):
    attachment_id: UUID
    media_type: str
    width: int
    height: int
    links: dict[str, str]

    @classmethod
    def of(cls, attachment_id: UUID, row: Any) -> "AttachmentView":
        place = f"/v1/attachments/{attachment_id}"
        return cls(
            attachment_id=attachment_id,
            media_type=row.media_type,
            width=row.width,
            height=row.height,
            links={"self": place, "thumbnail": f"{place}/thumbnail"},
        )


class CaseItem(BaseModel):
    case_id: UUID
    case_no: str
    title: str
    channel_code: str
    type_code: CaseType | None
    category_code: str | None
    received_at: datetime
    submitted_at: datetime
    links: dict[str, str]

    @staticmethod
    def fields(row: Any) -> dict[str, Any]:
        links = {"self": f"/v1/cases/{row.case_no}", "progress": f"/v1/progress/{row.case_no}"}
        names = ("case_id", "case_no", "title", "channel_code", "type_code", "category_code")
        return {name: getattr(row, name) for name in (*names, "received_at", "submitted_at")} | {"links": links}


class CasePage(BaseModel):
    items: list[CaseItem]
    next: UUID | None
    """Give it as `after` to get the next page."""


class SupplementView(BaseModel):
    """What its citizen added later, in their own words."""

    addition_id: UUID
    text: str
    received_at: datetime


class CaseView(CaseItem):
    """What was submitted, in the citizen's own words."""

    text: str
    place: Place
    origin_channel_code: str
    accused_unit_code: str | None
    occurred_at: datetime | None
    anonymous: bool
    confidential: bool
    reply_wanted: bool
    attachments: list[AttachmentView]
    """With the request and with what was added to it."""
    supplements: list[SupplementView]

    @classmethod
    def of_row(cls, row: Any, photos: list[Any], sent: str | None, added: list[SupplementView]) -> "CaseView":
        """`sent`: the payload as it came; where it says nothing, what the register kept stands."""
        words: dict[str, Any] = orjson.loads(sent) if sent else {}
        place = Place.model_validate(row.place)
        address = (words.get("place") or {}).get("address")
        kept = ("origin_channel_code", "accused_unit_code", "occurred_at", "anonymous", "confidential", "reply_wanted")
        return cls(
            **CaseItem.fields(row) | {"title": words.get("title") or row.title},
            **{name: getattr(row, name) for name in kept},
            text=words.get("text") or row.text,
            place=place.model_copy(update={"address": address}) if address else place,
            attachments=[AttachmentView.of(photo.id, photo) for photo in photos],
            supplements=added,
        )


class ChannelView(BaseModel):
    code: str
    name: str
    kind: Kind
    state: State
    merged_into: str | None
    aliases: list[str]

    @classmethod
    def of(cls, channel: Channel) -> "ChannelView":
        return cls(
            code=channel.code,
            name=channel.name,
            kind=channel.kind,
            state=channel.state,
            merged_into=channel.merged_into,
            aliases=list(channel.aliases),
        )


class ChannelList(BaseModel):
    items: list[ChannelView]


class AdditionView(BaseModel):
    addition_id: UUID
    case_no: str
    kind: AdditionKind
    times: int
    """How many of this kind the case has had, this one included."""
    received_at: datetime
    message: str
    """What to tell whoever sent it."""

    @classmethod
    def of(cls, addition: Addition) -> "AdditionView":
        return cls(
            addition_id=addition.addition_id,
            case_no=addition.case_no,
            kind=addition.kind,
            times=addition.times,
            received_at=addition.received_at,
            message=_TOLD[addition.kind],
        )


_TOLD: dict[AdditionKind, str] = {
    "urge": "已催办，承办单位会收到提醒",
    "supplement": "补充的内容已转给承办单位",
    "withdrawal": "撤回申请已提交，处理结果请看办理进度",
}


class WithdrawalReasonView(BaseModel):
    code: str
    zh: str


class WithdrawalReasons(BaseModel):
    items: list[WithdrawalReasonView]

    @classmethod
    def of(cls, rules: AdditionRules) -> "WithdrawalReasons":
        return cls(items=[WithdrawalReasonView(code=one.code, zh=one.zh) for one in rules.withdrawal_reasons])
