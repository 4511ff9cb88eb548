"""Vonage, the older SMS API: webhooks with a ``sig`` parameter in, messages out.

developer.vonage.com/en/messaging/sms (inbound SMS, delivery receipts, troubleshooting),
/en/getting-started/concepts/signing-messages, and the signing code of Vonage's Java, Node and
Python libraries. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.vonage_sms.signature import verify
from smsgate.providers.vonage_sms.sms_api import outcome, reply
from smsgate.providers.vonage_sms.webhook import inbound, parse, reports

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

NAME = "vonage_sms"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("api_key", r"[0-9A-Za-z]+", "the account's API key, such as a1b2c3d4"),
    Field("api_secret", r"[!-~]+", "the account's API secret, for sending", secret=True),
    Field(
        "webhook_secret",
        r"[!-~]+",
        'the account\'s signature secret, or with scheme = "path" a long secret of your own '
        "that ends the webhook's URL",
        secret=True,
        path_with=("scheme", "path"),
    ),
    Field(
        "scheme",
        r"md5hash|md5|sha1|sha256|sha512|path",
        "md5hash, md5, sha1, sha256 or sha512, as the account signs, or path",
        required=False,
    ),
)
