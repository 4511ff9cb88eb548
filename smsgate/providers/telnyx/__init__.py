"""Telnyx Messaging (API v2): webhooks in, messages out.

developers.telnyx.com/docs/messaging/messages/receiving-webhooks, …/advanced-opt-in-out,
…/error-codes, developers.telnyx.com/development/api-fundamentals/webhooks (signatures), and
telnyx-python 4.189 (webhook_verification.py, idempotency). Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.telnyx.messages_api import outcome, reply
from smsgate.providers.telnyx.signature import verify
from smsgate.providers.telnyx.webhook import answered, inbound, parse, reports

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

NAME = "telnyx"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = True
BATCHES = False
"""For 24 hours a repeated ``Idempotency-Key`` is answered as it was the first time."""
_KEY = r"[A-Za-z0-9+/]{43}="
FIELDS: tuple[Field, ...] = (
    Field("api_key", r"[!-~]+", "an API key (v2) of Mission Control", secret=True),
    Field("public_key", _KEY, "the account's public key, 44 characters of base64", secret=True),
    Field(
        "signing_key",
        _KEY,
        "the private half of a key pair of your own, to try the account out with",
        secret=True,
        required=False,
    ),
)
