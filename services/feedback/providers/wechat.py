"""WeChat's subscription messages: developers.weixin.qq.com, "发送订阅消息" (`POST /cgi-bin/message/subscribe/send`)."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx

from services.feedback.domain.channel import Way
from services.feedback.messengers import Message, Outcome, answered
from services.feedback.providers.wechat_token import STALE, TokenKeeper, TokenUnavailable

PATH = "/cgi-bin/message/subscribe/send"
AT_ONCE = 20

# 43101 the user has refused or used up the consent, 43107 the template is banned for them, 40003 no such openid,
# 43004 does not follow: these persons are reached another way.
_CONSENT_GONE = frozenset({43101, 43107})
# -1 busy, 45009 and 45011 over the quota of the day or minute, 44991 and 48001 belong to the account: time mends them.
_PASSING = frozenset({-1, 45009, 45011})


class WeChatMessenger:
    """One call a message; the token is renewed once when WeChat says it is stale."""

    way = Way(real=True, needs_template=True, needs_consent=True)
    askable = False
    repeatable = False
    """WeChat knows no id of ours: a repetition is a second message."""

    def __init__(self, http: httpx.AsyncClient, tokens: TokenKeeper, *, page: str, state: str) -> None:
        """`page` may name `{case_no}`; `state` is developer, trial or formal."""
        self._http, self._tokens, self._page, self._state = http, tokens, page, state

    async def send(self, messages: Sequence[Message]) -> Sequence[Outcome]:
        seats = asyncio.Semaphore(AT_ONCE)

        async def seated(message: Message) -> Outcome:
            async with seats:
                return await self._one(message)

        return await asyncio.gather(*map(seated, messages))

    async def ask(self, message: Message) -> Outcome | None:  # noqa: ARG002  WeChat cannot be asked
        return None

    async def _one(self, message: Message) -> Outcome:
        try:
            token = await self._tokens.get()
            outcome, code = await self._post(message, token)
            if code in STALE:
                outcome, code = await self._post(message, await self._tokens.replaced(token))
        except TokenUnavailable:
            return Outcome("later", "no access token")
        # Twice a stale token is nobody's consent used up.
        return Outcome("later", f"errcode {code}") if code in STALE else outcome

    async def _post(self, message: Message, token: str) -> tuple[Outcome, int]:
        body = {
            "touser": message.point,
            "template_id": message.provider_template,
            "page": self._page.format(case_no=message.case_no),
            "miniprogram_state": self._state,
            "lang": "zh_CN",
            "data": {key: {"value": value} for key, value in message.content.fields.items()},
        }
        answer = await answered(lambda: self._http.post(PATH, params={"access_token": token}, json=body))
        if isinstance(answer, Outcome):
            return answer, 0
        try:
            said = answer.json()
            code = said["errcode"]
        except (ValueError, KeyError, TypeError):
            # A gateway's page says nothing of what WeChat behind it did.
            return Outcome("unknown", f"HTTP {answer.status_code}"), 0
        return _outcome(code, said), code


def _outcome(code: int, said: dict[str, Any]) -> Outcome:
    if code == 0:
        number = said.get("msgid")
        return Outcome("sent", provider_id=f"wechat:{number}" if number is not None else None)
    if code in _PASSING:
        return Outcome("later", f"errcode {code}")
    # What is left is a person who cannot be reached this way, or a template or page only an operator can mend (40037,
    # 41030, 47003): the next channel tells the person meanwhile, and the ledger says why.
    return Outcome("refused", f"errcode {code}", spent=code in _CONSENT_GONE)
