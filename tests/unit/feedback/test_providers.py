"""Signatures against the providers' published examples, WeChat's envelopes, text message lengths, what a chat asks."""

import base64
import struct
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from contracts.numbers import spaced
from services.feedback import catalogue
from services.feedback.chat import Asked, read
from services.feedback.domain.composing import UnfitField, compose, segments
from services.feedback.providers import aliyun, gateway, tencent
from services.feedback.providers.mail import ReplyAddress
from services.feedback.providers.wechat_push import (
    Envelope,
    NotFromWeChat,
    UnreadablePush,
    fields_of,
    signature,
    written,
)
from tests.unit.feedback.said import CODE, number

AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
APPID = "wx0123456789abcdef"
RULES = catalogue.notice_rules()


def test_alibabas_published_request_has_its_published_signature() -> None:
    parameters = {
        "AccessKeyId": "testId",
        "Action": "SendSms",
        "Format": "XML",
        "OutId": "123",
        "PhoneNumbers": "15300000001",
        "RegionId": "cn-hangzhou",
        "SignName": "阿里云短信测试专用",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466",
        "SignatureVersion": "1.0",
        "TemplateCode": "SMS_71390007",
        "TemplateParam": '{"customer":"test"}',
        "Timestamp": "2017-07-12T02:42:19Z",
        "Version": "2017-05-25",
    }
    assert aliyun.signed(parameters, "testSecret", method="GET") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="


def test_tencents_published_request_has_its_published_signature() -> None:
    body = b'{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}'
    made = tencent.authorization(
        body,
        {"content-type": "application/json; charset=utf-8", "host": "cvm.tencentcloudapi.com"},
        key_id="AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
        secret="Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
        service="cvm",
        at=datetime.fromtimestamp(1551113065, UTC),
    )
    assert made.endswith("Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")
    assert "Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request" in made


def test_a_gateways_report_is_believed_only_when_signed_lately() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    stamp = int(at.timestamp())
    headers = {
        "webhook-id": "1",
        "webhook-timestamp": str(stamp),
        "webhook-signature": f"v1,old {gateway.signature('s', '1', stamp, b'[]')}",
    }
    assert gateway.genuine("s", headers, b"[]", at=at)
    assert not gateway.genuine("t", headers, b"[]", at=at)
    assert not gateway.genuine("s", headers, b"[1]", at=at)
    assert not gateway.genuine("s", headers, b"[]", at=datetime(2026, 11, 25, tzinfo=UTC))


def sealed_by_hand(message: bytes, appid: str = APPID) -> str:
    """What WeChat's server would send, put together here from its description."""
    key = base64.b64decode(AES_KEY + "=")
    plain = b"0123456789abcdef" + struct.pack(">I", len(message)) + message + appid.encode()
    pad = 32 - len(plain) % 32
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([pad] * pad)) + cipher.finalize()).decode()


ENVELOPE = Envelope(token="spamtest", aes_key=AES_KEY, appid=APPID)


def pushed(encrypted: str) -> tuple[bytes, dict[str, str]]:
    query = {"timestamp": "1409735669", "nonce": "1320562132"}
    query["msg_signature"] = signature("spamtest", *query.values(), encrypted)
    return written(ToUserName="gh_1", Encrypt=encrypted).encode(), query


def test_a_signature_is_sha1_over_the_sorted_parts() -> None:
    # Of `123abctoken`, as sha1sum says.
    assert signature("token", "abc", "123") == "84501b652458690801074dc0b44e9822dfb63245"


def test_an_encrypted_message_is_opened_and_its_answer_is_readable_to_wechat() -> None:
    inner = written(FromUserName="oUser", Content="你好 <&>").encode()
    fields, encrypted = ENVELOPE.opened(*pushed(sealed_by_hand(inner)))
    assert (fields["Content"], encrypted) == ("你好 <&>", True)
    answer = fields_of(ENVELOPE.closed("<xml><a>1</a></xml>", timestamp="1", nonce="2").encode())
    assert answer["MsgSignature"] == signature("spamtest", "1", "2", answer["Encrypt"])
    assert ENVELOPE.decrypted(answer["Encrypt"]) == b"<xml><a>1</a></xml>"


def test_a_forged_or_foreign_message_is_not_opened() -> None:
    body, query = pushed(sealed_by_hand(b"<xml/>"))
    with pytest.raises(NotFromWeChat):
        ENVELOPE.opened(body, {**query, "msg_signature": "0" * 40})
    with pytest.raises(NotFromWeChat):
        ENVELOPE.opened(b"<xml><Content>plain</Content></xml>", query)
    with pytest.raises(UnreadablePush):
        ENVELOPE.opened(*pushed(sealed_by_hand(b"<xml/>", appid="wxanother")))
    with pytest.raises(UnreadablePush):
        fields_of(b'<!DOCTYPE x [<!ENTITY a "b">]><xml>&a;</xml>')


@given(st.binary(max_size=200))
def test_whatever_is_encrypted_comes_back(message: bytes) -> None:
    assert ENVELOPE.decrypted(ENVELOPE.encrypted(message)) == message


@given(st.text(max_size=80))
def test_nothing_a_stranger_encodes_breaks_the_opening(text: str) -> None:
    body, query = pushed(base64.b64encode(text.encode()).decode())
    with pytest.raises((UnreadablePush, NotFromWeChat)):
        ENVELOPE.opened(body, query)


@pytest.mark.parametrize(("length", "parts"), [(0, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)])
def test_a_text_message_has_seventy_characters_and_then_sixty_seven_each(length: int, parts: int) -> None:
    assert segments("字" * length) == parts


def test_a_character_outside_the_first_plane_counts_twice() -> None:
    assert (segments("字" * 68 + "𠮷"), segments("字" * 69 + "𠮷")) == (1, 2)


def test_a_field_wechat_would_refuse_is_found_before_it_is_sent() -> None:
    named = {"case_no": "PS1", "category": "暴露垃圾", "due": "规定时限", "due_time": "下周", "unit": "", "round": "1"}
    with pytest.raises(UnfitField):
        compose(RULES, "accepted", "wechat", named)
    fields = compose(RULES, "accepted", "wechat", {**named, "due_time": "2026年11月30日 18:00"}).fields
    assert fields["phrase3"] == "已受理"


def test_the_parameters_of_a_text_message_stand_in_the_order_of_its_text() -> None:
    sms = compose(RULES, "replied", "sms", {"unit": "某局" * 30, "case_no": "PS1"})
    assert list(sms.parameters) == ["case_no", "unit"]
    assert len(sms.parameters["unit"]) == RULES.limits["sms_parameter"]
    assert sms.segments == segments(sms.body)


CASE_NO = number()


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (f"{CASE_NO} {CODE}", Asked(CASE_NO, CODE)),
        (f"编号{CASE_NO}，查询码{CODE[:4]}-{CODE[4:]}", Asked(CASE_NO, CODE)),
        (f"{spaced(CASE_NO, prefix='PS')} {CODE}", Asked(CASE_NO[2:], CODE)),
        (f"{CODE} {CASE_NO.lower()}", Asked(CASE_NO, CODE)),
        (f"{CASE_NO[2:]}\n{CODE}", Asked(CASE_NO[2:], CODE)),
        (CASE_NO, Asked(CASE_NO, None)),
        (f"PS26112499999999 {CODE}", Asked("PS26112499999999", CODE)),
        ("楼下垃圾没人管", Asked(None, None)),
        ("", Asked(None, None)),
    ],
)
def test_number_and_code_are_found_in_what_somebody_writes(text: str, asked: Asked) -> None:
    assert read(text, prefix="PS") == asked


@given(st.text(max_size=300))
def test_whatever_somebody_writes_is_read_without_an_error(text: str) -> None:
    read(text, prefix="PS")


def test_the_address_an_answer_goes_to_names_its_case_and_cannot_be_made_up() -> None:
    case_id, addresses = uuid4(), ReplyAddress("reply@huying.test", b"k" * 32)
    address = addresses.of(case_id)
    assert len(address.partition("@")[0]) <= 64
    assert addresses.case_of(address.upper()) == case_id
    assert ReplyAddress("reply@huying.test", b"other" * 8).case_of(address) is None
    for wrong in ("reply@huying.test", "reply+@huying.test", "x" + address, address.replace("+", "+a")):
        assert addresses.case_of(wrong) is None
