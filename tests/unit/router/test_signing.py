"""Secrets at rest: bound to their row, readable under every key of the ring, moved under the newest."""

from typing import Any

import pytest

from services.router.signing import Keyring, new_secret
from shared.ids import new_id
from shared.vault import MalformedKey, UndecipherableValue

OLD, NEW = f"old:{'A' * 43}=", f"new:{'B' * 42}A="


def row(**values: Any) -> Any:
    return {"webhook_id": new_id(), "old_secret": None, "old_secret_until": None, **values}


def test_a_secret_opens_in_its_own_row_and_column_only() -> None:
    keyring, secret = Keyring.of(OLD, current="old"), new_secret()
    mine = row()
    mine["secret"] = keyring.seal(secret, mine["webhook_id"])
    assert keyring.open(mine) == secret
    with pytest.raises(UndecipherableValue):
        keyring.open({**mine, "webhook_id": new_id()})
    with pytest.raises(UndecipherableValue):
        keyring.open({**mine, "old_secret": mine["secret"]}, "old_secret")


def test_a_renewed_secret_is_the_same_one_under_the_current_key() -> None:
    before, secret = Keyring.of(OLD, current="old"), new_secret()
    mine = row()
    mine["secret"] = before.seal(secret, mine["webhook_id"])
    after = Keyring.of(f"{NEW},{OLD}", current="new")
    mine["secret"] = after.renewed(mine, "secret")
    assert Keyring.of(NEW, current="new").open(mine) == secret
    assert after.renewed(mine, "secret") == mine["secret"]


def test_a_secret_that_is_still_plain_is_encrypted() -> None:
    keyring, secret = Keyring.of(OLD, current="old"), new_secret()
    mine = row(secret=secret.encode())
    mine["secret"] = keyring.renewed(mine, "secret")
    assert secret.encode() not in mine["secret"]
    assert keyring.open(mine) == secret


def test_a_ring_without_its_current_key_is_refused_at_the_start() -> None:
    with pytest.raises(MalformedKey):
        Keyring.of(OLD, current="new")
