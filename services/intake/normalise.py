"""Text hygiene and plausibility of what citizens send: every fault is collected, then refused in one answer."""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, cast, get_args

from shared.errors import FieldError, InvalidInput

CoordinateSystem = Literal["gcj02", "wgs84"]

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Controls other than tab and newline, the byte order mark, and the bidi overrides that make a text read differently
# from what it says. Zero-width joiners stay: family emoji are made of them.
_INVISIBLE = re.compile("[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Faults:
    """Collects what is wrong with a request, field by field, so that the sender hears all of it at once."""

    def __init__(self) -> None:
        self._found: list[FieldError] = []

    def add(self, pointer: str, detail: str, zh: str) -> None:
        self._found.append(FieldError(pointer, detail, zh))

    def __bool__(self) -> bool:
        return bool(self._found)

    def check(self) -> None:
        """Raises `InvalidInput` with every fault found so far, if there is any."""
        if self._found:
            raise InvalidInput(fields=tuple(self._found))


@dataclass(frozen=True, slots=True)
class TextLimits:
    """Length in Unicode characters, counted after tidying; `lines` says whether line breaks are kept."""

    shortest: int
    longest: int
    lines: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """A rectangle in degrees."""

    south: float
    north: float
    west: float
    east: float

    def holds(self, lat: float, lon: float) -> bool:
        return self.south <= lat <= self.north and self.west <= lon <= self.east


# The outermost points of the mainland's territory incl. the southern sea; wider than any district, so that only
# nonsense is refused here. A district's own outline is a question for dispatching, not for accepting.
CHINA = Bounds(south=3.0, north=54.0, west=73.0, east=136.0)


@dataclass(frozen=True, slots=True)
class Coordinates:
    """Degrees in the system the map used: WeChat and the Chinese maps speak GCJ-02, GPS receivers WGS 84."""

    lat: float
    lon: float
    system: CoordinateSystem


def text(raw: object, pointer: str, limits: TextLimits, faults: Faults) -> str:
    """The tidy text, or "" with a fault noted.

    NFC, one kind of line break, no invisible characters, no space at the ends. NUL and lone surrogates are refused
    rather than dropped: no keyboard makes them, PostgreSQL cannot keep them, and the raw payload must be kept as it is.
    """
    if not isinstance(raw, str):
        faults.add(pointer, "must be a text", "应为文字")
        return ""
    if "\0" in raw:
        faults.add(pointer, "contains a NUL character", "含有空字符（NUL），无法受理")
        return ""
    if _SURROGATE.search(raw):
        faults.add(pointer, "is not valid Unicode: it contains half a character", "文字编码有误，含有不完整的字符")
        return ""
    # Tidying only ever shortens noticeably, so a text several times too long need not be tidied to be refused.
    tidy = raw if len(raw) > 4 * limits.longest else _tidied(raw, lines=limits.lines)
    return tidy if _fits(tidy, pointer, limits, faults) else ""


def optional_text(raw: object, pointer: str, limits: TextLimits, faults: Faults) -> str | None:
    """Like `text`, but absent, empty and only blanks all mean "nothing said"."""
    if raw is None or (isinstance(raw, str) and "\0" not in raw and len(raw) <= limits.longest and _is_blank(raw)):
        return None
    return text(raw, pointer, limits, faults)


def moment(
    raw: datetime,
    pointer: str,
    faults: Faults,
    *,
    now: datetime,
    earliest: datetime,
    leeway: timedelta = timedelta(minutes=5),
) -> datetime:
    """When it happened, in UTC: aware, not before `earliest`, not after `now` beyond what a phone's clock is off."""
    if raw.tzinfo is None or raw.utcoffset() is None:
        faults.add(pointer, "must say its offset from UTC", "时间须注明时区")
        return now
    try:
        instant = raw.astimezone(UTC)
    except OverflowError:  # the first hours of year 1 and the last of year 9999
        faults.add(pointer, "is too far from today", "时间超出范围")
        return now
    if instant > now + leeway:
        faults.add(pointer, "lies in the future", "发生时间晚于当前时间")
    elif instant < earliest:
        faults.add(pointer, f"lies before {earliest:%Y-%m-%d}", f"发生时间早于{earliest:%Y年%m月%d日}")
    return instant


def coordinates(raw: object, pointer: str, faults: Faults, *, bounds: Bounds = CHINA) -> Coordinates | None:
    """`{"lat": …, "lon": …, "system": "gcj02" | "wgs84"}`, or None with a fault noted."""
    if not isinstance(raw, Mapping):
        faults.add(pointer, "must be an object with lat, lon and system", "位置应包含纬度、经度和坐标系")
        return None
    lat, lon, system = _degrees(raw.get("lat")), _degrees(raw.get("lon")), raw.get("system")
    ok = True
    for name, value, zh in (("lat", lat, "纬度"), ("lon", lon, "经度")):
        if value is None:
            faults.add(f"{pointer}/{name}", "must be a number of degrees", f"{zh}应为数字")
            ok = False
    if system not in get_args(CoordinateSystem):
        faults.add(f"{pointer}/system", "must be gcj02 or wgs84", "坐标系应为 gcj02 或 wgs84")
        ok = False
    if not ok or lat is None or lon is None:
        return None
    if not bounds.holds(lat, lon):
        if bounds.holds(lon, lat):
            faults.add(pointer, "latitude and longitude seem to be swapped", "经度与纬度似乎写反了")
        else:
            faults.add(pointer, "lies outside the area served", "位置不在受理范围内")
        return None
    return Coordinates(lat, lon, cast("CoordinateSystem", system))


def _tidied(raw: str, *, lines: bool) -> str:
    tidy = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", raw)))
    return tidy.strip() if lines else " ".join(tidy.split())


def _fits(tidy: str, pointer: str, limits: TextLimits, faults: Faults) -> bool:
    if len(tidy) > limits.longest:
        faults.add(
            pointer,
            f"has {len(tidy)} characters, at most {limits.longest} are allowed",
            f"共{len(tidy)}字，最多{limits.longest}字",
        )
    elif _is_blank(tidy):
        faults.add(pointer, "must not be empty", "不能为空")
    elif len(tidy) < limits.shortest:
        faults.add(pointer, f"must have at least {limits.shortest} characters", f"至少填写{limits.shortest}个字")
    else:
        return True
    return False


def _is_blank(value: str) -> bool:
    """Nothing but separators and invisible characters: zero-width spaces do not make a request."""
    return all(unicodedata.category(char)[0] in "ZC" for char in value)


def _degrees(value: object) -> float | None:
    # JSON's true is an int to Python, and NaN compares false with everything.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        degrees = float(value)
    except OverflowError:
        return None
    return degrees if math.isfinite(degrees) else None
