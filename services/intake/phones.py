"""Telephone numbers: one spelling for each, and only part of it shown."""

import re
import unicodedata

from shared.errors import DomainError, FieldError

# The national numbering plan as far as a call-back needs it: mobiles are eleven digits from 13 to 19; area codes are
# 010 and 02x (eight-digit numbers) or 03xx-09xx (seven or eight, Shenzhen's 0755 has eight); 400 and 800 have ten.
_MOBILE = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LANDLINE = re.compile(r"(0(?:10|2\d)[2-9]\d{7}|0755[2-9]\d{7}|0(?!755)[3-9]\d{2}[2-9]\d{6,7})", re.ASCII)
_SERVICE = re.compile(r"[48]00\d{7}", re.ASCII)
_PHONE_SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u2212()\u00b7.]+")
_LONGEST_PHONE = 40


class NotAPhoneNumber(DomainError):
    """This is not a phone number one can call back in mainland China."""

    zh = "联系电话有误，请填写手机号码或带区号的固定电话"


def normalise_phone(raw: str, pointer: str = "/phone") -> str:
    """Digits only: `13812345678`, `075512345678`, `4001234567`.

    Accepts +86, 0086 or 86 in front, spaces, hyphens, brackets and full-width characters. Raises `NotAPhoneNumber`
    at `pointer`; the number itself is never part of the error.
    """
    plain = _PHONE_SEPARATORS.sub("", unicodedata.normalize("NFKC", raw[:_LONGEST_PHONE]))
    if len(raw) > _LONGEST_PHONE:
        plain = ""
    national = re.sub(r"^(\+86|0086|86(?=1\d{10}$))", "", plain)
    if national != plain and re.fullmatch(r"[1-9]\d{8,11}", national, re.ASCII) and not _is_phone(national):
        national = "0" + national  # abroad, one dials Shenzhen as +86 755 …
    if not _is_phone(national):
        raise NotAPhoneNumber(
            fields=(
                FieldError(
                    pointer,
                    "must be a mainland mobile number, a landline with its area code, or a 400/800 number",
                    "应为11位手机号码、带区号的固定电话或400/800号码",
                ),
            )
        )
    return national


def mask_phone(phone: str) -> str:
    """`138****5678`, `0755****5678`, `400****567`: enough to recognise one's own, too little to call somebody."""
    if _LANDLINE.fullmatch(phone):
        area, local = (phone[:3], phone[3:]) if phone[1] in "12" else (phone[:4], phone[4:])
        return f"{area}****{local[4:]}"
    if _SERVICE.fullmatch(phone):
        return f"{phone[:3]}****{phone[-3:]}"
    return f"{phone[:3]}****{phone[-4:]}" if _MOBILE.fullmatch(phone) else "****"


def mask_name(name: str) -> str:
    """`张*`: the first character and one star, however long the name is."""
    return f"{name.strip()[:1]}*" if name.strip() else ""


def _is_phone(digits: str) -> bool:
    return any(pattern.fullmatch(digits) for pattern in (_MOBILE, _LANDLINE, _SERVICE))
