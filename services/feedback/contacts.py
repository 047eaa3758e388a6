"""Contact points: unsealed as they arrive, encrypted where they rest, opened only to send a notice."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

from services.feedback.domain.notice import Channel
from shared.errors import DomainError
from shared.vault import Cell, UndecipherableValue, Vault, parse_key_ring, unseal

_POINTS: Mapping[Channel, str] = {"wechat": "openid", "sms": "phone", "mail": "mail", "phone": "phone"}


class UnreadableContact(DomainError):
    """A sealed contact point does not open with our key, or holds something else."""

    zh = "联系方式无法解读"


@dataclass(frozen=True, slots=True)
class Contact:
    phone: str | None = None
    openid: str | None = None
    mail: str | None = None

    def point(self, channel: Channel) -> str | None:
        value: str | None = getattr(self, _POINTS[channel], None) if channel in _POINTS else None
        return value or None

    def channels(self) -> frozenset[Channel]:
        return frozenset(channel for channel in _POINTS if self.point(channel))


def masked(channel: Channel, point: str) -> str:
    """`138****5678`, `o6_b****`, `li***@example.org`: enough to recognise one's own, too little to use."""
    if channel == "mail":
        name, _, domain = point.partition("@")
        return f"{name[:2]}***@{domain}"
    if channel in ("sms", "phone"):
        return f"{point[:3]}****{point[-4:]}"
    return f"{point[:4]}****"


class ContactBox:
    """Opens seals with the private key, and keeps contacts in a vault, each bound to its citizen's row."""

    def __init__(self, private_jwk: Mapping[str, Any], vault: Vault) -> None:
        self._private, self._vault = private_jwk, vault

    @classmethod
    def from_settings(cls, private_jwk: str, ring: str, *, current: str) -> Self:
        """Raises `MalformedKey`."""
        # Nobody is found by their contact point here, so the index key is thrown away.
        return cls(json.loads(private_jwk), Vault(parse_key_ring(ring), current=current, index_key=os.urandom(32)))

    def unseal(self, sealed: str) -> Contact:
        """Raises `UnreadableContact`, which quotes nothing."""
        try:
            return _contact(unseal(sealed, self._private))
        except (UndecipherableValue, TypeError):
            raise UnreadableContact from None

    def shut(self, contact: Contact, citizen_id: UUID) -> bytes:
        text = json.dumps({"phone": contact.phone, "openid": contact.openid, "mail": contact.mail})
        return self._vault.encrypt(text, Cell("contacts", "data", citizen_id))

    def open(self, stored: bytes, citizen_id: UUID) -> Contact:
        """Raises `UnreadableContact`."""
        try:
            return _contact(json.loads(self._vault.decrypt(stored, Cell("contacts", "data", citizen_id))))
        except (UndecipherableValue, ValueError, TypeError):
            raise UnreadableContact from None


def _contact(body: Any) -> Contact:
    if not isinstance(body, dict):
        raise TypeError("a contact is an object")
    points = {key: body.get(key) for key in ("phone", "openid", "mail")}
    if any(value is not None and not isinstance(value, str) for value in points.values()):
        raise TypeError("a contact point is a text")
    return Contact(**points)
