"""Text messages through Alibaba Cloud: SendSms and QuerySendDetails of Dysmsapi 2017-05-25, RPC style, HMAC-SHA1.

Contract: help.aliyun.com, 短信服务 "SendSms", "QuerySendDetails", "SmsReport", and the RPC signature mechanism.
"""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import orjson

from services.feedback.domain.channel import Way
from services.feedback.domain.wording import SHENZHEN
from services.feedback.messengers import Message, Outcome, answered

VERSION = "2017-05-25"
URL = "https://dysmsapi.aliyuncs.com"
AT_ONCE = 20
_PAGE = 50
_FAILED = 2
# Time, money or an operator mends these; whatever else begins with isv. is about this message or this number.
_PASSING = ("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE",
            "isv.ACCOUNT_ABNORMAL", "isv.PRODUCT_UN_SUBSCRIPT")  # fmt: skip


def percent(text: str) -> str:
    """RFC 3986: a space is %20, `*` is %2A and `~` stays."""
    return quote(text, safe="~")


def signed(parameters: Mapping[str, str], secret: str, *, method: str = "POST") -> str:
    """The `Signature` of these parameters."""
    query = "&".join(f"{percent(name)}={percent(parameters[name])}" for name in sorted(parameters))
    told = f"{method}&{percent('/')}&{percent(query)}"
    return base64.b64encode(hmac.digest(f"{secret}&".encode(), told.encode(), hashlib.sha1)).decode()


class AliyunSms:
    """One call a message, with the notice's id as `OutId`, by which its record is found again."""

    way = Way(real=True, needs_template=True)
    repeatable = False
    """`OutId` is handed back but not compared: a repetition is a second message."""
    askable = True

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        key_id: str,
        secret: str,
        signature: str,
        region: str = "cn-hangzhou",
        signed_at: Callable[[], datetime],
    ) -> None:
        """`signature` is the approved name without brackets; `signed_at` the real time, whatever clock the system has."""
        self._http, self._key_id, self._secret = http, key_id, secret
        self._signature, self._region, self._signed_at = signature, region, signed_at

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        seats = asyncio.Semaphore(AT_ONCE)

        async def seated(message: Message) -> Outcome:
            async with seats:
                return await self._one(message)

        return await asyncio.gather(*map(seated, messages))

    async def _one(self, message: Message) -> Outcome:
        said = await self._call(
            "SendSms",
            PhoneNumbers=message.point,
            SignName=self._signature,
            TemplateCode=message.provider_template,
            TemplateParam=orjson.dumps(dict(message.content.parameters)).decode(),
            OutId=str(message.notice_id),
        )
        if isinstance(said, Outcome):
            return said
        code = said.get("Code")
        if code == "OK":
            return Outcome("sent", provider_id=f"aliyun:{said.get('BizId')}")
        return _refused(str(code))

    async def ask(self, message: Message) -> Outcome | None:
        """Among the day's records of this number: `OutId` is there, or the message never left."""
        day = message.at.astimezone(SHENZHEN)
        for date in dict.fromkeys((day, day - timedelta(hours=1))):
            found = await self._recorded(message, date.strftime("%Y%m%d"))
            if found is None or found.state != "later":
                return found
        return Outcome("later", "not among the provider's records")

    async def _recorded(self, message: Message, day: str) -> Outcome | None:
        said = await self._call(
            "QuerySendDetails", PhoneNumber=message.point, SendDate=day, PageSize=str(_PAGE), CurrentPage="1"
        )
        if isinstance(said, Outcome) or said.get("Code") != "OK":
            return None
        records = said.get("SmsSendDetailDTOs", {}).get("SmsSendDetailDTO", [])
        for record in records:
            if record.get("OutId") == str(message.notice_id):
                failed = record.get("SendStatus") == _FAILED
                return Outcome("refused", str(record.get("ErrCode", ""))) if failed else Outcome("sent")
        # A list that is not whole proves nothing.
        return Outcome("later") if len(records) >= int(said.get("TotalCount", 0)) else None

    async def _call(self, action: str, **own: str) -> dict[str, Any] | Outcome:
        parameters = {
            "AccessKeyId": self._key_id,
            "Action": action,
            "Format": "JSON",
            "RegionId": self._region,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": str(uuid4()),
            "SignatureVersion": "1.0",
            "Timestamp": self._signed_at().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": VERSION,
            **own,
        }
        parameters["Signature"] = signed(parameters, self._secret)
        answer = await answered(lambda: self._http.post("/", data=parameters))
        if isinstance(answer, Outcome):
            return answer
        try:
            said = answer.json()
        except ValueError:
            return Outcome("unknown", f"HTTP {answer.status_code}")
        return said if isinstance(said, dict) else Outcome("unknown", f"HTTP {answer.status_code}")


def _refused(code: str) -> Outcome:
    final = code.startswith("isv.") and code not in _PASSING
    return Outcome("refused" if final else "later", code)
