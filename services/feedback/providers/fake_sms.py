"""Stand-ins for the providers of text messages, each with its own check of the request's signature and its real errors."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

_CLOCK_SKEW = 900
_PHONE_DIGITS = 11


@dataclass
class FakeAliyun:
    """Dysmsapi 2017-05-25 as published: RPC signature, approved templates, records by day and number."""

    key_id: str = "testId"
    secret: str = "testSecret"  # noqa: S105 - opens nothing but this fake
    signatures: set[str] = field(default_factory=lambda: {"坪山民生诉求"})
    templates: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Names each approved template has room for."""
    sent: list[dict[str, str]] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    mood: str = ""
    """`limit`: too many to this number; `poor`: no money; `gateway`: taken, then a 502; `dead`: a 502 before anything."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._call, methods=["POST"])])

    async def _call(self, request: Request) -> Response:
        if self.mood == "dead":
            return HTMLResponse("<html>502</html>", status_code=502)
        given = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        signature = given.pop("Signature", "")
        pairs = [f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in sorted(given.items())]
        told = "POST&%2F&" + quote("&".join(pairs), safe="~")
        expected = hmac.new(f"{self.secret}&".encode(), told.encode(), hashlib.sha1).digest()
        if given.get("AccessKeyId") != self.key_id:
            return _aliyun("InvalidAccessKeyId.NotFound", status=404)
        if base64.b64encode(expected).decode() != signature:
            return _aliyun("SignatureDoesNotMatch", status=400)
        if given["SignatureNonce"] in self.nonces:
            return _aliyun("SignatureNonceUsed", status=400)
        self.nonces.add(given["SignatureNonce"])
        at = datetime.strptime(given["Timestamp"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs((datetime.now(UTC) - at).total_seconds()) > _CLOCK_SKEW:
            return _aliyun("InvalidTimeStamp.Expired", status=400)
        return self._details(given) if given["Action"] == "QuerySendDetails" else self._send(given)

    def _send(self, given: dict[str, str]) -> Response:  # noqa: PLR0911  a refusal each
        parameters = json.loads(given.get("TemplateParam") or "{}")
        phone = given.get("PhoneNumbers", "")
        if given.get("SignName") not in self.signatures:
            return _aliyun("isv.SMS_SIGNATURE_ILLEGAL")
        if given.get("TemplateCode") not in self.templates:
            return _aliyun("isv.SMS_TEMPLATE_ILLEGAL")
        if not (phone.isdigit() and len(phone) == _PHONE_DIGITS):
            return _aliyun("isv.MOBILE_NUMBER_ILLEGAL")
        if set(self.templates[given["TemplateCode"]]) - set(parameters):
            return _aliyun("isv.TEMPLATE_MISSING_PARAMETERS")
        if self.mood in ("limit", "poor"):
            return _aliyun("isv.BUSINESS_LIMIT_CONTROL" if self.mood == "limit" else "isv.AMOUNT_NOT_ENOUGH")
        self.sent.append({**given, "TemplateParam": json.dumps(parameters, ensure_ascii=False)})
        if self.mood == "gateway":
            return HTMLResponse("<html>502</html>", status_code=502)
        return _aliyun("OK", BizId=f"9006{len(self.sent):014d}^0")

    def _details(self, given: dict[str, str]) -> Response:
        records = [
            {"PhoneNum": one["PhoneNumbers"], "OutId": one["OutId"], "SendStatus": 3, "ErrCode": "DELIVERED"}
            for one in self.sent
            if one["PhoneNumbers"] == given["PhoneNumber"]
        ]
        return _aliyun("OK", TotalCount=len(records), SmsSendDetailDTOs={"SmsSendDetailDTO": records})


def _aliyun(code: str, *, status: int = 200, **more: object) -> Response:
    return JSONResponse({"Code": code, "Message": code, "RequestId": "0000", **more}, status)


@dataclass
class FakeTencent:
    """SMS 2021-01-11 as published: TC3-HMAC-SHA256 over the headers it names, one status for each number."""

    key_id: str = "AKIDtest"
    secret: str = "secretOfTheFake"  # noqa: S105 - opens nothing but this fake
    app_id: str = "1400006666"
    signatures: set[str] = field(default_factory=lambda: {"坪山民生诉求"})
    templates: dict[str, int] = field(default_factory=dict)
    """How many places each approved template has."""
    sent: list[dict[str, object]] = field(default_factory=list)
    mood: str = ""
    """`limit`: thirty seconds between messages to one number; `gateway`: taken, then a 502."""
    reporting: bool = False
    """Carriers have reported what they delivered."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self._call, methods=["POST"])])

    async def _call(self, request: Request) -> Response:
        body = await request.body()
        wrong = self._unsigned(request, body)
        if wrong:
            return JSONResponse({"Response": {"Error": {"Code": wrong, "Message": wrong}, "RequestId": "0000"}})
        asked = json.loads(body)
        if request.headers["x-tc-action"] == "PullSmsSendStatusByPhoneNumber":
            return JSONResponse({"Response": {"PullSmsSendStatusSet": self._reports(asked), "RequestId": "0000"}})
        code = self._code(asked)
        if code == "Ok":
            self.sent.append(asked)
            if self.mood == "gateway":
                return HTMLResponse("<html>502</html>", status_code=502)
        status = {
            "SerialNo": f"5000:{len(self.sent)}" if code == "Ok" else "",
            "PhoneNumber": asked["PhoneNumberSet"][0],
            "Fee": int(code == "Ok"),
            "SessionContext": asked.get("SessionContext", ""),
            "Code": code,
            "Message": "send success" if code == "Ok" else code,
            "IsoCode": "CN",
        }
        return JSONResponse({"Response": {"SendStatusSet": [status], "RequestId": "0000"}})

    def _reports(self, asked: dict[str, object]) -> list[dict[str, object]]:
        mine = [one for one in self.sent if one["PhoneNumberSet"] == [asked["PhoneNumber"]]]
        return [
            {
                "SerialNo": f"5000:{number}",
                "PhoneNumber": asked["PhoneNumber"],
                "ReportStatus": "SUCCESS",
                "Description": "DELIVRD",
                "SessionContext": one["SessionContext"],
            }
            for number, one in enumerate(mine, 1)
            if self.reporting
        ]

    def _code(self, asked: dict[str, object]) -> str:
        places = self.templates.get(str(asked["TemplateId"]))
        phones, parameters = asked["PhoneNumberSet"], asked["TemplateParamSet"]
        if asked["SignName"] not in self.signatures:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        if places is None:
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if not isinstance(parameters, list) or len(parameters) != places:
            return "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        if not isinstance(phones, list) or not str(phones[0]).startswith("+861"):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        return "LimitExceeded.PhoneNumberThirtySecondLimit" if self.mood == "limit" else "Ok"

    def _unsigned(self, request: Request, body: bytes) -> str:
        headers = request.headers
        algorithm, _, rest = headers.get("authorization", "").partition(" ")
        said = dict(part.strip().split("=", 1) for part in rest.split(","))
        key_id, day, service, end = said["Credential"].split("/")
        stamp = int(headers["x-tc-timestamp"])
        if abs(datetime.now(UTC).timestamp() - stamp) > _CLOCK_SKEW:
            return "AuthFailure.SignatureExpire"
        if key_id != self.key_id:
            return "AuthFailure.SecretIdNotFound"
        names = said["SignedHeaders"].split(";")
        canonical = "\n".join([f"{name}:{headers[name].strip().lower()}" for name in names])
        asked = "\n".join(["POST", "/", "", canonical, "", said["SignedHeaders"], hashlib.sha256(body).hexdigest()])
        scope = f"{day}/{service}/{end}"
        told = "\n".join([algorithm, str(stamp), scope, hashlib.sha256(asked.encode()).hexdigest()])
        key = b"TC3" + self.secret.encode()
        for part in (day, service, end):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        right = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
        return "" if right == said["Signature"] else "AuthFailure.SignatureFailure"


@dataclass
class FakeGateway:
    """A district's own gateway, as docs/notices.md describes it: every id is sent once."""

    secret: str = "secret-of-the-gateway"  # noqa: S105 - opens nothing but this fake
    sent: dict[str, dict[str, object]] = field(default_factory=dict)
    asked: int = 0
    mood: str = ""
    """`down`: 503; `lost`: taken, then a 502; `refuse`: 422."""

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/sms", self._call, methods=["POST"])])

    async def _call(self, request: Request) -> Response:
        self.asked += 1
        body = await request.body()
        name, stamp = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        told = name.encode() + b"." + stamp.encode() + b"." + body
        right = base64.b64encode(hmac.new(self.secret.encode(), told, hashlib.sha256).digest()).decode()
        if request.headers["webhook-signature"] != f"v1,{right}" or request.headers["idempotency-key"] != name:
            return JSONResponse({"error": "signature"}, 401)
        if self.mood in ("down", "refuse"):
            return JSONResponse({"error": self.mood}, 503 if self.mood == "down" else 422)
        if name in self.sent:
            return JSONResponse({"id": name}, 409)
        self.sent[name] = json.loads(body)
        return JSONResponse({"id": name}, 502 if self.mood == "lost" else 202)
