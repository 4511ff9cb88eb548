"""Plivo Messaging: webhooks in, Message API out.

plivo.com/docs/messaging/concepts/signature-validation, …/use-cases/receive-sms,
…/api/message/send-a-message, …/troubleshooting/error-codes; plivo-python 4.63
(utils/signature_v3.py). Read in November 2026.

Plivo marks and blocks an opt-out but says nothing to the subscriber; it lets exactly one text
through within the next five minutes, the confirmation.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.plivo.message_api import outcome, reply
from smsgate.providers.plivo.signature import verify
from smsgate.providers.plivo.webhook import inbound, parse, reports

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

NAME = "plivo"
ACK = HttpReply(200, "application/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("auth_id", r"(MA|SA)[A-Z0-9]{18}", "MA or SA and 18 capital letters or digits"),
    Field("auth_token", r"[!-~]+", "the Auth Token that belongs to auth_id", secret=True),
    Field(
        "main_auth_token",
        r"[!-~]+",
        "the main account's Auth Token, where auth_id is a subaccount",
        secret=True,
        required=False,
    ),
    Field("signature", r"(ma-)?v[23]", "v3, ma-v3, v2 or ma-v2", required=False),
)
