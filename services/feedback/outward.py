"""Which messenger stands behind which channel, by the settings: a provider's adapter, or the visible outbox."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime

import httpx

from services.feedback.messengers import Desk, Messenger, Messengers, OutboxMessenger
from services.feedback.phone_tasks import PhoneDesk
from services.feedback.providers import aliyun, tencent
from services.feedback.providers.aliyun import AliyunSms
from services.feedback.providers.gateway import GatewaySms
from services.feedback.providers.mail import MailServer, SmtpMessenger
from services.feedback.providers.tencent import TencentSms
from services.feedback.providers.wechat import WeChatMessenger
from services.feedback.providers.wechat_push import Envelope
from services.feedback.providers.wechat_token import TokenKeeper
from services.feedback.settings import Settings
from services.feedback.store import Tx
from shared.context import Context
from shared.vault import Vault

SECONDS = 8.0
"""An adapter gives up after this long; the lease of a batch is far longer."""


@asynccontextmanager
async def messengers(
    here: Context[Settings, Tx], *, key: bytes, vault: Vault, signed_at: Callable[[], datetime]
) -> AsyncIterator[Messengers]:
    """`key` makes the tokens of reply addresses; `signed_at` is the real time, which providers compare with theirs."""
    settings = here.settings
    outbox = OutboxMessenger(here.begin)
    async with AsyncExitStack() as stack:

        async def client(base: str) -> httpx.AsyncClient:
            made = httpx.AsyncClient(base_url=base, timeout=SECONDS, trust_env=False)
            return await stack.enter_async_context(made)

        wechat: Messenger = outbox
        if settings.wechat_appid and settings.wechat_secret.get_secret_value():
            http = await client(settings.wechat_url)
            secret = settings.wechat_secret.get_secret_value()
            tokens = TokenKeeper(http, here.begin, here.clock, vault, appid=settings.wechat_appid, secret=secret)
            wechat = WeChatMessenger(http, tokens, page=settings.wechat_page, state=settings.wechat_state)
        mail = _mail(settings, key)
        yield {
            "wechat": wechat,
            "sms": _sms(settings, await client(_sms_url(settings)), signed_at) or outbox,
            "mail": SmtpMessenger(mail) if mail else outbox,
            "phone": PhoneDesk(here.begin),
            "desk": Desk(),
        }


def push_envelope(settings: Settings) -> Envelope | None:
    """None where no official account is connected. Raises `ValueError` for a malformed key."""
    token = settings.wechat_push_token.get_secret_value()
    if not token:
        return None
    return Envelope(token=token, aes_key=settings.wechat_push_key.get_secret_value(), appid=settings.wechat_push_appid)


def _sms_url(settings: Settings) -> str:
    usual = {"aliyun": aliyun.URL, "tencent": tencent.URL}
    return (
        settings.sms_url
        if settings.sms_provider != "gateway" and settings.sms_url
        else usual.get(settings.sms_provider, "")
    )


def _sms(settings: Settings, http: httpx.AsyncClient, signed_at: Callable[[], datetime]) -> Messenger | None:
    secret, signature, region = settings.sms_secret.get_secret_value(), settings.sms_signature, settings.sms_region
    match settings.sms_provider:
        case "aliyun":
            return AliyunSms(
                http,
                key_id=settings.sms_key_id,
                secret=secret,
                signature=signature,
                region=region or "cn-hangzhou",
                signed_at=signed_at,
            )
        case "tencent":
            return TencentSms(
                http,
                key_id=settings.sms_key_id,
                secret=secret,
                signature=signature,
                app_id=settings.sms_app_id,
                region=region or "ap-guangzhou",
                signed_at=signed_at,
            )
        case "gateway":
            return GatewaySms(http, url=settings.sms_url, secret=secret, signature=signature, signed_at=signed_at)
        case _:
            return None


def _mail(settings: Settings, key: bytes) -> MailServer | None:
    if not settings.mail_host:
        return None
    return MailServer(
        host=settings.mail_host,
        port=settings.mail_port,
        starttls=settings.mail_starttls,
        user=settings.mail_user,
        password=settings.mail_password.get_secret_value(),
        sender=settings.mail_from,
        reply_to=settings.mail_reply_to,
        key=key,
    )
