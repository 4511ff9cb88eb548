"""``[programs.NAME.forward]``: the operator's own application, to which messages go on."""

from __future__ import annotations

import re

from smsgate.settings.environment import split_secrets
from smsgate.settings.feeds import address_problem, is_webhook_secret
from smsgate.settings.shape import ForwardTable
from smsgate.settings.values import Application

ORIGINAL = "original"
_EXAMPLE = "https://app.example.com/sms"
_TOKEN = re.compile(r"[!-~]+")
_RIGHT = "write whsec_ and 24 to 64 random bytes in base64"


def application_of(table: ForwardTable | None) -> Application | None:
    """The application of a program, if it has one."""
    if table is None:
        return None
    return Application(
        url=table.url.strip(),
        secrets=split_secrets(table.secret),
        messages=table.messages,
        original=table.as_ == ORIGINAL,
        allow_private=table.allow_private,
    )


def application_problems(table: ForwardTable | None) -> list[tuple[str, str]]:
    """Key and problem of each fault in the table."""
    if table is None:
        return []
    found = [
        ("url", address_problem(table.url.strip(), table.allow_private, _EXAMPLE)),
        ("secret", _secret_problem(table)),
    ]
    return [(key, problem) for key, problem in found if problem]


def _secret_problem(table: ForwardTable) -> str:
    secrets = [one.value for one in split_secrets(table.secret)]
    if table.as_ == ORIGINAL:
        fit = all(_TOKEN.fullmatch(one) for one in secrets)
        return "" if fit else "is no token: it must be without blanks"
    if not secrets:
        return f"is missing: calls are signed with it; {_RIGHT}"
    fit = all(is_webhook_secret(one) for one in secrets)
    return "" if fit else f"is no secret of Standard Webhooks: {_RIGHT}"
