"""Takes numbers that name or reach a person out of free text, before the text leaves the register."""

import re
import unicodedata

PHONE, IDENTITY, ACCOUNT, MAIL, WECHAT = "〔电话〕", "〔证件号〕", "〔银行卡号〕", "〔邮箱〕", "〔微信号〕"
"""What a reader sees instead: they know that something was there, and where to ask for it."""

_ACCOUNT_WORD = re.compile(r"微信|[vV][xX]|[wW][xX]|[wW]e[cC]hat|加[vV]|[qQ]{2}")
_MAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,4}")
# A name of their own that people give after the word for WeChat or QQ; WeChat's own rule is 6 to 20 characters that
# begin with a letter, QQ numbers have 5 to 11 digits.
_WECHAT = re.compile(
    r"(微信号?|[wW]e[cC]hat|[vV][xX]|[wW][xX]|加[vV]|[qQ]{2}号?)(\s*(?:号码?|是|为|ID|id|[:：=])*\s*)"
    r"([A-Za-z][A-Za-z0-9_\-]{5,19}|[0-9]{5,11})(?![A-Za-z0-9_])"
)
# Digits as people write them, in groups or not. A decimal point before them makes them a fraction, such as a position.
_RUN = re.compile(r"(?<![0-9.])(?:\+86[\s\-]?)?\(?[0-9](?:[\s\-()]{0,2}[0-9]){6,}[Xx]?")
_SHORTEST = 5
"""Characters of the shortest number that is replaced, a QQ number."""
_GROUP = re.compile(r"[0-9]+[Xx]?")
_MOST_GROUPS = 8
_MOBILE = re.compile(r"(?:86)?1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"(?:86)?0[1-9][0-9]{8,10}|[48]00[0-9]{7}|[2-9][0-9]{7}")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(rf"(?:19|20)[0-9]{{2}}{_DAY}")
# GB 11643: area, birthday, order, check character; the fifteen-digit numbers of before 1999 are still on old papers.
_IDENTITY = re.compile(rf"[1-9][0-9]{{5}}(?:19|20)[0-9]{{2}}{_DAY}[0-9]{{3}}[0-9Xx]|[1-9][0-9]{{7}}{_DAY}[0-9]{{3}}")
# ISO/IEC 7812 allows 19 digits; a longer run without a gap is two numbers, or one that no reader needs.
_ACCOUNT = re.compile(r"[1-9][0-9]{15,18}")
_LONGEST = 19


def redact(text: str) -> str:
    """The text with phone, identity-card, bank-card, mail and WeChat numbers replaced by what they are.

    In doubt it replaces: the original stays in the register for who may see it, while an event outlives a deletion
    (个人信息保护法 §47). Names and addresses in prose are not recognised; whoever publishes a text writes it anew.
    """
    narrow = plain = _narrow(text)
    if len(narrow.encode("ascii", "ignore")) < _SHORTEST:  # most texts end here
        return text
    if "@" in plain:
        plain = _MAIL.sub(MAIL, plain)
    if _ACCOUNT_WORD.search(plain):
        plain = _WECHAT.sub(rf"\1\2{WECHAT}", plain)
    plain = _RUN.sub(_replaced, plain)
    # What was not touched comes back as it was written, full-width digits and all.
    return text if plain == narrow else plain


def _narrow(text: str) -> str:
    """Full-width digits and letters are what a Chinese keyboard types; they must not be a way around."""
    return text if text.isascii() or not _WIDE.search(text) else _WIDE.sub(_half, text)


_WIDE = re.compile(r"[０-９Ａ-Ｚａ-ｚ＠．－＋（）]")


def _half(wide: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", wide[0])


def _replaced(run: re.Match[str]) -> str:
    """Numbers behind one another look like one run: from each group of digits on, the longest known number is taken."""
    groups = list(_GROUP.finditer(run[0]))
    out, at, first = [], 0, 0
    while first < len(groups):
        for last in range(min(len(groups), first + _MOST_GROUPS), first, -1):
            digits = "".join(group[0] for group in groups[first:last])
            kind = _kind(digits) if last > first + 1 else _kind_alone(digits)
            if kind is not None:
                start = groups[first].start()
                if start and run[0][start - 1] in "+(":
                    start -= 1
                out += [run[0][at:start], kind]
                at = groups[last - 1].end()
                first = last
                break
        else:
            first += 1
    return "".join((*out, run[0][at:]))


def _kind(digits: str) -> str | None:
    if _IDENTITY.fullmatch(digits):
        return IDENTITY
    if _MOBILE.fullmatch(digits) or (_LANDLINE.fullmatch(digits) and not _DATE.fullmatch(digits)):
        return PHONE
    return ACCOUNT if _ACCOUNT.fullmatch(digits) else None


def _kind_alone(digits: str) -> str | None:
    return ACCOUNT if len(digits) > _LONGEST else _kind(digits)
