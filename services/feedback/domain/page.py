"""The public page of a case: written anew and de-identified, with the unit's consent and the citizen's, or not at all."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.errors import Conflict, DomainError, FieldError, Forbidden

State = Literal["proposed", "published", "withdrawn"]

# Digits as people write numbers, in groups or not; full-width ones too.
_NUMBER = re.compile(r"[0-9０-９](?:[\s\-－]?[0-9０-９]){6,}")
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]+@[A-Za-z0-9\-]+\.[A-Za-z]{2,}")
_PERSON = re.compile(r"[\u4e00-\u9fff]{1,3}(?:先生|女士|小姐|同志|师傅)")


class NotAnonymous(DomainError):
    """A public text must not name or reach a person, nor carry a case's number."""

    zh = "公开文本中含有个人信息或受理编号，请改写后再提交"


class PageExists(Conflict):
    """There is a page for this case already."""

    zh = "该诉求已有公开页，不能重复提交"


class ConsentMissing(Conflict):
    """A page needs the unit's consent and the citizen's before it is published."""

    zh = "须经承办单位和诉求人同意后才能公开"


class PageWithdrawn(Conflict):
    """This page was withdrawn."""

    zh = "该公开页已撤下"


class NotTheirPage(Forbidden):
    """The page is about the work of another unit."""

    zh = "该公开页不属于您的单位"


class ConfidentialCase(Conflict):
    """This case is confidential, or has no answer yet: nothing of it is made public."""

    zh = "该诉求要求保密或尚未答复，不能公开"


def must_be_anonymous(texts: dict[str, str], case_no: str) -> None:
    """By field. Raises `NotAnonymous`, pointing at what gave itself away without repeating it.

    It finds numbers, mail addresses and forms of address; whoever writes the text answers for the rest.
    """
    faults = []
    for pointer, text in texts.items():
        if _NUMBER.search(text) or _MAIL.search(text) or case_no in text.replace(" ", ""):
            faults.append(FieldError(pointer, "holds a number that reaches a person or a case", "含有号码、邮箱或编号"))
        elif _PERSON.search(text):
            faults.append(FieldError(pointer, "seems to name a person", "疑似含有个人姓名或称谓"))
    if faults:
        raise NotAnonymous(fields=tuple(faults))


@dataclass(slots=True, kw_only=True)
class Page:
    page_id: UUID
    case_id: UUID
    case_no: str
    unit_code: str
    state: State
    unit_consent_by: str | None
    unit_consent_at: datetime | None
    citizen_consent_at: datetime | None
    published_by: str | None = None
    published_at: datetime | None = None
    withdrawn_by: str | None = None
    withdrawn_at: datetime | None = None

    def _open(self) -> None:
        if self.state == "withdrawn":
            raise PageWithdrawn

    def unit_consents(self, by: str, units: frozenset[str], *, now: datetime) -> None:
        """Raises `NotTheirPage` or `PageWithdrawn`."""
        self._open()
        if self.unit_code not in units:
            raise NotTheirPage
        self.unit_consent_by, self.unit_consent_at = by, now

    def citizen_consents(self, *, now: datetime) -> None:
        """个人信息保护法 §25: never public without it. Raises `PageWithdrawn`."""
        self._open()
        self.citizen_consent_at = self.citizen_consent_at or now

    def publish(self, by: str, *, now: datetime) -> None:
        """Raises `ConsentMissing` or `PageWithdrawn`."""
        self._open()
        if self.unit_consent_at is None or self.citizen_consent_at is None:
            missing = [
                who for who, at in (("unit", self.unit_consent_at), ("citizen", self.citizen_consent_at)) if at is None
            ]
            raise ConsentMissing(missing=missing)
        if self.state != "published":
            self.state, self.published_by, self.published_at = "published", by, now

    def withdraw(self, by: str, *, now: datetime) -> None:
        """By its citizen, its unit or the desk, at any time; it is gone at once. Twice is no error."""
        if self.state != "withdrawn":
            self.state, self.withdrawn_by, self.withdrawn_at = "withdrawn", by, now
