"""What a process of the register holds beside what every service holds."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx

from services.intake.additions.rules import AdditionRules
from services.intake.channels import ChannelRegistry
from services.intake.people import People
from services.intake.ratelimit import Guesses, RateLimit
from services.intake.reception import Reception
from services.intake.register import Register
from services.intake.settings import Settings
from services.intake.store import Tx
from services.intake.wechat import WeChatLogin
from shared.context import Context
from shared.db import open_pool
from shared.images import PhotoLimits
from shared.objects import PhotoStore
from shared.tokens import TokenIssuer
from shared.vault import Vault, parse_key

_NAME = "intake"


@dataclass(frozen=True, slots=True)
class Parts:
    vault: Vault
    people: People
    channels: ChannelRegistry
    reception: Reception
    register: Register
    photos: PhotoStore
    photo_limits: PhotoLimits
    photo_slots: asyncio.Semaphore
    wechat: WeChatLogin
    issuer: TokenIssuer
    token_lifetime: timedelta
    claim_key: bytes
    letters: RateLimit
    uploads: RateLimit
    number_prefix: str
    look_up_key: bytes
    additions: AdditionRules
    guesses: Guesses

    @classmethod
    def of(cls, context: Context[Any, Any]) -> "Parts":
        parts: Parts = context.parts[_NAME]
        return parts


@asynccontextmanager
async def open_parts(context: Context[Settings, Tx]) -> AsyncIterator[dict[str, Any]]:
    settings = context.settings
    vault = Vault.from_settings(
        settings.vault_keys.get_secret_value(),
        current=settings.vault_current,
        index_key=settings.index_key.get_secret_value(),
    )
    look_up_key = parse_key(settings.look_up_key.get_secret_value(), "look-up")
    people = People(vault, json.loads(settings.feedback_jwk))
    channels = ChannelRegistry.shipped()
    additions = AdditionRules.shipped()

    async def wake() -> None:
        if context.db.on_events is not None:
            await context.db.on_events()

    # One connection for each lane, and one for taking serials meanwhile.
    pool = await open_pool(context.db.url, schema=_NAME, size=settings.lanes + 1)
    register = Register(
        pool,
        vault=vault,
        people=people,
        look_up_key=look_up_key,
        prefix=settings.number_prefix,
        on_events=wake,
        lanes=settings.lanes,
    )
    wechat = httpx.AsyncClient(base_url=settings.wechat_url, timeout=5)
    parts = Parts(
        vault=vault,
        people=people,
        channels=channels,
        reception=Reception.of(settings, channels),
        register=register,
        photos=PhotoStore.at(settings.photos_url, json.loads(settings.photos_options.get_secret_value())),
        photo_limits=PhotoLimits(max_bytes=settings.photo_max_bytes, max_pixels=settings.photo_max_pixels),
        photo_slots=asyncio.Semaphore(settings.photos_at_once),
        wechat=WeChatLogin(wechat, appid=settings.wechat_appid, secret=settings.wechat_secret.get_secret_value()),
        issuer=TokenIssuer(settings.signing_key.get_secret_value()),
        token_lifetime=timedelta(days=settings.citizen_token_days),
        claim_key=look_up_key,
        letters=RateLimit("letters", settings.letters_per_hour, look_up_key),
        uploads=RateLimit("uploads", settings.uploads_per_hour, look_up_key),
        number_prefix=settings.number_prefix,
        look_up_key=look_up_key,
        additions=additions,
        guesses=Guesses.of(additions.guesses, look_up_key),
    )
    try:
        yield {_NAME: parts}
    finally:
        await register.close()
        await wechat.aclose()
        try:
            await asyncio.wait_for(pool.close(), 5)
        except TimeoutError:
            pool.terminate()
