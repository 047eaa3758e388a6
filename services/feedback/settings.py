"""Settings of the reply."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FEEDBACK_", frozen=True, extra="ignore", hide_input_in_errors=True)

    look_up_key: SecretStr
    """The key look-up codes are hashed under, base64url of 32 bytes; the same as intake's."""
    seal_key: SecretStr
    """Private X25519 JSON Web Key that contact points are sealed for."""
    vault_keys: SecretStr
    """Keys for contact points at rest, `2026a:<32 bytes in base64url>,2025a:…`; all of them decrypt."""
    vault_current: str
    """Name of the key that encrypts."""
    number_prefix: str = Field("PS", pattern=r"^[A-Z]{1,4}$")
    """What case numbers begin with; the same as intake's."""

    look_up_failures_per_number: int = 500
    """Wrong codes on one number within the window after which it answers 429, whoever asks. Numbers can be guessed, so
    a low figure would let anybody lock a citizen out; against a code of 38 bits five hundred tries are nothing."""
    look_up_failures_per_address: int = 50
    """Failed look-ups from one network address within the window; many people may share one."""
    look_up_window_minutes: float = 15.0

    hold_seconds: float = 5.0
    """How long a stream waits for a case that has a number and is not known here yet."""
    look_up_hold_seconds: float = 1.0
    """The same for a single look-up."""
    heartbeat_seconds: float = 15.0
    """After this long without news a stream gets a comment, so that proxies keep it open."""
    catch_up_seconds: float = 10.0
    """How often the watched cases are compared with the database, in case a signal was lost."""

    photos_url: str = "var/photos"
    """Where photos of the work are kept: folder, `file:///folder`, `memory://` or `s3://bucket/prefix`."""
    photos_options: SecretStr = SecretStr("{}")
    """Options of the object store (JSON): S3 endpoint, region, access key …"""
    photo_max_bytes: int = 10 * 1024 * 1024
    photo_max_pixels: int = 40_000_000
    photos_at_once: int = 2
    """Photos a process cleans at the same time; each may need 120 MB for a moment."""
    photo_check: Literal["review", "person", "wechat"] = "review"
    """What a photo must pass before citizens see it: the review of its case, a person's look at each, or WeChat's content
    check (what that does not pass waits for a person)."""
    photo_check_openid: str = ""
    """For WeChat's check: the openid of an account of the operator's that uses the mini-program daily."""
    photo_check_address: str = ""
    """For WeChat's check: where this system is reached from outside, `https://…`; WeChat fetches photos there."""
    photo_check_push_token: SecretStr = SecretStr("")
    """The token set beside the address of the mini-program's message push; without it no results are taken."""
    photo_check_push_key: SecretStr = SecretStr("")
    """EncodingAESKey of that push; when set, only encrypted results are taken."""
    photo_keep_originals: bool = True
    """Whether the file as uploaded is kept too, encrypted; whoever looks at one is written down."""
    photo_upload_hours: float = 24.0
    """How long an upload that was broken off can be resumed."""
    photo_uploads_open: int = 20
    """Uploads one person may have under way."""

    notice_attempts: int = 8
    """Tries over one channel before a notice counts as failed."""
    notice_grace_seconds: float = 60.0
    """How long a notice waits for its reader's contact point to arrive."""

    portal_url: str = ""
    """Where citizens submit and look up, as the chat tells them."""

    wechat_url: str = "https://api.weixin.qq.com"
    wechat_appid: str = ""
    wechat_secret: SecretStr = SecretStr("")
    """Of the mini-program that sends subscription messages; without them these go to the visible outbox."""
    wechat_page: str = "pages/progress/index?case_no={case_no}"
    """What a message opens in the mini-program."""
    wechat_state: Literal["developer", "trial", "formal"] = "formal"
    """Which version of the mini-program it opens."""
    wechat_push_token: SecretStr = SecretStr("")
    """The token set beside the server's address in the official account's console; without it nothing is taken there."""
    wechat_push_key: SecretStr = SecretStr("")
    """EncodingAESKey of the official account; when set, only encrypted messages are taken."""
    wechat_push_appid: str = ""
    """The official account's own appid."""

    sms_provider: Literal["", "aliyun", "tencent", "gateway"] = ""
    """Who sends text messages; without one they go to the visible outbox."""
    sms_url: str = ""
    """The provider's address where it is not the usual one; the gateway's address."""
    sms_key_id: str = ""
    """AccessKeyId at Alibaba Cloud, SecretId at Tencent Cloud."""
    sms_secret: SecretStr = SecretStr("")
    """AccessKeySecret, SecretKey, or what the gateway's requests and reports are signed under."""
    sms_app_id: str = ""
    """SmsSdkAppId at Tencent Cloud."""
    sms_region: str = ""
    """Region at the provider; its usual one when empty."""
    sms_signature: str = ""
    """The approved signature, without brackets."""
    report_key: SecretStr = SecretStr("")
    """Part of the address delivery reports come to, since their senders sign nothing; without it none are taken."""

    mail_host: str = ""
    """SMTP server; without one, mail goes to the visible outbox like the other channels."""
    mail_port: int = 25
    mail_starttls: bool = False
    mail_user: str = ""
    mail_password: SecretStr = SecretStr("")
    mail_from: str = ""
    mail_reply_to: str = ""
    """Where answers to mails go; `+<token>` before the @ says which case they belong to. Empty asks for none."""
