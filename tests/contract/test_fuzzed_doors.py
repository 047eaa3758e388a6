"""Schemathesis knocks at every door of the running system: no 5xx, and no answer that is not declared."""

import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance

from tests.support.system import RunningSystem

pytestmark = [pytest.mark.xdist_group("fuzz"), pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance]
OPENAPI = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
# A stream does not end; who logs out knocks at nothing afterwards.
NOT_KNOCKED_AT = r"/stream$|^/v1/staff/sessions/current$"
ROUNDS = settings(
    max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def doors_of(service: str) -> schemathesis.schemas.BaseSchema:
    return schemathesis.openapi.from_path(OPENAPI / f"{service}.json").exclude(path_regex=NOT_KNOCKED_AT)


INTAKE, ROUTER, SLA, FEEDBACK = map(doors_of, ("intake", "router", "sla", "feedback"))


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    running = RunningSystem(Path(tmp_path_factory.mktemp("fuzz")) / "var")
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def tokens(system: RunningSystem) -> dict[str, str]:
    """One bearer token per kind of caller."""
    with httpx.Client(base_url=system.url, trust_env=False) as client:

        def staff(login: str) -> str:
            body = {"login": login, "password": system.secrets[f"account_{login}"]}
            return str(client.post("/v1/staff/sessions", json=body).raise_for_status().json()["token"])

        citizen = client.post("/v1/sessions/wechat", json={"code": "demo-fuzz"}).raise_for_status().json()["token"]
        return {
            "citizen": citizen,
            "operator": system.secrets["operator_api_key"],
            "dispatcher": staff("dispatcher"),
            "unit": staff("unit"),
            "admin": staff("admin"),
        }


def knock(case: schemathesis.Case, system: RunningSystem, token: str) -> None:
    case.call_and_validate(base_url=system.url, headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)


@INTAKE.parametrize()
@ROUNDS
def test_the_register_keeps_its_word_to_citizens(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    knock(case, system, tokens["citizen"])


@INTAKE.parametrize()
@ROUNDS
def test_the_register_keeps_its_word_to_operators(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    knock(case, system, tokens["operator"])


@ROUTER.parametrize()
@ROUNDS
def test_the_desk_keeps_its_word_to_dispatchers(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    knock(case, system, tokens["dispatcher"])


@ROUTER.parametrize()
@ROUNDS
def test_the_desk_keeps_its_word_to_units_and_admins(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    path = case.operation.path
    knock(case, system, tokens["admin" if "webhook" in path or "versions" in path else "unit"])


@SLA.parametrize()
@ROUNDS
def test_the_stopwatch_keeps_its_word(case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]) -> None:
    knock(case, system, tokens["dispatcher"])


@FEEDBACK.parametrize()
@ROUNDS
def test_the_reply_keeps_its_word_to_citizens(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    knock(case, system, tokens["citizen"])


@FEEDBACK.parametrize()
@ROUNDS
def test_the_reply_keeps_its_word_to_units(
    case: schemathesis.Case, system: RunningSystem, tokens: dict[str, str]
) -> None:
    knock(case, system, tokens["unit"])
