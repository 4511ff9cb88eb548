"""The request that a reply of an account would be, with secrets masked; nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

import msgspec

from smsgate.classifier import reply_text
from smsgate.domain.errors import AccountNotReady
from smsgate.domain.messages import HttpCall, Reply
from smsgate.providers import PROVIDERS, usable
from smsgate.providers.form.xml_document import escape_xml
from smsgate.settings import ANY_SENDER, Account, Program

MASK = "•••"
_SUBSCRIBER, _OUR_NUMBER = "+12025550123", "+12025550100"
_TEXT = "You are unsubscribed. No more messages will be sent."


class RequestPreview(msgspec.Struct, frozen=True):
    """A call as it would leave, without what the HTTP client adds (Host, Content-Length …)."""

    method: str
    url: str
    headers: dict[str, str]
    body: str

    def text(self) -> str:
        """Return the request as it is written in HTTP."""
        lines = [f"{self.method} {self.url}", *(f"{k}: {v}" for k, v in self.headers.items())]
        return "\n".join([*lines, "", self.body] if self.body else lines)


def preview_reply(account: Account, program: Program | None) -> list[RequestPreview]:
    """Return the calls that confirm an opt-out; first the one for an access token, if any.

    ``program`` is one of the account, for its text and sender. Raises ``AccountNotReady``.
    """
    if not usable(account):
        name = account.name
        raise AccountNotReady(f"{name} cannot send yet: `smsgate doctor {name}` says why")
    sender, text = account.options.get("to", ""), _TEXT
    if program is not None:
        text = reply_text(program, "opt_out", "")[0]
        sender = sender or next((one for one in program.senders if one != ANY_SENDER), "")
    reply = Reply(
        id="1-0",
        kind="opt_out",
        account=account.name,
        number=_SUBSCRIBER,
        sender=sender or _OUR_NUMBER,
        program=program.name if program is not None else "",
        text=text,
        deadline_us=0,
    )
    call = PROVIDERS[account.provider].reply(reply, account)
    calls = [call.token_from, call] if call.token_from is not None else [call]
    return [_masked(one, account) for one in calls]


def _masked(call: HttpCall, account: Account) -> RequestPreview:
    """The call without the account's secrets, however they are spelled in it."""
    secrets = {one.get_secret_value() for some in account.secrets.values() for one in some if one}
    spellings = sorted({way for one in secrets for way in _spellings(one)}, key=len, reverse=True)

    def masked(text: str) -> str:
        for spelling in spellings:
            text = text.replace(spelling, MASK)
        return text

    headers = {name: masked(value) for name, value in call.headers.items()}
    for name, value in headers.items():
        if name.lower() == "authorization":
            headers[name] = f"{value.partition(' ')[0]} {MASK}"
    if call.auth is not None:
        headers["Authorization"] = f"Basic {MASK}"
    if call.token_from is not None:
        headers["Authorization"] = f"Bearer {MASK}"
    body = masked(call.body.decode("utf-8", "replace"))
    return RequestPreview(call.method, masked(call.url), headers, body)


def _spellings(secret: str) -> Iterator[str]:
    """A secret as it stands in a header, an address, a form, JSON and XML."""
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], escape_xml(secret))
