"""The register's rules: what a submission is, whether a citizen stands behind it, and who may see whom."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self
from uuid import UUID

from contracts.events.intake import CaseType, Place
from shared.errors import Conflict, DomainError, Forbidden, NotFound, Unauthenticated

SUBMITTED = "submitted"
SUBMITTED_LABEL = "已提交，待受理"
"""The first node of every progress bar."""
CONTACT_READERS = frozenset({"handler", "unit_manager", "operator"})
"""Of a unit that holds the case; a dispatcher reads for any case."""
CLERKS = frozenset({"filing_clerk", "callback_clerk"})
"""They ring citizens up for the desk: of any case that is not confidential."""
PHOTO_DESK = frozenset({"dispatcher", "reviewer"})


class UnknownAttachment(DomainError):
    """There is no such attachment of yours, or a case has it already."""

    zh = "附件不存在、不属于您，或已用于其他诉求"


class IdempotencyKeyReused(Conflict):
    """This Idempotency-Key came before with a different request."""

    zh = "该请求标识（Idempotency-Key）已用于内容不同的请求"


class CitizenForgotten(Unauthenticated):
    """This login belongs to somebody whose data was erased; please log in again."""

    zh = "该登录对应的个人信息已注销，请重新登录"


class ContactIsConfidential(Forbidden):
    """The citizen asked for secrecy: only a dispatcher may see how to reach them."""

    zh = "该诉求人要求保密，仅分拨员可查看联系方式"


class NotHoldingThisCase(Forbidden):
    """Contact data is shown only to the units that hold the case."""

    zh = "仅当前承办该诉求的单位可查看联系方式"


class NobodyToContact(NotFound):
    """The request was anonymous, or the citizen has been forgotten since: there is no contact."""

    zh = "匿名诉求或个人信息已注销，没有联系方式"


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """How to reach somebody, in clear: it lives for one request, and `repr` keeps it out of logs and tracebacks."""

    name: str | None = None
    phone: str | None = None
    mail: str | None = None
    openid: str | None = None

    def __bool__(self) -> bool:
        return any((self.name, self.phone, self.mail, self.openid))


@dataclass(frozen=True, slots=True, repr=False)
class Submission:
    """One request, whichever door it came through."""

    channel_code: str
    origin_channel_code: str
    text: str
    received_at: datetime
    title: str = ""
    anonymous: bool = False
    confidential: bool = False
    reply_wanted: bool = True
    type_code: CaseType | None = None
    category_code: str | None = None
    place: Place = field(default_factory=Place)
    accused_unit_code: str | None = None
    attachment_ids: tuple[UUID, ...] = ()
    occurred_at: datetime | None = None
    external_no: str | None = None
    """The call's number at the telephone platform."""
    contact: Contact = Contact()
    contact_checked: bool = False
    """True when the phone is known to be theirs (they called from it), so that it may find the person again."""

    def honouring_anonymity(self) -> Self:
        """An anonymous request carries nothing of the person, whatever the form held."""
        return replace(self, contact=Contact(), contact_checked=False) if self.anonymous else self


@dataclass(slots=True)
class Holding:
    """A work order as far as the register must know it: which unit may see the citizen's contact, and until when."""

    order_id: UUID
    case_id: UUID
    unit_code: str
    since: datetime
    released_at: datetime | None = None

    def release(self, at: datetime) -> None:
        if self.released_at is None:
            self.released_at = at


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who wants to see: id for the record, roles and units for the decision."""

    id: str
    kind: str
    roles: frozenset[str]
    units: frozenset[str]
    contact_units: frozenset[str] | None = None
    """Those for which they hold a role that reads contacts; None where every role is held for every unit."""

    def of_unit(self, holdings: Iterable[Holding], units: frozenset[str] | None = None) -> str | None:
        """The unit through which the reader has to do with the case now."""
        mine = self.units if units is None else units
        return next((held.unit_code for held in holdings if held.released_at is None and held.unit_code in mine), None)


class YourUnitIsAccused(Forbidden):
    """Your own unit is the one complained about: how to reach who complained is not for it."""

    zh = "本单位为被反映单位，须回避，不能查看联系方式"


def may_read_contact(
    reader: Reader, *, confidential: bool, holdings: Collection[Holding], accused: str | None = None
) -> None:
    """Whom a by-law of secrecy protects (举报保密) is seen by the dispatcher alone; others by who handles the case.

    Least privilege, 个人信息保护法 §51(4). Raises `Forbidden` with the reason.
    """
    if accused is not None and accused in reader.units:
        raise YourUnitIsAccused
    if "dispatcher" in reader.roles:
        return
    if confidential:
        raise ContactIsConfidential
    if not reader.roles.isdisjoint(CLERKS):
        return
    if reader.roles.isdisjoint(CONTACT_READERS) or reader.of_unit(holdings, reader.contact_units) is None:
        raise NotHoldingThisCase


def may_see_photo(reader: Reader, *, owner: str, citizen_id: UUID | None, holdings: Collection[Holding]) -> bool:
    """Who sent it, whose case it is, the desk, and the units that hold the case."""
    if owner == f"{reader.kind}:{reader.id}":
        return True
    if reader.kind == "citizen":
        return citizen_id is not None and str(citizen_id) == reader.id
    return not reader.roles.isdisjoint(PHOTO_DESK) or reader.of_unit(holdings) is not None
