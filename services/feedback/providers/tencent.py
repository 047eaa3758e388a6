"""Text messages through Tencent Cloud: SendSms of SMS 2021-01-11, signed with TC3-HMAC-SHA256.

Contract: cloud.tencent.com/document/product/382, "SendSms", "PullSmsSendStatusByPhoneNumber", "短信下发状态通知", and
"签名方法 v3".
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome, answered

VERSION, SERVICE = "2021-01-11", "sms"
URL = "https://sms.tencentcloudapi.com"
AT_ONCE = 20
_LOOK_BACK = 86_400
_ALGORITHM = "TC3-HMAC-SHA256"
# Of one message: what concerns the number, the template or the text for good. Limits, balance, internal errors pass.
_FINAL = (
    "FailedOperation.ContainSensitiveWord",
    "FailedOperation.PhoneNumberInBlacklist",
    "FailedOperation.SignatureIncorrectOrUnapproved",
    "FailedOperation.TemplateIncorrectOrUnapproved",
    "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
    "FailedOperation.TemplateUnapprovedOrNotExist",
    "InvalidParameterValue.",
    "UnsupportedOperation.",
)


def authorization(
    body: bytes, headers: Mapping[str, str], *, key_id: str, secret: str, service: str, at: datetime
) -> str:
    """The `Authorization` header for a POST to `/` with these headers, all of them signed."""
    names = ";".join(sorted(headers))
    plain = "".join(f"{name}:{headers[name].lower()}\n" for name in sorted(headers))
    request = f"POST\n/\n\n{plain}\n{names}\n{hashlib.sha256(body).hexdigest()}"
    day = at.astimezone(UTC).strftime("%Y-%m-%d")
    scope = f"{day}/{service}/tc3_request"
    told = f"{_ALGORITHM}\n{int(at.timestamp())}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"TC3{secret}".encode()
    for part in (day, service, "tc3_request"):
        key = hmac.digest(key, part.encode(), hashlib.sha256)
    signature = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    return f"{_ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"


class TencentSms:
    """One call a message, with the notice's id as `SessionContext`."""

    way = Way(real=True, needs_template=True)
    repeatable = False
    """`SessionContext` is handed back but not compared: a repetition is a second message."""
    askable = True

    def __init__(
        self,
        http: httpx.AsyncClient,
        *,
        key_id: str,
        secret: str,
        signature: str,
        app_id: str,
        region: str = "ap-guangzhou",
        signed_at: Callable[[], datetime],
    ) -> None:
        """`signature` is the approved name without brackets; `signed_at` the real time, whatever clock the system has."""
        self._http, self._key_id, self._secret = http, key_id, secret
        self._signature, self._app_id, self._region, self._signed_at = signature, app_id, region, signed_at

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        seats = asyncio.Semaphore(AT_ONCE)

        async def seated(message: Message) -> Outcome:
            async with seats:
                return await self._one(message)

        return await asyncio.gather(*map(seated, messages))

    async def ask(self, message: Message) -> Outcome | None:
        """Among what carriers have reported of this number. Absence proves nothing: a report may never come."""
        at = int(self._signed_at().timestamp())
        said = await self._call(
            "PullSmsSendStatusByPhoneNumber",
            {
                "BeginTime": at - _LOOK_BACK,
                "EndTime": at,
                "Offset": 0,
                "Limit": 100,
                "PhoneNumber": _international(message.point),
                "SmsSdkAppId": self._app_id,
            },
        )
        records = [] if isinstance(said, Outcome) else said.get("PullSmsSendStatusSet", [])
        for record in records:
            if record.get("SessionContext") == str(message.notice_id):
                if record.get("ReportStatus") == "FAIL":
                    return Outcome("refused", str(record.get("Description", ""))[:40])
                return Outcome("sent", provider_id=f"tencent:{record.get('SerialNo')}")
        return None

    async def _one(self, message: Message) -> Outcome:
        said = await self._call(
            "SendSms",
            {
                "PhoneNumberSet": [_international(message.point)],
                "SmsSdkAppId": self._app_id,
                "SignName": self._signature,
                "TemplateId": message.provider_template,
                "TemplateParamSet": list(message.content.parameters.values()),
                "SessionContext": str(message.notice_id),
            },
        )
        try:
            return said if isinstance(said, Outcome) else _outcome(said)
        except (KeyError, TypeError, IndexError):
            return Outcome("unknown", "an answer without a status")

    async def _call(self, action: str, asked: dict[str, Any]) -> dict[str, Any] | Outcome:
        body = orjson.dumps(asked)
        answer = await answered(lambda: self._http.post("/", content=body, headers=self._headers(action, body)))
        if isinstance(answer, Outcome):
            return answer
        try:
            said = answer.json()["Response"]
        except (ValueError, KeyError, TypeError):
            return Outcome("unknown", f"HTTP {answer.status_code}")
        return said if isinstance(said, dict) else Outcome("unknown", f"HTTP {answer.status_code}")

    def _headers(self, action: str, body: bytes) -> dict[str, str]:
        at = self._signed_at()
        host = self._http.base_url.netloc.decode()
        own = {"content-type": "application/json; charset=utf-8", "host": host, "x-tc-action": action}
        made = authorization(body, own, key_id=self._key_id, secret=self._secret, service=SERVICE, at=at)
        return {
            "Content-Type": own["content-type"],
            "Host": host,
            "X-TC-Action": action,
            "X-TC-Version": VERSION,
            "X-TC-Region": self._region,
            "X-TC-Timestamp": str(int(at.timestamp())),
            "Authorization": made,
        }


def _outcome(response: dict[str, Any]) -> Outcome:
    if "Error" in response:
        # The whole request was refused before anything was sent: signature, permission, frequency, balance.
        return _refused(str(response["Error"]["Code"]))
    status = response["SendStatusSet"][0]
    if status["Code"] == "Ok":
        return Outcome("sent", provider_id=f"tencent:{status['SerialNo']}")
    return _refused(str(status["Code"]))


def _refused(code: str) -> Outcome:
    return Outcome("refused" if code.startswith(_FINAL) else "later", code)


def _international(phone: str) -> str:
    """E.164, as Tencent wants numbers of the mainland too."""
    return phone if phone.startswith("+") else f"+86{phone}"
