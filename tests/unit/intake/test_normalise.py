"""Whatever is typed, pasted or forged: tidy text comes out, or every fault with its pointer."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.normalise import Coordinates, Faults, TextLimits, coordinates, moment, optional_text, text
from shared.errors import InvalidInput

TITLE = TextLimits(1, 100, lines=False)
BODY = TextLimits(2, 5000)
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ANCIENT = datetime(2000, 1, 1, tzinfo=UTC)


def clean(raw, limits=BODY):
    faults = Faults()
    tidy = text(raw, "/text", limits, faults)
    faults.check()
    return tidy


def happened(raw, faults):
    return moment(raw, "/occurred_at", faults, now=NOW, earliest=ANCIENT)


def refusals(call):
    faults = Faults()
    call(faults)
    with pytest.raises(InvalidInput) as refused:
        faults.check()
    return [(each.pointer, each.detail) for each in refused.value.fields]


@pytest.mark.parametrize(
    ("raw", "tidy"),
    [
        ("  路灯不亮\r\n已三天\r ", "路灯不亮\n已三天"),
        ("　井盖破损　", "井盖破损"),
        ("\ufeff噪音\x07扰民\x7f", "噪音扰民"),
        ("一\u2028二\x0b三\x85四", "一\n二\n三\n四"),
        ("安静\u202e反转\u202c", "安静反转"),
        ("e\u0301cole", "école"),
        ("两家人👨\u200d👩\u200d👧在路边", "两家人👨\u200d👩\u200d👧在路边"),
        ("表\t格", "表\t格"),
    ],
)
def test_text_is_tidied(raw, tidy):
    assert clean(raw) == tidy


def test_a_title_is_one_line():
    assert clean(" 路灯\r\n 不亮\t了 ", TITLE) == "路灯 不亮 了"


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        ("水\0管", "NUL"),
        ("水\ud83d管", "Unicode"),
        ("\udc00", "Unicode"),
        (None, "must be a text"),
        (12345, "must be a text"),
        (["水管"], "must be a text"),
        ("", "empty"),
        (" \r\n\t　", "empty"),
        ("\u200b\u200d\u2060", "empty"),
        ("水", "at least 2"),
        ("水" * 5001, "has 5001 characters, at most 5000"),
        ("水" * 100_000, "has 100000 characters, at most 5000"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_a_bad_text_is_refused_at_its_pointer(raw, complaint):
    [(pointer, detail)] = refusals(lambda faults: text(raw, "/text", BODY, faults))
    assert pointer == "/text"
    assert complaint in detail


def test_length_is_counted_after_tidying():
    assert len(clean(" \r\n" + "e\u0301" * 5000 + "\r\n")) == 5000


def test_every_fault_is_told_at_once_in_two_languages():
    faults = Faults()
    text("", "/title", TITLE, faults)
    text("水" * 6000, "/text", BODY, faults)
    coordinates({"lat": 1, "lon": 1, "system": "gcj02"}, "/position", faults)
    happened(NOW + timedelta(days=1), faults)
    assert faults
    with pytest.raises(InvalidInput) as refused:
        faults.check()
    assert [each.pointer for each in refused.value.fields] == ["/title", "/text", "/position", "/occurred_at"]
    assert [each.zh for each in refused.value.fields] == [
        "不能为空",
        "共6000字，最多5000字",
        "位置不在受理范围内",
        "发生时间晚于当前时间",
    ]


def test_no_fault_no_error():
    faults = Faults()
    faults.check()
    assert not faults


@given(st.text(max_size=300))
def test_tidy_text_stays_as_it_is(raw):
    """INVARIANT: tidying is idempotent, and what passes is NFC, without NUL, carriage returns or space at the ends."""
    faults = Faults()
    tidy = text(raw, "/text", BODY, faults)
    if not faults:
        assert clean(tidy) == tidy
        assert unicodedata.is_normalized("NFC", tidy)
        assert not set(tidy) & set("\0\r\x1b\ufeff\u202e")
        assert tidy == tidy.strip()


@pytest.mark.parametrize("raw", [None, "", "  ", "\u200b"])
def test_nothing_said_is_nothing(raw):
    faults = Faults()
    assert optional_text(raw, "/address", BODY, faults) is None
    assert not faults


def test_an_optional_text_is_checked_like_any_other():
    assert optional_text(" 坑梓街道 ", "/address", BODY, Faults()) == "坑梓街道"
    assert refusals(lambda faults: optional_text("\0", "/address", BODY, faults))
    assert refusals(lambda faults: optional_text(5, "/address", BODY, faults))
    assert refusals(lambda faults: optional_text(" " * 100_000, "/address", BODY, faults))


@pytest.mark.parametrize(
    "raw", [NOW, NOW + timedelta(minutes=5), ANCIENT, datetime(2026, 3, 2, 16, 0, tzinfo=timezone(timedelta(hours=8)))]
)
def test_a_plausible_moment_passes_in_utc(raw):
    faults = Faults()
    instant = happened(raw, faults)
    assert not faults
    assert instant == raw
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (NOW + timedelta(minutes=5, seconds=1), "future"),
        (ANCIENT - timedelta(seconds=1), "before 2000-01-01"),
        (NOW.replace(tzinfo=None), "offset"),
        (datetime.max.replace(tzinfo=timezone(timedelta(hours=-8))), "too far"),
        (datetime.min.replace(tzinfo=timezone(timedelta(hours=8))), "too far"),
    ],
)
def test_an_implausible_moment_is_refused(raw, complaint):
    [(pointer, detail)] = refusals(lambda faults: happened(raw, faults))
    assert pointer == "/occurred_at"
    assert complaint in detail


def test_coordinates_in_china_pass():
    found = coordinates({"lat": 22.69, "lon": 114, "system": "gcj02"}, "/position", Faults())
    assert found == Coordinates(22.69, 114.0, "gcj02")


@pytest.mark.parametrize(
    ("raw", "pointers", "complaint"),
    [
        ({"lat": 114.35, "lon": 22.69, "system": "gcj02"}, ["/position"], "swapped"),
        ({"lat": 51.5, "lon": -0.1, "system": "wgs84"}, ["/position"], "outside"),
        ({"lat": "22", "lon": 114, "system": "gcj02"}, ["/position/lat"], "degrees"),
        ({"lat": True, "lon": float("nan"), "system": "gcj02"}, ["/position/lat", "/position/lon"], "degrees"),
        ({"lat": float("inf"), "lon": 10**400, "system": "gcj02"}, ["/position/lat", "/position/lon"], "degrees"),
        ({"lat": 22.69, "lon": 114.35, "system": "bd09"}, ["/position/system"], "gcj02 or wgs84"),
        ({"lat": 22.69, "lon": 114.35, "system": []}, ["/position/system"], "gcj02 or wgs84"),
        ({}, ["/position/lat", "/position/lon", "/position/system"], "degrees"),
        ([22.69, 114.35], ["/position"], "object"),
    ],
)
def test_bad_coordinates_are_refused_field_by_field(raw, pointers, complaint):
    found = refusals(lambda faults: coordinates(raw, "/position", faults))
    assert [pointer for pointer, _ in found] == pointers
    assert complaint in found[0][1]
