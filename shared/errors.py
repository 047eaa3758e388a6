"""The broken rule as an exception: its docstring is the problem's title, its kebab-case name the problem's type."""

import re
from typing import ClassVar, Literal

Kind = Literal[
    "invalid",
    "unauthenticated",
    "forbidden",
    "not_found",
    "conflict",
    "too_large",
    "unsupported",
    "too_many",
    "unavailable",
]


class FieldError:
    """One wrong field: a JSON pointer into the request body (or `query/…`, `header/…`) and what is wrong with it."""

    __slots__ = ("detail", "pointer", "zh")

    def __init__(self, pointer: str, detail: str, zh: str = "") -> None:
        self.pointer, self.detail, self.zh = pointer, detail, zh or detail


class DomainError(Exception):
    """The request breaks a rule."""

    kind: ClassVar[Kind] = "invalid"
    zh: ClassVar[str] = "请求不符合规则"

    def __init__(
        self, detail: str = "", *, fields: tuple[FieldError, ...] = (), retry_after: int | None = None, **extra: object
    ) -> None:
        """`detail` says what is wrong this time and never holds personal data; `extra` goes into the problem body."""
        super().__init__(detail or self.title())
        self.detail, self.fields, self.retry_after, self.extra = detail, fields, retry_after, extra

    @classmethod
    def title(cls) -> str:
        return (cls.__doc__ or cls.__name__).strip().splitlines()[0].rstrip(".")

    @classmethod
    def code(cls) -> str:
        """`TransitionNotAllowed` → `transition-not-allowed`, `NotAPhoto` → `not-a-photo`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", cls.__name__).lower()


class InvalidInput(DomainError):
    """Some fields of the request are not valid."""

    zh = "提交的内容有误，请检查标出的字段"


class Unauthenticated(DomainError):
    """You are not logged in, or the login is no longer valid."""

    kind = "unauthenticated"
    zh = "未登录或登录已失效"


class Forbidden(DomainError):
    """You may not do this."""

    kind = "forbidden"
    zh = "没有权限"


class NotFound(DomainError):
    """There is no such thing here, or it is not yours to see."""

    kind = "not_found"
    zh = "未找到，或无权查看"


class Conflict(DomainError):
    """This contradicts what has happened meanwhile."""

    kind = "conflict"
    zh = "内容已被更改，请刷新后重试"


class TooMany(DomainError):
    """Too many requests; please wait a little."""

    kind = "too_many"
    zh = "操作过于频繁，请稍后再试"


class Unavailable(DomainError):
    """A part this needs is down for the moment; nothing was changed."""

    kind = "unavailable"
    zh = "系统暂时繁忙，本次没有提交成功，请稍后再试"
