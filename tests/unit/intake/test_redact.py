"""What reaches or names a person leaves the text; everything else stays as it was written."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.redact import ACCOUNT, IDENTITY, MAIL, PHONE, WECHAT, redact


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("电话13812345678，谢谢", f"电话{PHONE}，谢谢"),
        ("请打 138 1234 5678 找我", f"请打 {PHONE} 找我"),
        ("138-1234-5678", PHONE),
        ("+86 13812345678", PHONE),
        ("Tel13812345678abc", f"Tel{PHONE}abc"),
        ("１３８１２３４５６７８打给我", f"{PHONE}打给我"),
        ("座机0755-28881234", f"座机{PHONE}"),
        ("座机（0755）28881234转8", f"座机{PHONE}转8"),
        ("拨28881234", f"拨{PHONE}"),
        ("拨400-830-1234", f"拨{PHONE}"),
        ("13812345678 13912345678", f"{PHONE} {PHONE}"),
        ("138 1234 5678 13912345678", f"{PHONE} {PHONE}"),
        ("身份证440307199003072316", f"身份证{IDENTITY}"),
        ("身份证44030719900307231X。", f"身份证{IDENTITY}。"),
        ("老身份证440307900307231", f"老身份证{IDENTITY}"),
        ("卡号6222 0213 0600 1234 567", f"卡号{ACCOUNT}"),
        ("卡号6222021306001234567", f"卡号{ACCOUNT}"),
        ("1381234567813912345678", ACCOUNT),
        ("邮箱 li.si@example.com.cn 收", f"邮箱 {MAIL} 收"),
        ("邮箱li＠example．com", f"邮箱{MAIL}"),
        ("微信号：lisi_1990，加我", f"微信号：{WECHAT}，加我"),
        ("加我微信 lisi1990", f"加我微信 {WECHAT}"),
        ("vx: abcdef12", f"vx: {WECHAT}"),
        ("QQ 12345678", f"QQ {WECHAT}"),
        ("微信是13812345678", f"微信是{WECHAT}"),
    ],
)
def test_numbers_that_reach_a_person_are_replaced_by_what_they_are(text, redacted):
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "路灯不亮",
        "２０２６年３月２日，第３栋 12 楼 1203 室",
        "受理编号PS24112400012373",
        "受理编号 PS 241124 000123 73",
        "20241124 上午",
        "拖欠工资 35000.50 元",
        "坐标 22.690123456, 114.345678901",
        "粤B12345 违停",
        "拨打 12345 无人接听",
        "微信小程序打不开，QQ 群里没人",
        "在微信公众号留言",
        "G4 高速 K1203+500",
        "@坪山 没有回复",
    ],
)
def test_other_numbers_and_words_stay(text):
    assert redact(text) == text


@given(st.text(alphabet="0123456789 -()+Xx.@微信vx号，aA０１", max_size=60))
def test_redacting_twice_changes_nothing_more(text):
    assert redact(redact(text)) == redact(text)


@given(
    st.text(max_size=30), st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.text(alphabet="，。的了 ", max_size=9)
)
def test_no_mobile_number_survives_whatever_stands_around_it(before, phone, after):
    """INVARIANT: breaks when a number is judged by its neighbours instead of by itself."""
    assert phone not in redact(f"{before}，{phone}{after}")


def test_a_long_run_of_digits_costs_little():
    assert redact("1 " * 20_000)
    assert not re.search(r"[0-9]{20}", redact("9" * 20_000))
