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
from services.feedback.api import notices, photo_checks, photo_desk, photo_uploads, photos, progress, ratings
from services.feedback.attempts import Limits, Sweep
from services.feedback.checking import Checker, Links, PhotoChecks
from services.feedback.consumers import CONSUMES, prefetch
from services.feedback.contacts import ContactBox
from services.feedback.delivery import Delivery
from services.feedback.feed import Drain, Feed, Heartbeat
from services.feedback.hub import Hub
from services.feedback.lookups import open_look_ups
from services.feedback.messengers import MailServer, messengers
from services.feedback.photo_upkeep import PhotoSweep
from services.feedback.providers.media_check import StableTokens, WeChatChecker
from services.feedback.providers.wechat_push import Envelope
from services.feedback.settings import Settings
from services.feedback.store import Tools, Tx
from services.feedback.tables import metadata
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
    async with (
        open_look_ups(here, key=key, prefix=settings.number_prefix, limits=_limits(settings, key)) as look_ups,
        _checker(settings, links) as checker,
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
                "photo_vault": Vault(
                    parse_key_ring(settings.vault_keys.get_secret_value()),
                    current=settings.vault_current,
                    index_key=os.urandom(32),
                ),
                "photo_seats": asyncio.Semaphore(settings.photos_at_once),
                "messengers": messengers(here.begin, _mail(settings)),
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


def _mail(settings: Settings) -> MailServer | None:
    if not settings.mail_host:
        return None
    return MailServer(
        host=settings.mail_host,
        port=settings.mail_port,
        starttls=settings.mail_starttls,
        user=settings.mail_user,
        password=settings.mail_password.get_secret_value(),
        sender=settings.mail_from,
    )


@asynccontextmanager
async def _checker(settings: Settings, links: Links) -> AsyncIterator[Checker | None]:
    """None where a person or the review of the case is the check."""
    if settings.photo_check != "wechat":
        yield None
        return
    async with httpx.AsyncClient(base_url=settings.wechat_url, timeout=8.0, trust_env=False) as http:
        tokens = StableTokens(http, appid=settings.wechat_appid, secret=settings.wechat_secret.get_secret_value())
        yield WeChatChecker(http, tokens, links, openid=settings.photo_check_openid)


def _check_envelope(settings: Settings) -> Envelope | None:
    """None where no results are taken. Raises `ValueError` for a malformed key."""
    token, key = settings.photo_check_push_token.get_secret_value(), settings.photo_check_push_key.get_secret_value()
    return Envelope(token=token, aes_key=key, appid=settings.wechat_appid) if token else None


def loops(here: Here) -> Sequence[Loop]:
    window = timedelta(minutes=here.settings.look_up_window_minutes)
    rules = here.parts["tools"].notice_rules
    return [Delivery(here, here.parts["messengers"], rules), Sweep(here, window), PhotoSweep(here), *_checks(here)]


def _checks(here: Here) -> Sequence[Loop]:
    checker: Checker | None = here.parts["checker"]
    return [PhotoChecks(here, checker)] if checker is not None else []


def api_loops(here: Here) -> Sequence[Loop]:
    hub, settings = here.parts["hub"], here.settings
    return [
        Feed(here.bus, hub, here.parts["look_ups"], catch_up=settings.catch_up_seconds),
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
        notices.routes,
    ],
    paths=["progress", "photos", "ratings", "notices"],
    public=progress.PUBLIC | photos.PUBLIC | photo_checks.PUBLIC | ratings.PUBLIC,
    publishes=FEEDBACK,
    consumes=CONSUMES,
    pace={"INTAKE": 0.012, "ROUTER": 0.1, "SLA": 0.3, "CONTACTS": 0.3, "relay": 0.05},
    swift=frozenset({"INTAKE"}),
    prefetch=prefetch,
    loops=loops,
    api_loops=api_loops,
    parts=parts,
)
