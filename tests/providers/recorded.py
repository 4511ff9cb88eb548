"""Recorded webhooks: one JSON file each, below tests/vectors/providers/<provider>/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

from pydantic import SecretStr

from smsgate.domain.messages import InboundMessage, Intent, WebhookRequest
from smsgate.providers.base import Report
from smsgate.settings import Account

NOW_US = 1_790_000_000_000_000
"""When every recorded webhook comes in; signed times are this one, too."""
FOLDER = Path(__file__).parents[1] / "vectors" / "providers"


@dataclass(frozen=True)
class Recorded:
    """A genuine webhook, the account it is for, and what must come of it.

    ``tests/vectors/providers/README.md`` explains every key of a file.
    """

    provider: str
    name: str
    provenance: Mapping[str, str]
    """Where ``payload`` and ``signature`` come from, each a kind, a colon and a source."""
    account: Account
    request: WebhookRequest
    signature: str
    """The header that the signature stands in; ``path`` for a secret that ends the URL's path;
    ``body:NAME`` for a member of the JSON in the body, ``form:NAME`` for a field of the form in
    the body or the query."""
    ignores_case: bool
    """Whether the signature is hexadecimal, in capitals or not."""
    covers: frozenset[str]
    """What the signature vouches for: ``body``, ``url``, both, or neither; ``meaning``, where it
    is what is read from the body and not every byte."""
    separator: str
    """What stands between several signatures in the header; empty where there can be but one."""
    time: str
    """The header with the signed time, in seconds; empty where none has it."""
    window_s: int
    """How old the signed time, which is ``NOW_US``, may be; 0 where none is signed."""
    early_s: int
    """How early it may be; as above where nothing else is said."""
    stamped: bool
    """Whether its webhooks have the time of the text, signed; so where a time is signed."""
    simulable: bool
    """Whether we can make such a webhook; not where only the provider has the key."""
    always: Mapping[str, str]
    """What messages of the account always have: the provider does not say it of each."""
    channels: tuple[str, ...]
    """The channels that this provider's webhooks can tell apart."""
    lacks: frozenset[str]
    """What its webhooks cannot say: ``service``, ``flag``, ``media``."""
    messages: tuple[InboundMessage, ...]
    reports: tuple[Report, ...]
    answered: tuple[str, ...]
    unreadable: str
    """How the refusal of a genuine but unreadable webhook begins; empty for the others."""

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"

    @property
    def signed(self) -> str:
        """The signature, or what stands for it."""
        if self.signature == "path":
            return self.request.url.partition("?")[0].rpartition("/")[2]
        if self.signature.startswith("body:"):
            return json.loads(self.request.body)[self.signature.removeprefix("body:")]
        if self.signature.startswith("form:"):
            return dict(parse_qsl(self._form))[self.signature.removeprefix("form:")]
        return self.request.headers[self.signature]

    def with_signature(self, signature: str | None) -> WebhookRequest:
        """The request with another signature, or with none."""
        if self.signature == "path":
            path, mark, query = self.request.url.partition("?")
            end = "" if signature is None else f"/{signature}"
            return replace(self.request, url=path.rpartition("/")[0] + end + mark + query)
        if self.signature.startswith("body:"):
            name = self.signature.removeprefix("body:")
            changed = {**json.loads(self.request.body), name: signature}
            return replace(self.request, body=json.dumps(changed).encode())
        if self.signature.startswith("form:"):
            return self._with_field(self.signature.removeprefix("form:"), signature)
        headers = {**self.request.headers, self.signature: signature}
        if signature is None:
            del headers[self.signature]
        return replace(self.request, headers=headers)

    @property
    def _form(self) -> str:
        return self.request.body.decode() or self.request.query

    def _with_field(self, name: str, value: str | None) -> WebhookRequest:
        fields = [pair for pair in parse_qsl(self._form, keep_blank_values=True) if pair[0] != name]
        fields += [] if value is None else [(name, value)]
        form = urlencode(fields, errors="surrogatepass")
        if self.request.body:
            return replace(self.request, body=form.encode())
        return replace(self.request, url=f"{self.request.url.partition('?')[0]}?{form}")


@cache
def everything() -> tuple[Recorded, ...]:
    """All recorded webhooks of all providers; read once, nobody changes them."""
    return tuple(read(path) for path in sorted(FOLDER.glob("*/*.json")))


def account_of(name: str, provider: str, options: Mapping, secrets: Mapping) -> Account:
    return Account(
        name=name,
        provider=provider,
        options=dict(options),
        secrets={key: tuple(map(SecretStr, values)) for key, values in secrets.items()},
        public_url="https://sms.example.com",
        api_url="",
    )


def read(path: Path) -> Recorded:
    content = json.loads(path.read_text(encoding="utf-8"))
    provider = path.parent.name
    request = content["request"]
    return Recorded(
        provider=provider,
        name=path.stem,
        provenance=content["provenance"],
        account=account_of(provider, provider, **content["account"]),
        request=WebhookRequest(
            request["method"],
            request["url"],
            request["headers"],
            bytes.fromhex(request["body_hex"])
            if "body_hex" in request
            else request["body"].encode(),
            request.get("certificate", "").encode(),
        ),
        signature=content["signature"],
        ignores_case=content.get("ignores_case", False),
        covers=frozenset(content.get("covers", ["body", "url"])),
        separator=content.get("separator", ""),
        time=content.get("time", ""),
        window_s=content.get("window_s", 0),
        early_s=content.get("early_s", content.get("window_s", 0)),
        stamped=content.get("stamped", "window_s" in content),
        simulable=content.get("simulable", provider != "form"),
        always=content.get("always", {}),
        channels=tuple(content.get("channels", ["sms", "mms", "whatsapp", "rcs"])),
        lacks=frozenset(content.get("lacks", [])),
        messages=tuple(_message(provider, message) for message in content.get("messages", ())),
        reports=tuple(Report(**report) for report in content.get("reports", ())),
        answered=_each(content.get("answered", [])),
        unreadable=content.get("unreadable", ""),
    )


def _each(answered: str | list[str]) -> tuple[str, ...]:
    """Who answers each message; one text where there is one message."""
    return (answered,) if isinstance(answered, str) else tuple(answered)


def _message(account: str, content: Mapping) -> InboundMessage:
    given = dict(content)
    flag = given.pop("flag", None)
    return InboundMessage(
        account=account,
        flag=Intent(flag) if flag else None,
        media=tuple(given.pop("media", ())),
        **given,
    )
