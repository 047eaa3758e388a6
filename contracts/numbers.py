"""Case numbers that catch slips of the tongue, and the look-up codes that keep strangers out."""

import hashlib
import hmac
import re
import secrets
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.errors import DomainError, FieldError

SHENZHEN = ZoneInfo("Asia/Shanghai")
SERIAL_WIDTH = 6

# Read aloud, written down by hand and typed again: 0/O, 1/I/L, U/V lose their twin for good, and of 8/B, 5/S, 2/Z the
# digit stays, so that the letter, if somebody writes it, can only mean that digit.
CODE_ALPHABET = "23456789ACDEFGHJKMNPQRTVWXY"
CODE_LENGTH = 8
_TWINS = str.maketrans("BSZ", "852")

# Spaces and hyphens of every script; middle dots and dots appear when a number is copied from a text message.
_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212\u00b7._]+")
_LONGEST_INPUT = 64


class NotACaseNumber(DomainError):
    """This is not a case number; please check it against your receipt."""

    zh = "受理编号有误，请对照受理短信或回执核对"


def case_number(serial: int, now: datetime, *, prefix: str) -> str:
    """`PS` + yymmdd in Shenzhen + serial (six digits or more) + two check digits, e.g. `PS24112400012323`.

    `serial` comes from a database sequence and grows for ever, so numbers stay unique although the day is only two
    digits of year; past 999,999 it simply becomes longer. It does tell how many cases there are: the district publishes
    that anyway, and knowing a number opens nothing, the look-up code does.

    The check is ISO/IEC 7064 MOD 97-10 over the digits. The one-digit system of the same standard, MOD 11,10, misses
    about two in a hundred swapped neighbours; with 97, a prime, no single wrong digit, no swapped neighbours and no
    swap across one digit can pass (the differences 1-9, 9-81 and 99-891 times a power of ten are never multiples).
    Only digits follow the prefix: every one of them is unmistakable on the phone.
    """
    if serial < 1:
        raise ValueError("a serial starts at 1")
    if now.tzinfo is None:
        raise ValueError("now must be aware")
    day = now.astimezone(SHENZHEN)
    body = f"{day.year % 100:02d}{day.month:02d}{day.day:02d}{serial:0{SERIAL_WIDTH}d}"
    return f"{prefix}{body}{98 - int(body) * 100 % 97:02d}"


def parse_case_number(text: str, *, prefix: str, pointer: str = "/case_no") -> str:
    """The canonical number behind what somebody typed or said.

    Spaces, hyphens, dots, lower case and full-width characters are ignored, and the prefix may be left out, as people
    do on the phone. Raises `NotACaseNumber`, pointing at `pointer`, before any database is asked.
    """
    body = _plain(text).removeprefix(prefix)
    if not re.fullmatch(rf"[0-9]{{{6 + SERIAL_WIDTH + 2},24}}", body) or int(body) % 97 != 1 or not _is_day(body[:6]):
        raise NotACaseNumber(
            fields=(
                FieldError(
                    pointer, "is not a case number: a digit is missing, wrong or swapped", "编号有缺漏、错位或错字"
                ),
            )
        )
    return prefix + body


def spaced(number: str, *, prefix: str) -> str:
    """For reading aloud and for letters: `PS 241124 000123 23`."""
    body = number.removeprefix(prefix)
    return f"{prefix} {body[:6]} {body[6:-2]} {body[-2:]}"


def new_code() -> str:
    """Eight characters only the citizen gets, about 38 bits; guessing is stopped by the rate limit, not by length."""
    # One draw for all characters: each call to the system's generator costs more than the arithmetic.
    drawn, letters = secrets.randbelow(len(CODE_ALPHABET) ** CODE_LENGTH), []
    for _ in range(CODE_LENGTH):
        drawn, letter = divmod(drawn, len(CODE_ALPHABET))
        letters.append(CODE_ALPHABET[letter])
    return "".join(letters)


def code_hash(code: str, case_no: str, key: bytes) -> bytes:
    """What the database keeps of a code: HMAC-SHA256 over number and code.

    A plain hash of 38 bits is undone in minutes by whoever steals the table; without `key` this one is not. The number
    is part of it, so equal codes look different and a row's hash is worth nothing in another row.
    """
    return hmac.digest(key, f"look-up\0{case_no}\0{_tidy_code(code)}".encode(), hashlib.sha256)


def code_matches(given: str, stored: bytes, case_no: str, key: bytes) -> bool:
    """Compared in constant time; a malformed code costs as much as a wrong one and tells as little."""
    return hmac.compare_digest(code_hash(given, case_no, key), stored)


def _tidy_code(code: str) -> str:
    return _plain(code).translate(_TWINS)


def _plain(text: str) -> str:
    # Cut first: normalising is linear, but nobody's number is longer than this and the text comes from anybody.
    # Lone surrogates would not encode; they match nothing, so they may as well be question marks.
    plain = unicodedata.normalize("NFKC", text[:_LONGEST_INPUT]).encode("utf-8", "replace").decode()
    return _SEPARATORS.sub("", plain).upper()


def _is_day(yymmdd: str) -> bool:
    try:
        datetime.strptime(yymmdd, "%y%m%d").replace(tzinfo=SHENZHEN)
    except ValueError:
        return False
    return True
