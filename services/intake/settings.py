"""Settings of the register, read from the environment as `INTAKE_…`."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="INTAKE_", frozen=True, extra="ignore", hide_input_in_errors=True)

    signing_key: SecretStr
    """Private Ed25519 JWK (JSON) that citizens' tokens are signed with; its public half belongs into `token_keys`."""
    vault_keys: SecretStr
    """Keys of the person vault, `2026a:<32 bytes in base64url>,2025a:…`; all of them decrypt."""
    vault_current: str
    """Name of the key that encrypts; the rotation loop moves everything under it."""
    index_key: SecretStr
    """32 bytes in base64url; finds a person by phone or openid. It cannot be rotated."""
    look_up_key: SecretStr
    """32 bytes in base64url; the same value as feedback's, which checks look-up codes."""
    feedback_jwk: str
    """Feedback's public X25519 JWK (JSON): contact points are sealed for it."""
    wechat_url: str = "https://api.weixin.qq.com"
    wechat_appid: str = ""
    wechat_secret: SecretStr = SecretStr("")
    """Of the mini-program; without them nobody can log in through WeChat, and calls and letters come in all the same."""
    photos_url: str
    """Folder, `file:///folder`, `memory://` or `s3://bucket/prefix`."""
    photos_options: SecretStr = SecretStr("{}")
    """Options of the object store (JSON): S3 endpoint, region, access key …"""
    first_api_keys: SecretStr = SecretStr("[]")
    """Keys admitted at first start (JSON): `[{"key": "hyk_…", "name": "…", "roles": [], "units": []}]`."""

    number_prefix: str = Field("PS", pattern=r"^[A-Z]{1,4}$")
    """Case numbers begin with it; the district's initials."""
    title_longest: int = Field(100, ge=10, le=200)
    """Characters."""
    text_longest: int = Field(5_000, ge=100, le=10_000)
    """Characters."""
    oldest_occurrence_days: int = 3_650
    """Something that happened longer ago is a slip of the keyboard."""
    oldest_receipt_days: int = 31
    """How far back an operator may date a call, after an outage of the telephone platform."""
    photo_max_bytes: int = 10 * 1024 * 1024
    photo_max_pixels: int = 40_000_000
    photos_at_once: int = 2
    """Photos a process cleans at the same time; each may need 120 MB for a moment."""
    citizen_token_days: float = 7.0
    idempotency_hours: float = 48.0
    """How long a repeated request gets its first answer again."""
    loose_photo_hours: float = 24.0
    """A photo that no case has used by then is removed."""
    letters_per_hour: int = 20
    """Letters taken from one address."""
    uploads_per_hour: int = 60
    """Photos taken from one address without a login."""
    lanes: int = 1
    """Commits of new cases under way at once, per process."""
