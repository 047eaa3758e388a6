"""Owns the second factor: time-based one-time passwords (RFC 6238 over RFC 4226) and recovery codes."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20
"""160 bits, as RFC 4226 §4 recommends."""
SKEW = 1
"""Steps a telephone's clock may be early or late (RFC 6238 §5.2)."""
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"


def new_secret() -> str:
    """Base32 without padding, as authenticators take it."""
    return base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode().rstrip("=")


def address(secret: str, *, login: str, issuer: str) -> str:
    """What the QR code holds."""
    label = quote(f"{issuer}:{login}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': issuer})}"


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP_SECONDS


def code_of(secret: str, step: int, *, digits: int = DIGITS, digest: str = "sha1") -> str:
    """The password of a step. SHA-1 is what authenticators do; nothing here depends on its collisions."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    mac = hmac.digest(key, step.to_bytes(8, "big"), digest)
    at = mac[-1] & 0x0F
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def matching_step(secret: str, code: str, *, now: datetime, used: int | None) -> int | None:
    """The step this code is of; None when it is wrong or of a step not later than the last that was `used`."""
    present = step_of(now)
    found = None
    for step in range(present - SKEW, present + SKEW + 1):
        if hmac.compare_digest(code_of(secret, step), code) and (used is None or step > used):
            found = step
    return found


def new_recovery_codes(count: int) -> list[str]:
    """Some 79 bits each, in four groups."""
    return ["-".join("".join(secrets.choice(_ALPHABET) for _ in range(4)) for _ in range(4)) for _ in range(count)]


def recovery_hash(code: str) -> str:
    """As random as they are, they need no slow hash."""
    return hashlib.sha256(code.strip().casefold().encode()).hexdigest()
