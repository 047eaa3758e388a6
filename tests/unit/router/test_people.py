"""Roles that shut each other out, passwords, one-time passwords by the RFC's own vectors, and grants in a token."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from services.router.people import totp
from services.router.people.accounts import DISTRICT, Grant, actor_of
from services.router.people.roles import RolesApart, RoleUnknown, UnitNeeded, WeakPassword, staff_rules
from shared.ids import new_id
from shared.tokens import TokenIssuer, TokenVerifier

NOW = datetime(2026, 9, 14, 2, 0, tzinfo=UTC)
RULES = staff_rules()
FIELD = {
    *("operator", "filing_clerk", "dispatcher", "unit_manager", "handler", "grid_officer", "reviewer"),
    *("callback_clerk", "supervisor", "ruling_panel", "discipline", "kb_editor", "analyst", "leader"),
    *("system_admin", "security_admin", "audit_admin", "admin"),
}


def secret(ascii_key: bytes) -> str:
    return base64.b32encode(ascii_key).decode().rstrip("=")


def grant(role: str, unit: str = DISTRICT) -> Grant:
    return Grant(new_id(), role, unit, "system", NOW)


@pytest.mark.parametrize(
    ("seconds", "sha1", "sha256", "sha512"),
    [
        (59, "94287082", "46119246", "90693936"),
        (1111111109, "07081804", "68084774", "25091201"),
        (1111111111, "14050471", "67062674", "99943326"),
        (1234567890, "89005924", "91819424", "93441116"),
        (2000000000, "69279037", "90698825", "38618901"),
        (20000000000, "65353130", "77737706", "47863826"),
    ],
)
def test_one_time_passwords_are_those_of_rfc_6238(seconds: int, sha1: str, sha256: str, sha512: str) -> None:
    step, digits = seconds // 30, b"1234567890"
    assert totp.code_of(secret(digits * 2), step, digits=8) == sha1
    assert totp.code_of(secret((digits * 4)[:32]), step, digits=8, digest="sha256") == sha256
    assert totp.code_of(secret((digits * 7)[:64]), step, digits=8, digest="sha512") == sha512


def test_a_code_is_good_a_step_early_or_late_and_only_once() -> None:
    key, step = totp.new_secret(), totp.step_of(NOW)
    for late in (-1, 0, 1):
        assert totp.matching_step(key, totp.code_of(key, step + late), now=NOW, used=None) == step + late
    assert totp.matching_step(key, totp.code_of(key, step + 2), now=NOW, used=None) is None
    assert totp.matching_step(key, totp.code_of(key, step), now=NOW, used=step) is None


def test_the_roles_are_those_of_the_field() -> None:
    assert {role.code for role in RULES.roles} == FIELD


@given(st.sets(st.sampled_from(sorted(FIELD))))
def test_nobody_holds_two_of_the_three_administrators(held: set[str]) -> None:
    """INVARIANT: 三员分立, whatever else somebody holds."""
    three = {"system_admin", "security_admin", "audit_admin"}
    if len(held & three) > 1:
        with pytest.raises(RolesApart):
            RULES.must_go_together(held)


def test_a_role_of_units_needs_a_unit_and_some_are_not_granted_at_all() -> None:
    with pytest.raises(UnitNeeded):
        RULES.must_be_grantable("handler", None, ())
    for code in ("admin", "emperor"):
        with pytest.raises(RoleUnknown):
            RULES.must_be_grantable(code, None, ())
    RULES.must_be_grantable("handler", "PS-S01", {"unit_manager"})


@pytest.mark.parametrize("password", ["Ab1!", "onlysmallletters", "Zhangsan-2026-zhangsan", "12345678901234"])
def test_a_weak_password_is_refused_with_the_rule_it_breaks_and_without_itself(password: str) -> None:
    with pytest.raises(WeakPassword) as refused:
        RULES.passwords.must_suit(password, "zhangsan")
    assert refused.value.fields
    assert password not in "".join(field.detail + field.zh for field in refused.value.fields)


def test_roles_held_for_different_units_stay_apart_in_the_token() -> None:
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    held = [grant("handler", "PS-S01"), grant("unit_manager", "PS-D01"), grant("dispatcher")]
    token = TokenIssuer(json.dumps(key.as_dict(private=True))).issue(
        actor_of(new_id(), held, "a-session"), now=NOW, lifetime=timedelta(minutes=30)
    )
    actor = TokenVerifier(json.dumps({"keys": [key.as_dict(private=False)]})).verify(token, now=NOW)
    assert actor.units == {"PS-S01", "PS-D01"}
    assert (actor.units_as("handler"), actor.units_as("unit_manager")) == ({"PS-S01"}, {"PS-D01"})
    assert actor.units_as("dispatcher") == set()
    assert actor.session == "a-session"


def test_roles_held_for_the_same_units_travel_as_before() -> None:
    actor = actor_of(new_id(), [grant("handler", "PS-S01"), grant("unit_manager", "PS-S01")], "")
    assert (actor.grants, actor.units_as("handler")) == (frozenset(), {"PS-S01"})
    assert actor_of(new_id(), [grant("leader"), grant("supervisor")], "").units == frozenset()
