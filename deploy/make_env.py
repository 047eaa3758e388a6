"""Owns the first `.env` of a system in containers: `env.example` with every password and key made fresh.

    python -m deploy.make_env --output deploy/.env             a system for real use
    python -m deploy.make_env --output deploy/.env --trial     with accounts for every role and a stand-in for WeChat
    python -m deploy.make_env --keep old.env --output new.env  after an upgrade: what was set stays, what is new is made

Without `--output` it prints. The file is the only copy of the keys that open the person vault: keep one elsewhere.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OKPKey

from deploy.standalone import environment, home
from services.intake.wechat_fake import DEMO_APPID, DEMO_SECRET

EXAMPLE = Path(__file__).with_name("env.example")
LINE = re.compile(r"(?P<off>#?)(?P<name>[A-Z][A-Z0-9_]*)=(?P<value>.*)")
"""A setting; with # before its name it stands at its default."""
PLAIN = re.compile(r"[A-Za-z0-9_./:@,+=-]*")
PRIVATE_FILE = 0o600


def read(text: str) -> dict[str, str]:
    """What a `.env` sets."""
    found = (LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {match["name"]: _unquoted(match["value"]) for match in found if match and not match["off"]}


def names(text: str) -> set[str]:
    """All settings a `.env` mentions, set or at their default."""
    return {match["name"] for line in text.splitlines() if (match := LINE.fullmatch(line))}


def fill(example: str, values: Mapping[str, str]) -> str:
    """The example with these values in it, comments and order kept; raises `KeyError` for a name it does not have."""
    missing, lines = set(values), []
    for line in example.splitlines():
        match = LINE.fullmatch(line)
        if match and match["name"] in values:
            missing.discard(match["name"])
            lines.append(f"{match['name']}={_quoted(values[match['name']])}")
        else:
            lines.append(line)
    if missing:
        raise KeyError(", ".join(sorted(missing)))
    return "\n".join(lines) + "\n"


def values(kept: Mapping[str, str], *, trial: bool, cluster: bool) -> dict[str, str]:
    """Every value `env.example` leaves open; what is `kept` is not made again, and what follows from it fits it."""
    made = _secrets(kept)
    made |= _derived(made, kept)
    made |= _trial() if trial else {"ROUTER_FIRST_ACCOUNTS": _json(_administrators())}
    made = {**made, **kept}
    if cluster:
        made |= {f"{service.upper()}_STREAM_REPLICAS": "3" for service in environment.SERVICES}
    profiles = made.get("COMPOSE_PROFILES", "alone").split(",")
    if cluster:
        profiles = ["cluster", *(name for name in profiles if name not in ("alone", "cluster"))]
    if trial and "trial" not in profiles:
        profiles.append("trial")
    made["COMPOSE_PROFILES"] = ",".join(profiles)
    return made


def _secrets(kept: Mapping[str, str]) -> dict[str, str]:
    fresh = {
        "POSTGRES_PASSWORD": home.password(),
        "NATS_PASSWORD": "n" + home.password(),  # nats.conf would read a password of digits as a number
        "INTAKE_SIGNING_KEY": home.jwk("Ed25519"),
        "INTAKE_VAULT_KEYS": f"first:{home.key()}",
        "INTAKE_INDEX_KEY": home.key(),
        "INTAKE_LOOK_UP_KEY": home.key(),
        "ROUTER_SIGNING_KEY": home.jwk("Ed25519"),
        "ROUTER_VAULT_KEYS": f"first:{home.key()}",
        "FEEDBACK_SEAL_KEY": home.jwk("X25519"),
        "FEEDBACK_VAULT_KEYS": f"first:{home.key()}",
    }
    for service in environment.SERVICES:
        fresh[f"{service.upper()}_DATABASE_URL"] = f"postgresql://{service}:{home.password()}@postgres:5432/huying"
    return {name: kept.get(name, value) for name, value in fresh.items()}


def _derived(secrets: Mapping[str, str], kept: Mapping[str, str]) -> dict[str, str]:
    """The public halves, the addresses with passwords, and what two services must agree on."""
    signing = KeySet([_key(secrets["INTAKE_SIGNING_KEY"]), _key(secrets["ROUTER_SIGNING_KEY"])])
    derived = {
        "FEEDBACK_LOOK_UP_KEY": secrets["INTAKE_LOOK_UP_KEY"],
        "INTAKE_FEEDBACK_JWK": _json(_key(secrets["FEEDBACK_SEAL_KEY"]).as_dict(private=False)),
    }
    nats_url = f"nats://huying:{secrets['NATS_PASSWORD']}@nats:4222"
    token_keys = kept.get("INTAKE_TOKEN_KEYS") or _json(signing.as_dict(private=False))
    for service in environment.SERVICES:
        derived |= {f"{service.upper()}_NATS_URL": nats_url, f"{service.upper()}_TOKEN_KEYS": token_keys}
    return derived


def _administrators() -> list[environment.Account]:
    """The platform's, and the three who make every other account (三员分立)."""
    people = (
        ("admin", "平台管理员", "admin"),
        ("sysadmin", "系统管理员", "system_admin"),
        ("secadmin", "安全管理员", "security_admin"),
        ("auditor", "审计管理员", "audit_admin"),
    )
    return [
        {"login": login, "password": home.spoken_password(), "name": name, "roles": [role], "units": []}
        for login, name, role in people
    ]


def _trial() -> dict[str, str]:
    """What `make up` has too: one account for each role, keys for the machines, and the stand-in for WeChat."""
    passwords = {name: make() for name, make in environment.SECRETS.items() if name.startswith("account_")}
    hotline = {"key": f"hyk_{home.password()}", "name": "hotline", "roles": ["operator_system"], "units": []}
    units = environment.unit_codes()
    departments = {"key": f"hyk_{home.password()}", "name": "departments", "roles": ["department"], "units": units}
    return {
        "INTAKE_WECHAT_URL": "http://wechat-fake:8000",
        "INTAKE_WECHAT_APPID": DEMO_APPID,
        "INTAKE_WECHAT_SECRET": DEMO_SECRET,
        "INTAKE_FIRST_API_KEYS": _json([hotline]),
        "ROUTER_FIRST_API_KEYS": _json([departments]),
        "ROUTER_FIRST_ACCOUNTS": _json(environment.accounts(passwords)),
        "ROUTER_SECOND_FACTOR": "offered",
    }


def _key(jwk: str) -> OKPKey:
    return OKPKey.import_key(json.loads(jwk))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: str) -> str:
    """Single quotes keep $ and # as they are, in both generations of Compose; none of our values holds one."""
    if "'" in value or "\n" in value:
        raise ValueError("a value in .env may hold neither a single quote nor a line break")
    return value if PLAIN.fullmatch(value) else f"'{value}'"


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"" else value


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.make_env", description="Make a .env with fresh secrets.")
    parser.add_argument("--output", type=Path, help="a new file, readable by its owner only; printed when not given")
    parser.add_argument("--keep", type=Path, help="an earlier .env whose values stay")
    parser.add_argument("--trial", action="store_true", help="accounts for every role, and a stand-in for WeChat")
    parser.add_argument("--cluster", action="store_true", help="three NATS nodes and streams on all of them")
    wanted = parser.parse_args()
    example = EXAMPLE.read_text(encoding="utf-8")
    kept = read(wanted.keep.read_text(encoding="utf-8")) if wanted.keep else {}
    for name in sorted(kept.keys() - names(example)):
        print(f"{name} is no setting any more and was left out", file=sys.stderr)
        del kept[name]
    text = fill(example, values(kept, trial=wanted.trial, cluster=wanted.cluster))
    if wanted.output is None:
        print(text, end="")
        return 0
    try:
        descriptor = os.open(wanted.output, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE)
    except FileExistsError:
        print(f"{wanted.output} is there already and may hold the only copy of your keys: use --keep", file=sys.stderr)
        return 1
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    print(f"Written to {wanted.output}. Keep a copy elsewhere: without its keys the person vault cannot be opened.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
