"""Twilio Programmable Messaging: webhooks in, Messages API out.

twilio.com/docs/messaging/guides/webhook-request, /docs/usage/security (signatures),
/docs/messaging/api/message-resource, /docs/api/errors, /docs/events/event-types/messaging; webhooks
signed with shared keys as in twilio-python 9.13. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.twilio.messages_api import outcome, reply
from smsgate.providers.twilio.signature import signed_again, verify
from smsgate.providers.twilio.webhook import answered, inbound, parse, reports

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
    "signed_again",
    "verify",
]

NAME = "twilio"
ACK = HttpReply(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
IDEMPOTENT = False
BATCHES = True
FIELDS: tuple[Field, ...] = (
    Field("account_sid", r"AC[0-9a-fA-F]{32}", "AC and 32 hexadecimal digits"),
    Field("auth_token", r"[!-~]+", "the account's Auth Token, without blanks", secret=True),
    Field(
        "shared_key",
        r"[!-~]+",
        "the secret of a SharedKey of Twilio's webhooks API, or its id, a colon and the secret",
        secret=True,
        only_with=("algorithm", "hmac-sha256"),
    ),
    Field("algorithm", r"hmac-sha1|hmac-sha256", "hmac-sha1 or hmac-sha256", required=False),
)
