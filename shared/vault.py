"""A vault for personal data: encrypted value by value, found again by blind index, sealed for another service."""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_FORMAT = b"\x01"
_KEY_BYTES = 32
# 96 random bits: NIST SP 800-38D 8.3 allows 2^32 values under one key before two nonces could plausibly meet. A
# district of a million people does not get there; the yearly rotation makes sure.
_NONCE_BYTES = 12
_KID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_SEAL_ALGORITHMS = ["ECDH-ES", "A256GCM"]


class MalformedKey(ValueError):
    """A key in the settings cannot be used. The text never quotes the key."""


class UndecipherableValue(RuntimeError):
    """A stored value was altered, moved to another row, or encrypted under a key that is no longer in the ring."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The place a value belongs to; it decrypts nowhere else, so a swap between rows or columns is noticed."""

    table: str
    column: str
    row_id: object

    def bound_to(self, header: bytes) -> bytes:
        return header + f"{self.table}\0{self.column}\0{self.row_id}".encode()


class Vault:
    """AES-256-GCM under a ring of keys: any key decrypts, the current one encrypts.

    A value is: format byte, length and name of the key, nonce, ciphertext with tag; 29 bytes and the name longer than
    the text. It satisfies 个人信息保护法 §51 (encryption, least privilege) at the level of the single column.
    """

    def __init__(self, keys: Mapping[str, bytes], *, current: str, index_key: bytes) -> None:
        """Raises `MalformedKey` for an unknown current key, a wrong length, or an index key that also encrypts."""
        if current not in keys:
            raise MalformedKey(f"the current key {current!r} is not in the key ring")
        for kid, key in (*keys.items(), ("index", index_key)):
            if not _KID.fullmatch(kid):
                raise MalformedKey(f"key name {kid!r} must be 1 to 32 of A-Z a-z 0-9 _ -")
            if len(key) != _KEY_BYTES:
                raise MalformedKey(f"key {kid!r} has {len(key)} bytes, needs {_KEY_BYTES}")
        if index_key in keys.values():
            raise MalformedKey("the index key must not be one of the encryption keys")
        self._ciphers = {kid: AESGCM(key) for kid, key in keys.items()}
        self._current, self._index_key = current, index_key

    @classmethod
    def from_settings(cls, ring: str, *, current: str, index_key: str) -> Self:
        """`ring` reads `2026a:<key>,2025a:<key>`, every key 32 bytes in base64url (`openssl rand -base64 32`)."""
        return cls(parse_key_ring(ring), current=current, index_key=parse_key(index_key, "index"))

    def encrypt(self, value: str, cell: Cell) -> bytes:
        return self.encrypt_bytes(value.encode(), cell)

    def encrypt_bytes(self, value: bytes, cell: Cell) -> bytes:
        header = _FORMAT + bytes([len(self._current)]) + self._current.encode()
        nonce = os.urandom(_NONCE_BYTES)
        return header + nonce + self._ciphers[self._current].encrypt(nonce, value, cell.bound_to(header))

    def decrypt(self, stored: bytes, cell: Cell) -> str:
        """Raises `UndecipherableValue`."""
        try:
            return self.decrypt_bytes(stored, cell).decode()
        except ValueError:
            raise UndecipherableValue(f"a value of {cell.table}.{cell.column} is no text") from None

    def decrypt_bytes(self, stored: bytes, cell: Cell) -> bytes:
        """Raises `UndecipherableValue`."""
        kid = self.key_of(stored)
        start = 2 + len(kid)
        nonce, sealed = stored[start : start + _NONCE_BYTES], stored[start + _NONCE_BYTES :]
        try:
            return self._ciphers[kid].decrypt(nonce, sealed, cell.bound_to(stored[:start]))
        except KeyError:
            raise UndecipherableValue(f"key {kid!r} is not in the key ring") from None
        except (InvalidTag, ValueError):
            raise UndecipherableValue(f"a value of {cell.table}.{cell.column} does not open") from None

    def rotate(self, stored: bytes, cell: Cell) -> bytes:
        """The value under the current key; the very same bytes when it is there already."""
        if self.key_of(stored) == self._current:
            return stored
        return self.encrypt(self.decrypt(stored, cell), cell)

    @staticmethod
    def key_of(stored: bytes) -> str:
        """The name of the key a value is under, so that a rotation can pick the rows that need it."""
        kid = stored[2 : 2 + stored[1]] if len(stored) > 2 and stored[:1] == _FORMAT else b""  # noqa: PLR2004 - header
        if not kid or not kid.isascii():
            raise UndecipherableValue("a stored value has an unknown format")
        return kid.decode()

    def blind_index(self, kind: str, value: str) -> bytes:
        """Finds who has this value of this kind (phone, openid) without decrypting anybody: HMAC-SHA256 under a key of its own.

        Keyed, because there are only some 10^10 phone numbers and a plain hash of one is found by trying. Give it one
        spelling of each value. The index does not rotate: it must stay comparable.
        """
        return hmac.digest(self._index_key, f"{kind}\0{value}".encode(), hashlib.sha256)


def parse_key(value: str, name: str) -> bytes:
    """32 bytes from base64url or base64, padded or not. Raises `MalformedKey`, naming the key by `name` only."""
    plain = value.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise MalformedKey(f"key {name!r} is not base64url") from None
    if len(key) != _KEY_BYTES:
        raise MalformedKey(f"key {name!r} has {len(key)} bytes, needs {_KEY_BYTES}")
    return key


def parse_key_ring(value: str) -> dict[str, bytes]:
    """`name:key` pairs separated by commas. Raises `MalformedKey`."""
    ring: dict[str, bytes] = {}
    for place, pair in enumerate(filter(None, (part.strip() for part in value.split(","))), start=1):
        kid, colon, key = pair.partition(":")
        if not colon or not _KID.fullmatch(kid):
            raise MalformedKey(f"entry {place} of the key ring does not read name:key")
        if kid in ring:
            raise MalformedKey(f"the key ring names {kid!r} twice")
        ring[kid] = parse_key(key, kid)
    return ring


def sealed(contact: Mapping[str, Any], public_jwk: Mapping[str, Any]) -> str:
    """A contact only the holder of the private key can read, as compact JWE: ECDH-ES on X25519, A256GCM (RFC 8037).

    The bus and its backups see ciphertext; every seal has a fresh ephemeral key. The recipient's `kid` travels in the
    header, so its keys can rotate. Raises `MalformedKey`.
    """
    key = _x25519(public_jwk)
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "typ": "contact+jwe"}
    if isinstance(kid := public_jwk.get("kid"), str):
        header["kid"] = kid
    text = json.dumps(contact, ensure_ascii=False, separators=(",", ":"))
    return jwe.encrypt_compact(header, text, key, algorithms=_SEAL_ALGORITHMS)


def unseal(token: str, private_jwk: Mapping[str, Any]) -> dict[str, Any]:
    """The contact inside. Raises `UndecipherableValue` for another's, altered or malformed seals."""
    key = _x25519(private_jwk)
    if not key.is_private:
        raise MalformedKey("unsealing needs the private key")
    try:
        plain = jwe.decrypt_compact(token, key, algorithms=_SEAL_ALGORITHMS).plaintext
        contact = json.loads(plain or b"")
    except (JoseError, ValueError, KeyError, TypeError, InvalidTag):
        raise UndecipherableValue("a sealed contact does not open with this key") from None
    if not isinstance(contact, dict):
        raise UndecipherableValue("a sealed contact is not an object")
    return contact


def _x25519(jwk: Mapping[str, Any]) -> OKPKey:
    if jwk.get("kty") != "OKP" or jwk.get("crv") != "X25519":
        raise MalformedKey("a sealing key must be a JWK of kty OKP and crv X25519")
    try:
        return OKPKey.import_key({name: value for name, value in jwk.items() if isinstance(value, str)})
    except (JoseError, ValueError, KeyError, TypeError):
        raise MalformedKey("a sealing key is not a usable X25519 JWK") from None
