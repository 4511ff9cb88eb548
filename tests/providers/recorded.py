"""Recorded webhooks: one JSON file each, below tests/vectors/providers/<provider>/."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from smsgate.messages import InboundMessage, Intent, WebhookRequest
from smsgate.settings import Account, Secret

FOLDER = Path(__file__).parents[1] / "vectors" / "providers"


@dataclass(frozen=True)
class Recorded:
    """A genuine webhook, the account it is for, and what must come of it."""

    provider: str
    name: str
    account: Account
    request: WebhookRequest
    signature: str
    """The header that the signature stands in."""
    messages: tuple[InboundMessage, ...]
    answered: str | None
    unreadable: str
    """How the refusal of a genuine but unreadable webhook begins; empty for the others."""

    def __str__(self) -> str:
        return f"{self.provider}-{self.name}"


def everything() -> list[Recorded]:
    """All recorded webhooks of all providers."""
    return [_read(path) for path in sorted(FOLDER.glob("*/*.json"))]


def account_of(name: str, provider: str, options: Mapping, secrets: Mapping) -> Account:
    return Account(
        name=name,
        provider=provider,
        options=dict(options),
        secrets={key: tuple(map(Secret, values)) for key, values in secrets.items()},
        public_url="https://sms.example.com",
        api_url="",
    )


def _read(path: Path) -> Recorded:
    content = json.loads(path.read_text(encoding="utf-8"))
    provider = path.parent.name
    request = content["request"]
    return Recorded(
        provider=provider,
        name=path.stem,
        account=account_of(provider, provider, **content["account"]),
        request=WebhookRequest(
            request["method"], request["url"], request["headers"], request["body"].encode()
        ),
        signature=content["signature"],
        messages=tuple(_message(provider, message) for message in content.get("messages", ())),
        answered=content.get("answered"),
        unreadable=content.get("unreadable", ""),
    )


def _message(account: str, content: Mapping) -> InboundMessage:
    given = dict(content)
    flag = given.pop("flag", None)
    return InboundMessage(
        account=account,
        flag=Intent(flag) if flag else None,
        media=tuple(given.pop("media", ())),
        **given,
    )
