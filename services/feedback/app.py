"""The composition root of the reply."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from contracts.events import FEEDBACK
from services.feedback import catalogue
from services.feedback.api import (
    callbacks,
    notices,
    pages,
    photo_checks,
    photo_desk,
    photo_uploads,
    photos,
    praises,
    progress,
    providers,
    ratings,
    reachability,
)
from services.feedback.attempts import Limits, Sweep
from services.feedback.chat import Chat, ForgetChat
from services.feedback.checking import Checker, Links, PhotoChecks
from services.feedback.consumers import CONSUMES, prefetch
from services.feedback.contacts import ContactBox
from services.feedback.delivery import Delivery
from services.feedback.feed import Drain, Feed, Heartbeat
from services.feedback.hub import Hub
from services.feedback.ledger import Counts
from services.feedback.lookups import open_look_ups
from services.feedback.outward import SECONDS, messengers, push_envelope
from services.feedback.photo_upkeep import PhotoSweep
from services.feedback.providers.mail import ReplyAddress
from services.feedback.providers.media_check import WeChatChecker
from services.feedback.providers.wechat_push import Envelope
from services.feedback.providers.wechat_token import TokenKeeper
from services.feedback.settings import Settings
from services.feedback.store import Tools, Tx
from services.feedback.tables import metadata
from shared.clock import RealClock
from shared.context import Context
from shared.images import PhotoLimits
from shared.loops import Loop
from shared.manifest import Manifest
from shared.objects import PhotoStore
from shared.vault import Vault, parse_key, parse_key_ring

type Here = Context[Settings, Tx]


@asynccontextmanager
async def parts(here: Here) -> AsyncIterator[dict[str, Any]]:
    settings = here.settings
    box = ContactBox.from_settings(
        settings.seal_key.get_secret_value(), settings.vault_keys.get_secret_value(), current=settings.vault_current
    )
    tools = Tools.shipped(contacts=box, signal=here.bus.signal)
    here.make_tx = partial(Tx, tools=tools)
    key = parse_key(settings.look_up_key.get_secret_value(), "look_up_key")
    links = Links(key, settings.photo_check_address)
    hub = Hub()
    drain = Drain(hub)
    options = json.loads(settings.photos_options.get_secret_value())
    vault = Vault(
        parse_key_ring(settings.vault_keys.get_secret_value()), current=settings.vault_current, index_key=os.urandom(32)
    )
    limits, words = _limits(settings, key), tools.wording.countdown
    async with (
        open_look_ups(here, key=key, prefix=settings.number_prefix, limits=limits, words=words) as look_ups,
        messengers(here, key=key, vault=vault, signed_at=RealClock().now) as ports,
        _checker(here, links, vault) as checker,
    ):
        drain.install()
        try:
            yield {
                "tools": tools,
                "look_ups": look_ups,
                "hub": hub,
                "photo_store": PhotoStore.at(settings.photos_url, options),
                "photo_limits": PhotoLimits(max_bytes=settings.photo_max_bytes, max_pixels=settings.photo_max_pixels),
                "check_links": links,
                "check_envelope": _check_envelope(settings),
                "checker": checker,
                "photo_vault": vault,
                "photo_seats": asyncio.Semaphore(settings.photos_at_once),
                "messengers": ports,
                "signed_at": RealClock().now,
                "wechat_push": push_envelope(settings),
                "reply_addresses": ReplyAddress(settings.mail_reply_to, key) if settings.mail_reply_to else None,
                "chat": Chat(
                    look_ups, catalogue.chat_words(), key=key, link=settings.portal_url, prefix=settings.number_prefix
                ),
            }
        finally:
            drain.restore()


def _limits(settings: Settings, key: bytes) -> Limits:
    return Limits(
        key=key,
        per_number=settings.look_up_failures_per_number,
        per_address=settings.look_up_failures_per_address,
        window=timedelta(minutes=settings.look_up_window_minutes),
    )


@asynccontextmanager
async def _checker(here: Here, links: Links, vault: Vault) -> AsyncIterator[Checker | None]:
    """None where a person or the review of the case is the check."""
    settings = here.settings
    if settings.photo_check != "wechat":
        yield None
        return
    async with httpx.AsyncClient(base_url=settings.wechat_url, timeout=SECONDS, trust_env=False) as http:
        secret = settings.wechat_secret.get_secret_value()
        tokens = TokenKeeper(http, here.begin, here.clock, vault, appid=settings.wechat_appid, secret=secret)
        yield WeChatChecker(http, tokens, links, openid=settings.photo_check_openid)


def _check_envelope(settings: Settings) -> Envelope | None:
    """None where no results are taken. Raises `ValueError` for a malformed key."""
    token, key = settings.photo_check_push_token.get_secret_value(), settings.photo_check_push_key.get_secret_value()
    return Envelope(token=token, aes_key=key, appid=settings.wechat_appid) if token else None


def loops(here: Here) -> Sequence[Loop]:
    window = timedelta(minutes=here.settings.look_up_window_minutes)
    rules = here.parts["tools"].notice_rules
    telling: list[Loop] = [Delivery(here, here.parts["messengers"], rules), Counts(here), ForgetChat(here)]
    return [*telling, Sweep(here, window), PhotoSweep(here), *_checks(here)]


def _checks(here: Here) -> Sequence[Loop]:
    checker: Checker | None = here.parts["checker"]
    return [PhotoChecks(here, checker)] if checker is not None else []


def api_loops(here: Here) -> Sequence[Loop]:
    hub, settings = here.parts["hub"], here.settings
    return [
        Feed(here, hub, here.parts["look_ups"], words=here.parts["tools"].wording.countdown),
        Heartbeat(hub, silent_for=settings.heartbeat_seconds),
    ]


MANIFEST: Manifest[Settings, Tx] = Manifest(
    name="feedback",
    title="The reply: progress, photos, ratings and notices",
    settings=Settings,
    tx=lambda connection: Tx(connection, Tools.shipped()),
    metadata=metadata,
    migrations=Path(__file__).parent / "migrations",
    routes=[
        progress.routes,
        photo_uploads.routes,
        photo_checks.routes,
        photo_desk.routes,
        photos.routes,
        ratings.routes,
        providers.routes,
        reachability.routes,
        notices.routes,
        callbacks.routes,
        pages.routes,
        praises.routes,
    ],
    paths=["progress", "photos", "ratings", "notices", "callbacks", "public-cases", "praises"],
    public=(
        progress.PUBLIC
        | photos.PUBLIC
        | photo_checks.PUBLIC
        | ratings.PUBLIC
        | providers.PUBLIC
        | callbacks.PUBLIC
        | pages.PUBLIC
    ),
    publishes=FEEDBACK,
    consumes=CONSUMES,
    pace={"INTAKE": 0.012, "ROUTER": 0.1, "SLA": 0.3, "CONTACTS": 0.3, "relay": 0.05},
    swift=frozenset({"INTAKE"}),
    prefetch=prefetch,
    loops=loops,
    api_loops=api_loops,
    parts=parts,
)
