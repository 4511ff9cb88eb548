"""Infobip SMS: inbound messages (MO_JSON_2) and delivery reports in, SMS API v3 out.

infobip.com/docs/api/channels/sms (Receive inbound SMS messages, Send SMS messages v3),
infobip.com/docs/essentials (Subscriptions management; status and error codes). How webhooks are
signed is set in the account's notification profile; those details were read second hand. Read in
November 2026.

Infobip answers no keyword unless an account has it set up; then ``confirm`` must say so.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.infobip.sending import outcome, reply
from smsgate.providers.infobip.signature import verify
from smsgate.providers.infobip.webhook import inbound, parse, reports

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

NAME = "infobip"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = True
FIELDS: tuple[Field, ...] = (
    Field("host", r"[a-z0-9-]+\.api(-[a-z0-9]+)?\.infobip\.com", "your base URL's host"),
    Field("api_key", r"[!-~]+", "an API key that may send SMS", secret=True),
    Field("scheme", r"hmac|exchange|basic", "hmac, exchange or basic"),
    Field(
        "webhook_secret",
        r"[ -~]+",
        "the signing key of the notification profile; for basic the user, a colon, the password",
        secret=True,
    ),
    Field(
        "signature_header",
        r"[A-Za-z0-9-]+",
        "the header that the notification profile puts the signature in",
        only_with=("scheme", "hmac"),
    ),
)
