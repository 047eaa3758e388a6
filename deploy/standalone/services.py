"""The services a standalone system runs, and the one application that holds all their doors."""

from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp

from deploy.standalone import page
from deploy.standalone.web import OnePort
from services.feedback.app import MANIFEST as FEEDBACK
from services.intake import wechat_fake
from services.intake.app import MANIFEST as INTAKE
from services.router.app import MANIFEST as ROUTER
from services.sla.app import MANIFEST as SLA
from shared.manifest import Manifest

MANIFESTS: dict[str, Manifest[Any, Any]] = {m.name: m for m in (INTAKE, ROUTER, SLA, FEEDBACK)}


def one_port() -> ASGIApp:
    """Every service, and the stand-in for WeChat's server that `make up` talks to as long as no real one is set."""
    fake = Starlette(routes=[Mount("/wechat-fake", wechat_fake.fake_wechat())])
    return OnePort(list(MANIFESTS.values()), extra={"wechat-fake": fake}, home=page.HOME)
