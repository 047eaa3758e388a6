"""Case numbers survive the phone, look-up codes survive a stolen table."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.numbers import (
    CODE_ALPHABET,
    CODE_LENGTH,
    NotACaseNumber,
    case_number,
    code_hash,
    code_matches,
    new_code,
    parse_case_number,
    spaced,
)

NOON = datetime(2024, 11, 24, 4, 0, tzinfo=UTC)
KEY = b"k" * 32
serials = st.integers(1, 10**9)
days = st.integers(0, 52 * 365).map(lambda passed: datetime(2016, 1, 1, tzinfo=UTC) + timedelta(days=passed))


def number(serial=123, now=NOON):
    return case_number(serial, now, prefix="PS")


def parse(text):
    return parse_case_number(text, prefix="PS")


def test_a_number_carries_the_day_the_serial_and_two_check_digits():
    assert number() == "PS24112400012323"
    assert int(number().removeprefix("PS")) % 97 == 1


def test_the_day_is_shenzhens_not_utcs():
    assert number(now=datetime(2024, 11, 24, 16, 30, tzinfo=UTC))[2:8] == "241125"


def test_a_serial_past_a_million_makes_the_number_longer_and_still_valid():
    assert parse(number(1_000_000)) == number(1_000_000)
    assert len(number(1_000_000)) == len(number(999_999)) + 1


@given(serials, days)
def test_every_number_parses_to_itself(serial, now):
    assert parse(number(serial, now)) == number(serial, now)


@given(serials, days, st.data())
def test_any_one_wrong_digit_is_caught(serial, now, data):
    """INVARIANT: no number differs from another valid one in a single digit."""
    body = list(number(serial, now)[2:])
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != body[place]]))
    with pytest.raises(NotACaseNumber):
        parse("PS" + "".join(body))


@given(serials, days, st.integers(1, 2))
def test_any_two_swapped_digits_side_by_side_or_across_one_are_caught(serial, now, apart):
    """INVARIANT: swapping neighbours, or the ends of any three digits, never gives a valid number."""
    body = number(serial, now)[2:]
    for place in range(len(body) - apart):
        swapped = list(body)
        swapped[place], swapped[place + apart] = swapped[place + apart], swapped[place]
        if "".join(swapped) != body:
            with pytest.raises(NotACaseNumber):
                parse("PS" + "".join(swapped))


@pytest.mark.parametrize(
    "spelling",
    [
        "ps24112400012323",
        "PS 241124 000123 23",
        "ps-241124-000123-23",
        "ＰＳ２４１１２４０００１２３２３",
        "24112400012323",
        " PS2411—24000123·23 ",
    ],
)
def test_a_number_is_read_however_it_is_written(spelling):
    assert parse(spelling) == "PS24112400012323"


@pytest.mark.parametrize(
    "spelling", ["", "PS", "PS2411240001232", "XX24112400012323", "PS" + "9" * 40, "١٢٣٤٥٦٧٨٩٠١٢٣٤", "\ud800", "诉求"]
)
def test_what_is_no_number_is_refused_with_a_pointer(spelling):
    with pytest.raises(NotACaseNumber) as refused:
        parse_case_number(spelling, prefix="PS", pointer="query/case_no")
    assert refused.value.fields[0].pointer == "query/case_no"


def test_a_number_with_an_impossible_date_is_refused_although_its_check_is_right():
    body = "241324000123"
    with pytest.raises(NotACaseNumber):
        parse(f"PS{body}{98 - int(body) * 100 % 97:02d}")


def test_a_number_read_aloud_comes_in_groups_and_parses_back():
    assert spaced(number(), prefix="PS") == "PS 241124 000123 23"
    assert parse(spaced(number(), prefix="PS")) == number()


def test_a_serial_starts_at_one_and_the_time_is_aware():
    with pytest.raises(ValueError, match="starts at 1"):
        number(0)
    with pytest.raises(ValueError, match="aware"):
        number(now=NOON.replace(tzinfo=None))


def test_codes_use_only_unmistakable_characters_and_do_not_repeat():
    codes = {new_code() for _ in range(500)}
    assert len(codes) == 500
    assert all(len(code) == CODE_LENGTH and set(code) <= set(CODE_ALPHABET) for code in codes)
    assert not set("01ILOUBSZ") & set(CODE_ALPHABET)


@given(st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH))
def test_a_code_matches_its_own_hash_in_any_case_and_spacing(code):
    stored = code_hash(code, "PS1", KEY)
    assert code_matches(f" {code[:4].lower()}-{code[4:]}", stored, "PS1", KEY)
    assert code_matches(code.replace("8", "b").replace("5", "S").replace("2", "Z"), stored, "PS1", KEY)


@given(*(st.text(CODE_ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH),) * 2)
def test_another_code_another_number_and_another_key_do_not_match(code, other):
    stored = code_hash(code, "PS1", KEY)
    assert code_matches(other, stored, "PS1", KEY) == (other == code)
    assert not code_matches(code, stored, "PS2", KEY)
    assert not code_matches(code, stored, "PS1", b"l" * 32)


@given(st.text(max_size=200))
def test_no_text_at_all_breaks_the_comparison(given_text):
    assert not code_matches(given_text + "?", code_hash("ACDEFGHJ", "PS1", KEY), "PS1", KEY)


def test_numbers_of_one_serial_differ_from_day_to_day():
    assert number() != number(now=NOON + timedelta(days=1))
