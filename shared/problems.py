"""RFC 9457 answers: every refusal in Chinese and English, with a JSON pointer for each wrong field."""

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from shared.errors import DomainError, FieldError, InvalidInput

log = logging.getLogger(__name__)

STATUS = {
    "invalid": 422,
    "unauthenticated": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "too_large": 413,
    "unsupported": 415,
    "too_many": 429,
    "unavailable": 503,
}
"""Only here do kinds meet numbers."""

TITLES = {
    400: ("The request cannot be read.", "请求无法读取"),
    404: ("There is no such address.", "没有这个地址"),
    405: ("This address does not take that method.", "该地址不支持此操作"),
    406: ("This cannot be given in the form asked for.", "无法以所要求的格式返回"),
    413: ("The request is too large.", "提交的内容过大"),
    415: ("This kind of content is not taken here.", "不支持的内容类型"),
}

ZH_BY_TYPE = {
    "missing": "必填",
    "string_too_short": "内容过短",
    "string_too_long": "内容过长",
    "string_type": "应为文字",
    "json_invalid": "不是有效的 JSON",
    "extra_forbidden": "不认识的字段",
    "enum": "不在可选范围内",
    "literal_error": "不在可选范围内",
    "uuid_parsing": "编号格式不正确",
    "string_pattern_mismatch": "格式不正确",
    "datetime_from_date_parsing": "时间格式不正确",
    "timezone_aware": "时间必须带时区",
}


class ProblemField(BaseModel):
    pointer: str = Field(description="JSON pointer into the body, or `query/…`, `path/…`, `header/…`")
    detail: str
    zh: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    title_zh: str
    status: int
    detail: str = ""
    errors: list[ProblemField] = []


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: these statuses answer with a problem."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"model": Problem, "description": "Problem", "content": content} for status in statuses}


EVERYWHERE = declared(400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 503)


def answer(
    status: int,
    *,
    kind: str,
    title: str,
    zh: str,
    detail: str = "",
    errors: tuple[FieldError, ...] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, object] | None = None,
) -> Response:
    body: dict[str, object] = {
        **(extra or {}),
        "type": f"urn:huying:problem:{kind}",
        "title": title,
        "title_zh": zh,
        "status": status,
        "detail": detail,
        "errors": [{"pointer": e.pointer, "detail": e.detail, "zh": e.zh} for e in errors],
    }
    return Response(
        orjson.dumps(body, default=str), status_code=status, headers=headers, media_type="application/problem+json"
    )


def of(error: DomainError) -> Response:
    headers: dict[str, str] = {}
    if error.kind in ("too_many", "unavailable"):
        headers["Retry-After"] = str(error.retry_after or 2)
    elif error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.kind == "unauthenticated":
        headers["WWW-Authenticate"] = "Bearer"
    return answer(
        STATUS[error.kind],
        kind=error.code(),
        title=error.title(),
        zh=error.zh,
        detail=error.detail,
        errors=error.fields,
        headers=headers,
        extra=error.extra,
    )


def pointer(place: tuple[int | str, ...]) -> str:
    where, rest = (str(place[0]), place[1:]) if place else ("body", ())
    path = "/".join(str(part).replace("~", "~0").replace("/", "~1") for part in rest)
    return f"/{path}" if where == "body" else f"{where}/{path}"


def answer_to(error: Exception) -> Response:
    """The problem an exception is told as; what is nobody's fault but ours is logged and says nothing."""
    if isinstance(error, DomainError):
        return of(error)
    if isinstance(error, RequestValidationError):
        fields = tuple(
            FieldError(pointer(e["loc"]), e["msg"], ZH_BY_TYPE.get(e["type"], "填写有误")) for e in error.errors()
        )
        return of(InvalidInput(fields=fields))
    if isinstance(error, HTTPException):
        title, zh = TITLES.get(error.status_code, (str(error.detail), "请求失败"))
        return answer(error.status_code, kind=f"http-{error.status_code}", title=title, zh=zh, headers=error.headers)
    log.error("unhandled %s", type(error).__name__, exc_info=error)
    return answer(500, kind="internal", title="Something went wrong on our side.", zh="系统内部错误，请稍后再试")


def install(app: FastAPI) -> None:
    """Make every refusal of this app a problem."""

    async def told(_: Request, error: Exception) -> Response:
        return answer_to(error)

    for kind in (DomainError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, told)
