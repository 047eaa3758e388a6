"""What the doors of notices take and give."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from services.feedback.domain.notice import Channel, State
from services.feedback.preferences import Answer

Dead = Literal["failed", "unknown", "no_contact", "no_template", "declined"]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="HH:MM in Shenzhen")]


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoticeView(BaseModel):
    notice_id: UUID
    case_id: UUID
    occurrence: str
    audience: str
    template: str
    state: State
    channel: Channel | None
    channels: list[Channel]
    """What is left of the chain, the present channel included."""
    attempts: int
    reason: str
    reported: Literal["delivered", "undelivered"] | None
    segments: int | None
    created_at: datetime
    next_at: datetime
    done_at: datetime | None
    recipient: str | None
    """Masked; only where the notice went to the visible outbox."""
    title: str | None
    body: str | None


class NoticePage(BaseModel):
    items: list[NoticeView]
    next: UUID | None


class NoticeCount(BaseModel):
    node: str
    audience: str
    channel: Channel | None
    state: State
    reported: Literal["delivered", "undelivered"] | None
    count: int
    segments: int | None
    """Text messages as they are charged."""


class NoticeCounts(BaseModel):
    since: datetime
    items: list[NoticeCount]


class Replay(Form):
    may_arrive_twice: bool = False
    """Needed for `unknown`: the person may have it already."""


class ReplayMany(Replay):
    state: Dead


class Replayed(BaseModel):
    replayed: int


class TemplateForm(Form):
    provider_template: str = Field(min_length=1, max_length=64)
    """The id the provider gave: WeChat's template id, `SMS_…` at Alibaba Cloud, a number at Tencent Cloud."""
    kind: Literal["one_time", "long_term"] = "long_term"
    """Of a WeChat template: whether a consent lasts for one message or until it is taken back."""
    approved: bool = True


class TemplateView(TemplateForm):
    model_config = ConfigDict(extra="ignore")

    channel: Channel
    template: str
    updated_by: str
    updated_at: datetime


class PreferencesForm(Form):
    channels: list[Literal["wechat", "sms", "mail", "phone"]] = Field(max_length=4)
    """The channels wanted, the dearest first; none of them means that no notices are wanted at all."""
    quiet_begins: Clock | None = None
    quiet_ends: Clock | None = None
    """Hours of one's own beside the district's; both or none."""
    consent_version: str = Field(min_length=1, max_length=20, pattern=r"^[A-Za-z0-9._-]+$")
    """Of the privacy notice that was shown."""


class ConsentView(BaseModel):
    template: str
    answer: Answer
    remaining: int
    """One-time consents not yet used."""
    standing: bool


class PreferencesView(BaseModel):
    channels: list[Literal["wechat", "sms", "mail", "phone"]] | None
    """None: nothing asked for, the district's own order."""
    quiet_begins: str | None
    quiet_ends: str | None
    consent_version: str | None
    wechat: list[ConsentView]
    wechat_templates: list[str]
    """Template ids for `wx.requestSubscribeMessage`."""


class SubscriptionForm(Form):
    results: dict[Annotated[str, Field(min_length=1, max_length=64)], Answer] = Field(min_length=1, max_length=5)
    """As `wx.requestSubscribeMessage` gave them, without `errMsg`: template id to answer."""


class PhoneTask(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    task_id: UUID
    case_id: UUID
    title: str
    body: str
    """What to say."""
    due_at: datetime
    tries: int


class PhoneTaskClaimed(PhoneTask):
    phone: str
    claimed_until: datetime


class CallForm(Form):
    reached: bool


class CallResult(BaseModel):
    state: Literal["done", "open", "given_up"]


class MailReply(Form):
    to: str = Field(min_length=3, max_length=320)
    """The address the mail was sent to, `reply+<token>@…`."""


class MailReplyCase(BaseModel):
    case_id: UUID
    case_no: str
