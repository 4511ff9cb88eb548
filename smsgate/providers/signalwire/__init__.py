"""SignalWire, Compatibility API (cXML): Twilio's forms with rules of their own.

developer.signalwire.com/compatibility-api (Webhooks, Messages, Error codes) and the SDK
signalwire-python (webhook_validator.py). Read in November 2026.

What differs from Twilio: the Signing Key signs and an API token sends; ids are UUIDs; values of
a repeated name are signed as they came; SignalWire answers no keyword and keeps no opt-outs.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.signalwire.messages_api import outcome, reply
from smsgate.providers.signalwire.signature import signed_again, verify
from smsgate.providers.signalwire.webhook import inbound, parse, reports

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

NAME = "signalwire"
ACK = HttpReply(200, "text/xml", b'<?xml version="1.0" encoding="UTF-8"?><Response/>')
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("project_id", r"[0-9A-Fa-f-]{36}", "the project's id, a UUID of 36 characters"),
    Field("space", r"[a-z0-9][a-z0-9-]*", "the space's name: acme of acme.signalwire.com"),
    Field("signing_key", r"[!-~]+", "the project's Signing Key (PSK…)", secret=True),
    Field("api_token", r"[!-~]+", "an API token (PT…) that may send messages", secret=True),
)
