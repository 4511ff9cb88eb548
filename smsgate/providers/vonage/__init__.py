"""Vonage, Messages API v1: signed JSON webhooks in, messages out.

developer.vonage.com/en/messages (inbound message, message status), /en/getting-started/concepts/
webhooks (signed webhooks), /en/opt-out-assist, /api-errors/messages. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.vonage.messages_api import outcome, reply
from smsgate.providers.vonage.signature import verify
from smsgate.providers.vonage.webhook import inbound, parse, reports

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

NAME = "vonage"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("api_key", r"[0-9A-Za-z]+", "the account's API key, such as a1b2c3d4"),
    Field("api_secret", r"[!-~]+", "the account's API secret, for sending", secret=True),
    Field("signature_secret", r"[!-~]+", "the account's signature secret", secret=True),
)
