"""Phones have one spelling, and are shown only in part."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.phones import NotAPhoneNumber, mask_name, mask_phone, normalise_phone


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("138 1234 5678", "13812345678"),
        ("+8619912345678", "19912345678"),
        ("0755-2888 8888", "075528888888"),
        ("（0755）28888888", "075528888888"),
        ("+86 755 2888 8888", "075528888888"),
        ("+86 10 6655 4433", "01066554433"),
        ("010-66554433", "01066554433"),
        ("0663-8234567", "06638234567"),
        ("400-830-1234", "4008301234"),
        ("800 830 1234", "8008301234"),
    ],
)
def test_phones_are_normalised(raw, plain):
    assert normalise_phone(raw) == plain
    assert normalise_phone(plain) == plain


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "12345",
        "12812345678",
        "1381234567",
        "138123456789",
        "28888888",
        "0755-1888888",
        "0755-2888888",
        "+1 202 555 0100",
        "无",
        "138１２３４567\0",
        "1" * 10_000,
        "13812345678 转 2",
        "+8612812345678",
        "４００",
    ],
    ids=lambda each: each[:20],
)
def test_what_is_no_phone_is_refused_at_its_pointer_without_being_quoted(raw):
    with pytest.raises(NotAPhoneNumber) as refused:
        normalise_phone(raw, "/caller/phone")
    assert refused.value.fields[0].pointer == "/caller/phone"
    assert len(raw) < 3 or raw not in f"{refused.value}{refused.value.fields[0].detail}"


@given(st.text(max_size=60))
def test_a_phone_is_normalised_or_refused_but_nothing_else(raw):
    with contextlib.suppress(NotAPhoneNumber):
        assert normalise_phone(raw).isdigit()


@pytest.mark.parametrize(
    ("phone", "masked"),
    [
        ("13812345678", "138****5678"),
        ("075528881234", "0755****1234"),
        ("01066554433", "010****4433"),
        ("06638234567", "0663****567"),
        ("4008301234", "400****234"),
        ("不详", "****"),
    ],
)
def test_phones_are_masked(phone, masked):
    assert mask_phone(phone) == masked


@pytest.mark.parametrize(
    ("name", "masked"), [("张三", "张*"), ("欧阳修远", "欧*"), (" 李 ", "李*"), ("", ""), ("  ", "")]
)
def test_names_are_masked_to_one_character_and_hide_their_length(name, masked):
    assert mask_name(name) == masked


def test_every_spelling_of_a_phone_is_one():
    spellings = ["13812345678", "+86 138-1234-5678", "0086 13812345678", "１３８１２３４５６７８", "8613812345678"]
    assert len({normalise_phone(each) for each in spellings}) == 1
