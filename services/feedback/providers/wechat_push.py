"""Messages WeChat pushes to a server: signatures, AES mode and XML (developers.weixin.qq.com, "消息加解密说明").

Plain mode signs token, timestamp and nonce with SHA-1; safe mode carries `<Encrypt>`, AES-256-CBC with PKCS#7 to 32
bytes, the IV being the first half of the key, over 16 random bytes, length (big-endian), message and appid, and signs
these four with the ciphertext. Compatible mode carries both; the encrypted one is believed.
"""

import base64
import hashlib
import hmac
import os
import struct
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from shared.errors import DomainError, Forbidden

_BLOCK, _NOISE, _LENGTH = 32, 16, 4
LONGEST = 64 * 1024


class NotFromWeChat(Forbidden):
    """The signature is not WeChat's."""

    zh = "签名校验失败"


class UnreadablePush(DomainError):
    """This is not a message of WeChat's."""

    zh = "消息内容无法解读"


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts: WeChat's choice, and a keyed one only because the token is among them."""
    return hashlib.sha1("".join(sorted(parts)).encode(), usedforsecurity=False).hexdigest()


def fields_of(xml: bytes) -> dict[str, str]:
    """The elements that hold text, whatever they are wrapped in. Raises `UnreadablePush`."""
    if len(xml) > LONGEST or b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise UnreadablePush
    try:
        root = ET.fromstring(xml)  # noqa: S314  no document type, so no entity to expand
    except ET.ParseError:
        raise UnreadablePush from None
    return {element.tag: element.text or "" for element in root.iter() if not len(element) and element is not root}


def written(**fields: str | int) -> str:
    """An answer as WeChat reads it."""
    inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
    return f"<xml>{inside}</xml>"


class Envelope:
    """Opens and closes what WeChat pushes, by the token and the key set in its console."""

    def __init__(self, *, token: str, aes_key: str, appid: str) -> None:
        """`aes_key` is the EncodingAESKey, 43 characters; empty when the plain mode is set. Raises `ValueError`."""
        self._token, self._appid = token, appid
        self._key = base64.b64decode(aes_key + "=") if aes_key else b""
        if self._key and len(self._key) != 32:  # noqa: PLR2004  AES-256
            raise ValueError("an EncodingAESKey has 43 characters")

    def check(self, given: str, timestamp: str, nonce: str, *encrypted: str) -> None:
        """Raises `NotFromWeChat`."""
        if not hmac.compare_digest(signature(self._token, timestamp, nonce, *encrypted), given):
            raise NotFromWeChat

    def opened(self, body: bytes, query: dict[str, str]) -> tuple[dict[str, str], bool]:
        """The message and whether it was encrypted, its signature checked. Raises `NotFromWeChat` or `UnreadablePush`."""
        fields = fields_of(body)
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        encrypted = fields.get("Encrypt", "")
        if encrypted and self._key:
            self.check(query.get("msg_signature", ""), timestamp, nonce, encrypted)
            return fields_of(self.decrypted(encrypted)), True
        if self._key:
            raise NotFromWeChat  # with a key set nothing unencrypted is believed
        self.check(query.get("signature", ""), timestamp, nonce)
        return fields, False

    def closed(self, xml: str, *, timestamp: str, nonce: str) -> str:
        """An answer in safe mode."""
        encrypted = self.encrypted(xml.encode())
        return written(
            Encrypt=encrypted,
            MsgSignature=signature(self._token, timestamp, nonce, encrypted),
            TimeStamp=timestamp,
            Nonce=nonce,
        )

    def encrypted(self, message: bytes) -> str:
        plain = os.urandom(_NOISE) + struct.pack(">I", len(message)) + message + self._appid.encode()
        pad = _BLOCK - len(plain) % _BLOCK
        cipher = self._cipher().encryptor()
        return base64.b64encode(cipher.update(plain + bytes([pad]) * pad) + cipher.finalize()).decode()

    def decrypted(self, encrypted: str) -> bytes:
        """Raises `UnreadablePush`, also for a message meant for another app."""
        try:
            cipher = self._cipher().decryptor()
            padded = cipher.update(base64.b64decode(encrypted, validate=True)) + cipher.finalize()
            plain = padded[: -padded[-1]]
            (length,) = struct.unpack(">I", plain[_NOISE : _NOISE + _LENGTH])
        except (ValueError, IndexError, struct.error):
            raise UnreadablePush from None
        message = plain[_NOISE + _LENGTH : _NOISE + _LENGTH + length]
        if plain[_NOISE + _LENGTH + length :] != self._appid.encode():
            raise UnreadablePush
        return message

    def _cipher(self) -> "Cipher[CBC]":
        return Cipher(AES(self._key), CBC(self._key[:16]))
