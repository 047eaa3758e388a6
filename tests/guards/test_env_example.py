"""What an operator can set and start is what the code has: env.example, compose.yaml and the Caddyfile against it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from deploy import make_env
from deploy.standalone.services import MANIFESTS
from shared.settings import ServiceSettings

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
EXAMPLE = (DEPLOY / "env.example").read_text("utf-8")
CADDYFILE = (DEPLOY / "Caddyfile").read_text("utf-8")
COMPOSE_TEXT = (DEPLOY / "compose.yaml").read_text("utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(COMPOSE_TEXT)
LINES = EXAMPLE.splitlines()


def settings_of(service: str) -> type[ServiceSettings]:
    kind = MANIFESTS[service].settings
    assert isinstance(kind, type)
    assert issubclass(kind, ServiceSettings)
    return kind


def names_of(service: str) -> set[str]:
    return {f"{service}_{field}".upper() for field in settings_of(service).model_fields}


def written(value: object) -> str:
    """A default as it stands in a `.env`."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if value is None or isinstance(value, str):
        return value or ""
    return str(value) if not isinstance(value, bool | tuple) else json.dumps(value)


def test_every_setting_of_every_service_is_in_the_example_and_nothing_else() -> None:
    expected = {name for service in MANIFESTS for name in names_of(service)}
    # What is left belongs to the composition itself.
    used = set(re.findall(r"\$\{([A-Z_]+)[:}]", COMPOSE_TEXT))
    expected |= used | {"COMPOSE_PROFILES", "COMPOSE_PROJECT_NAME"}
    assert make_env.names(EXAMPLE) == expected


def test_every_setting_stands_once_under_a_comment_that_explains_it() -> None:
    settings = [(number, match) for number, line in enumerate(LINES) if (match := make_env.LINE.fullmatch(line))]
    names = [match["name"] for _, match in settings]
    assert sorted(names) == sorted(set(names))
    bare = [match["name"] for number, match in settings if not re.fullmatch(r"# \S.*[.…]", LINES[number - 1])]
    assert bare == []


@pytest.mark.parametrize("service", MANIFESTS)
def test_the_example_shows_the_defaults_the_code_has(service: str) -> None:
    shown = {m["name"]: m["value"] for line in LINES if (m := make_env.LINE.fullmatch(line)) and m["off"]}
    for field, info in settings_of(service).model_fields.items():
        name = f"{service}_{field}".upper()
        if name in shown:
            assert shown[name] == written(info.default), name
        else:
            assert name in make_env.read(EXAMPLE)


def test_the_example_holds_no_secret() -> None:
    filled = make_env.read(EXAMPLE)
    secret = re.compile(r"PASSWORD|_KEY$|_KEYS$|_URL$|_JWK$|SECRET|ACCOUNTS")
    kept = {n: v for n, v in filled.items() if secret.search(n) and v not in ("", "[]")}
    assert {n for n in kept if not re.fullmatch(r"(INTAKE|FEEDBACK)_PHOTOS_URL|INTAKE_WECHAT_URL", n)} == set()


@pytest.mark.parametrize(("trial", "cluster"), [(False, False), (True, True)])
def test_a_made_env_is_all_a_service_needs_to_start(
    trial: bool, cluster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = make_env.fill(EXAMPLE, make_env.values({}, trial=trial, cluster=cluster))
    made = make_env.read(text)
    for name, value in made.items():
        monkeypatch.setenv(name, value)
    for service in MANIFESTS:
        assert settings_of(service)().stream_replicas == (3 if cluster else 1)
    assert {n for n, v in made.items() if not v} <= {"INTAKE_WECHAT_APPID", "INTAKE_WECHAT_SECRET"}


def test_made_secrets_are_new_every_time_and_kept_ones_stay() -> None:
    one = make_env.values({}, trial=True, cluster=False)
    other = make_env.values({}, trial=True, cluster=False)
    assert {name for name in one if one[name] == other[name]} == {
        "COMPOSE_PROFILES", "INTAKE_WECHAT_APPID", "INTAKE_WECHAT_SECRET", "INTAKE_WECHAT_URL",
        "ROUTER_SECOND_FACTOR",
    }  # fmt: skip
    del one["INTAKE_LOOK_UP_KEY"]
    assert make_env.values(one, trial=False, cluster=False).items() >= one.items()


def test_an_existing_env_is_never_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / ".env"
    monkeypatch.setattr("sys.argv", ["make_env", "--output", str(output)])
    assert make_env.main() == 0
    assert output.stat().st_mode & 0o777 == make_env.PRIVATE_FILE
    first = output.read_text("utf-8")
    assert make_env.main() == 1
    assert "--keep" in capsys.readouterr().err
    assert output.read_text("utf-8") == first


@pytest.mark.parametrize("service", MANIFESTS)
def test_every_role_of_a_service_is_a_container_with_its_settings_and_no_others(service: str) -> None:
    for role in ("migrate", "api", "worker"):
        container = COMPOSE["services"][f"{service}-{role}"]
        assert container["command"][:4] == ["python", "-m", f"services.{service}", role]
        assert set(container["environment"]) - {"FORWARDED_ALLOW_IPS"} == names_of(service)
        assert role == "migrate" or container["healthcheck"]["test"]


def test_no_container_is_of_a_service_that_does_not_exist() -> None:
    ours = {name for name, container in COMPOSE["services"].items() if container["image"].startswith("huying:")}
    roles = {f"{service}-{role}" for service in MANIFESTS for role in ("migrate", "api", "worker")}
    assert ours == roles | {"page", "wechat-fake"}


@pytest.mark.parametrize("service", MANIFESTS)
def test_caddy_sends_every_path_to_the_service_that_owns_it(service: str) -> None:
    [(name, paths)] = re.findall(rf"@{service} path_regexp \^/\((\w+)\|v1/\(([^)]+)\)\)\(/\.\*\)\?\$", CADDYFILE)
    assert name == service
    assert set(paths.split("|")) == set(MANIFESTS[service].paths)
    assert re.search(rf"handle @{service} \{{\s+reverse_proxy \{{\s+dynamic a {service}-api 8000 ", CADDYFILE)
