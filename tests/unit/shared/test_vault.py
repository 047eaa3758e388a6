"""Personal data is unreadable without the key, useless in another row, and findable without decrypting."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import OKPKey

from shared.vault import (
    Cell,
    MalformedKey,
    UndecipherableValue,
    Vault,
    parse_key,
    parse_key_ring,
    sealed,
    unseal,
)

OLD, NEW, INDEX = b"o" * 32, b"n" * 32, b"i" * 32
CELL = Cell("citizens", "name", "0192-1")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)


def b64(key):
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


@pytest.fixture(scope="module")
def vault():
    return Vault({"2025a": OLD, "2026a": NEW}, current="2026a", index_key=INDEX)


@pytest.fixture(scope="module")
def keys():
    private = OKPKey.generate_key("X25519", {"kid": "feedback-1"})
    return private.as_dict(private=False), private.as_dict(private=True)


@given(texts)
def test_what_goes_in_comes_out(value):
    vault = Vault({"k": NEW}, current="k", index_key=INDEX)
    stored = vault.encrypt(value, CELL)
    assert vault.decrypt(stored, CELL) == value
    assert len(stored) == len(value.encode()) + 2 + 1 + 12 + 16
    if len(value.encode()) > 3:
        assert value.encode() not in stored


@given(st.data())
def test_any_changed_byte_is_noticed(data):
    """INVARIANT: a stored value opens only byte for byte as it was written, its key's name included."""
    vault = Vault({"2025a": OLD, "2026a": NEW}, current="2026a", index_key=INDEX)
    stored = bytearray(vault.encrypt("张三", CELL))
    place = data.draw(st.integers(0, len(stored) - 1))
    stored[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(UndecipherableValue):
        vault.decrypt(bytes(stored), CELL)


@given(st.integers(0, 60))
def test_a_value_cut_short_is_noticed(length):
    vault = Vault({"2026a": NEW}, current="2026a", index_key=INDEX)
    stored = vault.encrypt("张三", CELL)
    with pytest.raises(UndecipherableValue):
        vault.decrypt(stored[: min(length, len(stored) - 1)], CELL)


@pytest.mark.parametrize(
    "elsewhere",
    [Cell("citizens", "name", "0192-2"), Cell("citizens", "phone", "0192-1"), Cell("accounts", "name", "0192-1")],
)
def test_a_value_opens_in_no_other_row_column_or_table(vault, elsewhere):
    with pytest.raises(UndecipherableValue):
        vault.decrypt(vault.encrypt("张三", CELL), elsewhere)


def test_equal_values_look_different(vault):
    assert vault.encrypt("张三", CELL) != vault.encrypt("张三", CELL)


def test_rotation_moves_a_value_under_the_current_key_and_leaves_current_ones_alone(vault):
    before = Vault({"2025a": OLD}, current="2025a", index_key=INDEX)
    stored = before.encrypt("张三", CELL)
    rotated = vault.rotate(stored, CELL)
    assert (Vault.key_of(stored), Vault.key_of(rotated)) == ("2025a", "2026a")
    assert vault.decrypt(stored, CELL) == vault.decrypt(rotated, CELL) == "张三"
    assert vault.rotate(rotated, CELL) is rotated
    with pytest.raises(UndecipherableValue, match="not in the key ring"):
        before.decrypt(rotated, CELL)


def test_an_error_never_tells_the_value(vault):
    stored = vault.encrypt("13812345678", CELL)
    with pytest.raises(UndecipherableValue) as refused:
        vault.decrypt(stored, Cell("citizens", "phone", "13812345678"))
    assert "1381" not in str(refused.value)


def test_indexes_differ_between_kinds_values_and_keys(vault):
    other = Vault({"2026a": NEW}, current="2026a", index_key=b"j" * 32)
    found = {
        vault.blind_index("phone", "13812345678"),
        vault.blind_index("phone", "13812345679"),
        vault.blind_index("openid", "13812345678"),
        other.blind_index("phone", "13812345678"),
    }
    assert len(found) == 4


def test_keys_are_read_from_settings_padded_or_not():
    ring = parse_key_ring(f"2026a:{b64(NEW)}, 2025a:{base64.b64encode(OLD).decode()}")
    assert ring == {"2026a": NEW, "2025a": OLD}
    vault = Vault.from_settings(f"2026a:{b64(NEW)}", current="2026a", index_key=b64(INDEX))
    assert vault.decrypt(vault.encrypt("李四", CELL), CELL) == "李四"


@pytest.mark.parametrize(
    ("ring", "complaint"),
    [
        (f"2026a={b64(NEW)}", "name:key"),
        (f"20 26:{b64(NEW)}", "name:key"),
        (f"a:{b64(NEW)},a:{b64(OLD)}", "twice"),
        ("a:not base64!", "base64url"),
        (f"a:{b64(NEW[:16])}", "16 bytes, needs 32"),
    ],
)
def test_a_malformed_key_ring_is_named_without_quoting_a_key(ring, complaint):
    with pytest.raises(MalformedKey, match=complaint) as refused:
        parse_key_ring(ring)
    assert b64(NEW)[:10] not in str(refused.value)


def test_a_key_of_settings_is_named_in_its_error():
    with pytest.raises(MalformedKey, match="'index'"):
        parse_key("", "index")


@pytest.mark.parametrize(
    ("keys", "current", "index_key"),
    [
        ({"a": NEW}, "b", INDEX),
        ({"a": NEW[:5]}, "a", INDEX),
        ({"a b": NEW}, "a b", INDEX),
        ({"a": NEW}, "a", NEW),
        ({"a": NEW}, "a", b""),
    ],
)
def test_a_vault_does_not_start_with_unusable_keys(keys, current, index_key):
    with pytest.raises(MalformedKey):
        Vault(keys, current=current, index_key=index_key)


def test_a_sealed_contact_opens_with_the_private_key_only(keys):
    public, private = keys
    contact = {"citizen_id": "0192", "name": "张三", "phone": "13812345678"}
    token = sealed(contact, public)
    assert unseal(token, private) == contact
    assert token != sealed(contact, public)
    assert "13812345678" not in token
    with pytest.raises(UndecipherableValue):
        unseal(token, OKPKey.generate_key("X25519").as_dict(private=True))
    with pytest.raises(MalformedKey, match="private"):
        unseal(token, public)


def test_a_seal_names_the_key_it_is_for(keys):
    header = sealed({}, keys[0]).split(".")[0]
    assert b'"kid":"feedback-1"' in base64.urlsafe_b64decode(header + "==").replace(b" ", b"")


CHANGED_KEY = OKPKey.generate_key("X25519")


@given(st.data())
def test_a_changed_seal_does_not_open(data):
    token = sealed({"phone": "13812345678"}, CHANGED_KEY.as_dict(private=False))
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.sampled_from("AZaz09-_.!")) + token[place + 1 :]
    try:
        # The last character of a base64 part holds spare bits, so a few changes are none.
        assert unseal(changed, CHANGED_KEY.as_dict(private=True)) == {"phone": "13812345678"}
    except UndecipherableValue:
        assert changed != token


@pytest.mark.parametrize("token", ["", "a.b.c.d.e", "....", "é" * 20, "5e" * 40])
def test_what_is_no_seal_does_not_open(keys, token):
    with pytest.raises(UndecipherableValue):
        unseal(token, keys[1])


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        {"kty": "EC", "crv": "P-256"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": 5},
    ],
)
def test_a_sealing_key_of_another_kind_is_refused(jwk):
    with pytest.raises(MalformedKey):
        sealed({}, jwk)
