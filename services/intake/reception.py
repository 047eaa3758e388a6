"""Turns what a door took into the one schema: every fault with its pointer, all of them told at once."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from contracts.events.intake import Place
from contracts.numbers import SHENZHEN
from services.intake.channels import ChannelRegistry, Resolved, UnknownChannel
from services.intake.domain import Contact, Submission
from services.intake.forms import ContactForm, ContactRead, PlaceForm, RequestForm, SubmitCall, SubmitCase, SubmitLetter
from services.intake.normalise import Faults, TextLimits, coordinates, moment, optional_text, text
from services.intake.phones import NotAPhoneNumber, normalise_phone
from services.intake.settings import Settings

_MAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,4}[A-Za-z]{2,24}")
_LONGEST_MAIL = 254
_NAME = TextLimits(1, 40, lines=False)
_ADDRESS = TextLimits(2, 200, lines=False)
_REASON = TextLimits(2, 200, lines=False)

PHONE_DOOR, WECHAT_DOOR, MAIL_DOOR = "hotline_12345", "wechat_pingshan", "leader_mailbox"
"""The main channel each door belongs to."""


@dataclass(frozen=True, slots=True)
class Reception:
    """Reads forms as of an instant, with the limits of the settings and the channel register."""

    channels: ChannelRegistry
    title: TextLimits
    body: TextLimits
    oldest_occurrence: timedelta
    oldest_receipt: timedelta

    @classmethod
    def of(cls, settings: Settings, channels: ChannelRegistry) -> "Reception":
        return cls(
            channels=channels,
            title=TextLimits(1, settings.title_longest, lines=False),
            body=TextLimits(2, settings.text_longest),
            oldest_occurrence=timedelta(days=settings.oldest_occurrence_days),
            oldest_receipt=timedelta(days=settings.oldest_receipt_days),
        )

    def case(self, form: SubmitCase, now: datetime) -> Submission:
        faults = Faults()
        submission = self._common(form, WECHAT_DOOR, now, faults)
        faults.check()
        return submission

    def call(self, form: SubmitCall, now: datetime) -> Submission:
        """A caller's number is theirs: they called from it, and the platform has it from the network."""
        faults = Faults()
        submission = self._common(form, PHONE_DOOR, now, faults)
        received_at = now
        if form.received_at is not None:
            received_at = moment(form.received_at, "/received_at", faults, now=now, earliest=now - self.oldest_receipt)
        contact = Contact(
            name=optional_text(form.caller.name, "/caller/name", _NAME, faults),
            phone=_phone(form.caller.phone, "/caller/phone", faults),
        )
        faults.check()
        return replace(
            submission,
            received_at=min(received_at, now),
            contact=contact,
            contact_checked=True,
            external_no=form.call_id,
        ).honouring_anonymity()

    def letter(self, form: SubmitLetter, now: datetime) -> Submission:
        faults = Faults()
        submission = self._common(form, MAIL_DOOR, now, faults)
        contact = Contact()
        if form.sender is not None:
            contact = _contact(form.sender.name, form.sender.phone, form.sender.mail, "/sender", faults)
        faults.check()
        return replace(submission, contact=contact).honouring_anonymity()

    def contact(self, form: ContactForm) -> Contact:
        faults = Faults()
        contact = _contact(form.name, form.phone, form.mail, "", faults)
        faults.check()
        return contact

    def reason(self, form: ContactRead) -> str:
        faults = Faults()
        reason = text(form.reason, "/reason", _REASON, faults)
        faults.check()
        return reason

    def _common(self, form: RequestForm, door: str, now: datetime, faults: Faults) -> Submission:
        channel = self._channel(form.channel or door, door, now, faults)
        if len(set(form.attachments)) != len(form.attachments):
            faults.add("/attachments", "names an attachment twice", "附件重复")
        occurred_at = None
        if form.occurred_at is not None:
            earliest = now - self.oldest_occurrence
            occurred_at = moment(form.occurred_at, "/occurred_at", faults, now=now, earliest=earliest)
        return Submission(
            channel_code=channel.main.code if channel else "",
            origin_channel_code=channel.original.code if channel else "",
            text=text(form.text, "/text", self.body, faults),
            title=optional_text(form.title, "/title", self.title, faults) or "",
            anonymous=form.anonymous,
            confidential=form.confidential,
            reply_wanted=form.reply_wanted,
            type_code=form.type_code,
            category_code=form.category_code,
            place=_NOWHERE if form.place is None else _place(form.place, faults),
            accused_unit_code=form.accused_unit_code,
            attachment_ids=form.attachments,
            occurred_at=occurred_at,
            received_at=now,
        )

    def _channel(self, name: str, door: str, now: datetime, faults: Faults) -> Resolved | None:
        try:
            resolved = self.channels.resolve(name, now.astimezone(SHENZHEN).date())
        except UnknownChannel as unknown:
            for field in unknown.fields:
                faults.add(field.pointer, field.detail, field.zh)
            return None
        if resolved.main.code != door:
            faults.add("/channel", f"belongs to {resolved.main.code}, which has another door", "该渠道不在此入口受理")
        return resolved


_NOWHERE = Place()


def _place(form: PlaceForm, faults: Faults) -> Place:
    position = form.position and coordinates(form.position.model_dump(), "/place/position", faults)
    return Place(
        address=optional_text(form.address, "/place/address", _ADDRESS, faults) or "",
        area_code=form.area_code,
        latitude=position.lat if position else None,
        longitude=position.lon if position else None,
        coordinates=position.system if position else None,
    )


def _contact(name: str | None, phone: str | None, mail: str | None, pointer: str, faults: Faults) -> Contact:
    return Contact(
        name=optional_text(name, f"{pointer}/name", _NAME, faults),
        phone=_phone(phone, f"{pointer}/phone", faults) if phone and phone.strip() else None,
        mail=_mail(mail, f"{pointer}/mail", faults) if mail and mail.strip() else None,
    )


def _phone(raw: str, pointer: str, faults: Faults) -> str:
    try:
        return normalise_phone(raw, pointer)
    except NotAPhoneNumber as refused:
        for field in refused.fields:
            faults.add(field.pointer, field.detail, field.zh)
        return ""


def _mail(raw: str, pointer: str, faults: Faults) -> str:
    mail = raw.strip()
    if len(mail) > _LONGEST_MAIL or not _MAIL.fullmatch(mail):
        faults.add(pointer, "is not a mail address", "邮箱地址有误")
    return mail
