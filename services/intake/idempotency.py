"""Repeated requests: the same key with the same body gets its first answer again, with another body a refusal."""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.intake.domain import IdempotencyKeyReused
from shared.errors import DomainError, FieldError
from shared.vault import Cell, Vault

_LONGEST = 128


class MalformedIdempotencyKey(DomainError):
    """An Idempotency-Key is 8 to 128 printable ASCII characters, new for every request."""

    zh = "请求标识（Idempotency-Key）应为8至128个可打印的ASCII字符"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request claims: its key, hashed with who sent it, and what it said under that key."""

    scope: bytes
    body_hash: bytes

    @classmethod
    def of(cls, header: str | None, *, sender: str, body: bytes, secret: bytes) -> "Claim | None":
        """None without a header. Keyed hashes: a plain one of a short body is undone by trying phone numbers."""
        if header is None:
            return None
        if not 8 <= len(header) <= _LONGEST or not header.isascii() or not header.isprintable():  # noqa: PLR2004
            fields = (FieldError("header/Idempotency-Key", "is malformed", "格式不正确"),)
            raise MalformedIdempotencyKey(fields=fields)
        return cls(
            scope=_keyed(f"claim\0{sender}\0{header}".encode(), secret),
            body_hash=_keyed(b"body\0" + body, secret),
        )


def _keyed(text: bytes, secret: bytes) -> bytes:
    # BLAKE2 is keyed by design and a third of HMAC's price, which every submission pays twice.
    return hashlib.blake2b(text, key=secret, digest_size=32).digest()


def canonical(body: bytes) -> bytes:
    """The same JSON in other spacing or order is the same request."""
    return orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)


def answer_cell(resource_id: UUID) -> Cell:
    return Cell("idempotency_keys", "answer", resource_id)


def replayed(claim: Claim, row: Any, vault: Vault) -> bytes:
    """The first answer, byte for byte; raises `IdempotencyKeyReused`. `row`: body_hash, resource_id, answer."""
    if not hmac.compare_digest(bytes(row["body_hash"]), claim.body_hash):
        raise IdempotencyKeyReused
    return vault.decrypt(bytes(row["answer"]), answer_cell(row["resource_id"])).encode()
