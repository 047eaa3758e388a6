"""The secrets departments' messages are signed with: made, kept encrypted, and put under a message (Standard Webhooks)."""

import os
import secrets
from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy import RowMapping, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from standardwebhooks import Webhook

from services.router.tables import webhooks
from shared.vault import Cell, Vault, parse_key_ring

PREFIX = "whsec_"
COLUMNS = ("secret", "old_secret")


def new_secret() -> str:
    """As Standard Webhooks writes them: 24 to 64 random bytes, base64, `whsec_` before."""
    return PREFIX + b64encode(secrets.token_bytes(32)).decode()


class Keyring:
    """Keeps secrets encrypted, each bound to its webhook's row: a stolen backup signs nothing."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault

    @classmethod
    def of(cls, ring: str, *, current: str) -> Self:
        """Raises `MalformedKey`. Nothing is looked up by its value, so the vault's index key may be any."""
        return cls(Vault(parse_key_ring(ring), current=current, index_key=os.urandom(32)))

    def seal(self, secret: str, webhook_id: UUID, column: str = "secret") -> bytes:
        return self.vault.encrypt(secret, Cell("webhooks", column, webhook_id))

    def open(self, row: RowMapping, column: str = "secret") -> str:
        """The secret in the clear. Raises `UndecipherableValue`."""
        return self.vault.decrypt(bytes(row[column]), Cell("webhooks", column, row["webhook_id"]))

    def valid(self, row: RowMapping, *, now: datetime) -> list[str]:
        """What a message is signed with now: the secret, and until its time is over the one it replaced."""
        keys = [self.open(row)]
        if row["old_secret"] is not None and row["old_secret_until"] > now:
            keys.append(self.open(row, "old_secret"))
        return keys

    def renewed(self, row: RowMapping, column: str) -> bytes:
        """The stored value under the current key; one from before there were keys is encrypted."""
        stored = bytes(row[column])
        if stored.startswith(PREFIX.encode()):
            return self.seal(stored.decode(), row["webhook_id"], column)
        return self.vault.rotate(stored, Cell("webhooks", column, row["webhook_id"]))


async def renew(connection: AsyncConnection, keyring: Keyring) -> int:
    """Bring every secret under the current key; answers how many rows changed. Harmless when repeated."""
    changed = 0
    for row in (await connection.execute(select(webhooks).with_for_update())).mappings().all():
        values: dict[str, Any] = {name: keyring.renewed(row, name) for name in COLUMNS if row[name] is not None}
        if any(values[name] != bytes(row[name]) for name in values):
            await connection.execute(update(webhooks).where(webhooks.c.webhook_id == row["webhook_id"]).values(values))
            changed += 1
    return changed


def headers(message_id: UUID, body: str, keys: Sequence[str], *, at: datetime) -> dict[str, str]:
    """One signature for every valid secret, so that a secret can be replaced without losing a message."""
    signatures = [Webhook(key).sign(str(message_id), at, body) for key in keys]
    return {
        "content-type": "application/json",
        "user-agent": "huying-webhooks/1",
        "webhook-id": str(message_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
