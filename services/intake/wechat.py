"""Mini-program login at WeChat: a one-time code becomes the openid of who holds the phone."""

import logging
from dataclasses import dataclass

import httpx

from shared.errors import DomainError, TooMany, Unauthenticated, Unavailable

# WeChat's published contract, "code2Session" (developers.weixin.qq.com, mini-program server API, login).
PATH = "/sns/jscode2session"
_LONGEST_CODE = 256

logger = logging.getLogger(__name__)


class LoginCodeInvalid(Unauthenticated):
    """WeChat does not know this login code; please open the mini-program again."""

    zh = "微信登录凭证无效或已过期，请重新打开小程序"


class LoginCodeUsed(Unauthenticated):
    """This login code was used before; please open the mini-program again."""

    zh = "微信登录凭证已被使用，请重新打开小程序"


class LoginTooOften(TooMany):
    """WeChat allows no more logins for this minute."""

    zh = "登录过于频繁，请一分钟后再试"


class AccountBlocked(DomainError):
    """WeChat blocks this account as high-risk; requests are also taken by phone on 12345."""

    kind = "forbidden"
    zh = "该微信账号存在安全风险，暂不能登录；您也可以拨打12345反映诉求"


class WeChatUnavailable(Unavailable):
    """WeChat login is unavailable for the moment."""

    zh = "微信登录暂时不可用，请稍后再试，或拨打12345反映诉求"


@dataclass(frozen=True, slots=True, repr=False)
class WeChatIdentity:
    """Who logged in. Personal data: it goes into the vault, and `repr` keeps it out of logs and tracebacks.

    The session key WeChat sends along is dropped unread: nothing here decrypts WeChat data, so nobody can leak it.
    """

    openid: str
    unionid: str | None


class WeChatLogin:
    """Asks WeChat who is behind a login code."""

    def __init__(self, http: httpx.AsyncClient, *, appid: str, secret: str) -> None:
        """`http` carries WeChat's base URL and the timeout."""
        self._http, self._appid, self._secret = http, appid, secret
        keep_secrets_out_of_logs()

    async def identify(self, code: str) -> WeChatIdentity:
        """Raises `LoginCodeInvalid`, `LoginCodeUsed`, `LoginTooOften`, `AccountBlocked` or `WeChatUnavailable`."""
        if not 1 <= len(code) <= _LONGEST_CODE or not code.isascii() or not code.isprintable():
            raise LoginCodeInvalid
        answer = await self._ask(code)
        errcode = answer.get("errcode", 0)
        if errcode != 0:
            raise _refusal(errcode)
        openid, unionid = answer.get("openid"), answer.get("unionid")
        if not isinstance(openid, str) or not openid:
            logger.error("wechat login: answer without an openid")
            raise WeChatUnavailable(retry_after=30)
        return WeChatIdentity(openid, unionid if isinstance(unionid, str) and unionid else None)

    async def _ask(self, code: str) -> dict[str, object]:
        query = {
            "appid": self._appid,
            "secret": self._secret,
            "js_code": code,
            "grant_type": "authorization_code",
        }
        # `from None`: the causes hold the request, and with it the secret and the code.
        try:
            response = await self._http.get(PATH, params=query)
        except httpx.HTTPError as error:
            logger.warning("wechat login: no answer (%s)", type(error).__name__)
            raise WeChatUnavailable(retry_after=5) from None
        if response.status_code != httpx.codes.OK:
            logger.warning("wechat login: answered HTTP %s", response.status_code)
            raise WeChatUnavailable(retry_after=5)
        try:
            # WeChat labels its JSON text/plain, so the content type says nothing.
            answer = response.json()
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            logger.warning("wechat login: answer is not a JSON object")
            raise WeChatUnavailable(retry_after=5) from None
        return answer


def _refusal(errcode: object) -> DomainError:
    match errcode:
        case 40029:
            return LoginCodeInvalid()
        case 40163:
            return LoginCodeUsed()
        case 45011:  # 100 a minute and user
            return LoginTooOften(retry_after=60)
        case 40226:
            return AccountBlocked()
        case -1:  # "system busy"
            return WeChatUnavailable(retry_after=5)
        case _:
            # What is left is ours to mend, such as a wrong appid (40013) or secret (40125): only an operator can.
            logger.error("wechat login: refused with errcode %s", errcode if isinstance(errcode, int) else "unknown")
            return WeChatUnavailable(retry_after=60)


class _WithoutLoginUrls(logging.Filter):
    """WeChat wants secret and code in the query, and httpx logs every URL it calls."""

    def filter(self, record: logging.LogRecord) -> bool:
        return PATH not in record.getMessage()


def keep_secrets_out_of_logs() -> None:
    """Drops httpx's own lines about login calls, once per process; they would hold the app secret in clear."""
    for name in ("httpx", "httpcore.connection", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
        loud = logging.getLogger(name)
        if not any(isinstance(each, _WithoutLoginUrls) for each in loud.filters):
            loud.addFilter(_WithoutLoginUrls())
