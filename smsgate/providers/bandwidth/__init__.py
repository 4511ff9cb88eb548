"""Bandwidth, Messaging V2: webhooks with HTTP Basic in, messages out.

dev.bandwidth.com/docs/messaging (webhooks, createMessage, errors), dev.bandwidth.com/docs/account
(Credential Management, API User Migration); error numbers as in Bandwidth's api-docs. Read in
November 2026.

Bandwidth signs nothing. It sends the user and the password that its application was given, and
that password vouches for the whole request, the time of the text too. Because Bandwidth tries for
24 hours, arrival would let an old START undo a later STOP.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.bandwidth.sending import outcome, reply
from smsgate.providers.bandwidth.webhook import inbound, parse, reports, verify
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake

__all__ = [
    "ACK",
    "BATCHES",
    "FIELDS",
    "IDEMPOTENT",
    "NAME",
    "answered",
    "certificate",
    "handshake",
    "inbound",
    "outcome",
    "parse",
    "reply",
    "reports",
    "verify",
]

NAME = "bandwidth"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = True
_TOKEN, _BASIC = ("auth", ""), ("auth", "basic")
FIELDS: tuple[Field, ...] = (
    Field("account_id", r"[0-9]+", "the account's number, such as 9900000"),
    Field("application_id", r"[0-9a-fA-F-]{36}", "the messaging application's id, a UUID"),
    Field("callback_user", r"[^:\s]+", "the user that the application's callbacks come with"),
    Field("callback_password", r"[!-~]+", "the password of those callbacks", secret=True),
    Field("client_id", r"[!-~]+", "the id of an API credential", only_with=_TOKEN),
    Field("client_secret", r"[!-~]+", "its secret", secret=True, only_with=_TOKEN),
    Field("auth", r"basic", "basic, where an API user sends, or nothing", required=False),
    Field("api_user", r"[!-~]+", "the user name of an API user", only_with=_BASIC),
    Field("api_password", r"[!-~]+", "its password", secret=True, only_with=_BASIC),
)
