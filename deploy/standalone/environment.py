"""The environment a standalone system gives its services: addresses, keys and accounts, made at first start."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OKPKey

from deploy.standalone import home
from deploy.standalone.home import Home
from deploy.standalone.options import Options

SERVICES = ("intake", "router", "sla", "feedback")
SWIFT = ("intake", "feedback")
"""Those whose workers carry something a citizen waits for, in a process of its own."""
UNITS = Path(__file__).resolve().parents[2] / "services" / "router" / "catalog" / "units.csv"

type Account = dict[str, Any]

_PEOPLE: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("operator", "热线话务员：登记来电", ("operator",)),
    ("dispatcher", "区分拨员：分类、派单、审批退件", ("dispatcher",)),
    ("reviewer", "审核员：核查结果、审核结案", ("reviewer",)),
    ("panel", "裁决组：裁决权属争议", ("ruling_panel",)),
    ("leader", "领导：查看全局", ("leader", "supervisor")),
    ("admin", "平台管理员：接口密钥、通知发件箱", ("admin",)),
    ("sysadmin", "系统管理员：开立和停用账号", ("system_admin",)),
    ("secadmin", "安全管理员：授予和收回岗位", ("security_admin",)),
    ("auditor", "审计管理员：查看账号与查阅记录", ("audit_admin",)),
    ("discipline", "纪检监察：只读查看案卷", ("discipline",)),
)
DEMO_APPID, DEMO_SECRET = "wx0000000000000000", "demo-secret-of-the-fake-wechat"
"""What the stand-in for WeChat expects (`services.intake.wechat_fake`, which the supervisor does not import)."""
UNIT_ACCOUNT = "unit"
"""One account that may act for every unit, for trying things out."""

SECRETS: Mapping[str, Callable[[], str]] = {
    "postgres": home.password,
    "nats": home.password,
    **{f"postgres_{service}": home.password for service in SERVICES},
    "signing_jwk": lambda: home.jwk("Ed25519"),
    "contact_jwk": lambda: home.jwk("X25519"),
    "vault_key": home.key,
    "index_key": home.key,
    "look_up_key": home.key,
    "contacts_key": home.key,
    "webhook_key": home.key,
    "operator_api_key": lambda: "hyk_" + home.password(),
    "department_api_key": lambda: "hyk_" + home.password(),
    **{f"account_{login}": home.spoken_password for login in (*(p[0] for p in _PEOPLE), UNIT_ACCOUNT)},
}


def unit_codes() -> list[str]:
    with UNITS.open(encoding="utf-8", newline="") as file:
        return [row["unit_code"] for row in csv.DictReader(file)]


def accounts(secrets: Mapping[str, str]) -> list[Account]:
    """The demonstration accounts, with the passwords made at first start."""
    people: list[Account] = [
        {"login": login, "password": secrets[f"account_{login}"], "name": name, "roles": list(roles), "units": []}
        for login, name, roles in _PEOPLE
    ]
    unit: Account = {
        "login": UNIT_ACCOUNT,
        "password": secrets[f"account_{UNIT_ACCOUNT}"],
        "name": "承办单位：签收、联系、处置、办结，网格员核查（试用账号，可代表所有单位）",
        "roles": ["handler", "unit_manager", "grid_officer"],
        "units": unit_codes(),
    }
    return [*people, unit]


def _keys(name: str, secret: str, roles: list[str], units: list[str]) -> str:
    return json.dumps([{"key": secret, "name": name, "roles": roles, "units": units}])


def of(home: Home, options: Options, *, database_urls: Mapping[str, str], nats_url: str, url: str) -> dict[str, str]:
    """Every setting of every service; nothing here is a default, so nothing secret is in the code."""
    secrets = home.secrets
    signing = OKPKey.import_key(json.loads(secrets["signing_jwk"]))
    contact = OKPKey.import_key(json.loads(secrets["contact_jwk"]))
    environment: dict[str, str] = {"HUYING_LOG_LEVEL": options.log_level}
    for service in SERVICES:
        prefix = service.upper()
        environment |= {
            f"{prefix}_DATABASE_URL": database_urls[service],
            f"{prefix}_NATS_URL": nats_url,
            f"{prefix}_TOKEN_KEYS": json.dumps(KeySet([signing]).as_dict(private=False)),
            f"{prefix}_CLOCK": options.clock,
            f"{prefix}_LOG_LEVEL": options.log_level,
        }
    return environment | {
        "INTAKE_SIGNING_KEY": secrets["signing_jwk"],
        "INTAKE_VAULT_KEYS": f"first:{secrets['vault_key']}",
        "INTAKE_VAULT_CURRENT": "first",
        "INTAKE_INDEX_KEY": secrets["index_key"],
        "INTAKE_LOOK_UP_KEY": secrets["look_up_key"],
        "INTAKE_FEEDBACK_JWK": json.dumps(contact.as_dict(private=False)),
        "INTAKE_WECHAT_URL": options.wechat_url or f"{url}/wechat-fake",
        "INTAKE_WECHAT_APPID": options.wechat_appid or DEMO_APPID,
        "INTAKE_WECHAT_SECRET": options.wechat_secret or DEMO_SECRET,
        "INTAKE_PHOTOS_URL": str(home.path / "photos" / "submitted"),
        "INTAKE_FIRST_API_KEYS": _keys("hotline", secrets["operator_api_key"], ["operator_system"], []),
        "ROUTER_SIGNING_KEY": secrets["signing_jwk"],
        "ROUTER_VAULT_KEYS": f"first:{secrets['webhook_key']}",
        "ROUTER_VAULT_CURRENT": "first",
        "ROUTER_FIRST_ACCOUNTS": json.dumps(accounts(secrets), ensure_ascii=False),
        "ROUTER_FIRST_API_KEYS": _keys("departments", secrets["department_api_key"], ["department"], unit_codes()),
        "ROUTER_WEBHOOK_PRIVATE_TARGETS": "true",
        "ROUTER_SESSION_IDLE_MINUTES": "480",
        "ROUTER_SECOND_FACTOR": "offered",
        "FEEDBACK_LOOK_UP_KEY": secrets["look_up_key"],
        "FEEDBACK_SEAL_KEY": secrets["contact_jwk"],
        "FEEDBACK_VAULT_KEYS": f"first:{secrets['contacts_key']}",
        "FEEDBACK_VAULT_CURRENT": "first",
        "FEEDBACK_PHOTOS_URL": str(home.path / "photos" / "work"),
    }
