"""MessageBird, the classic platform (rest.messagebird.com): SMS webhooks in, SMS API out.

developers.messagebird.com/api (webhook signatures, SMS messaging, received SMS), and
github.com/messagebird/python-rest-api 2.2 (request_validator.py, signed_request.py and their
tests). The names of the fields of a received SMS were not found on a page of MessageBird's that
is still there; those of a text to a short code are from the tests of a library that quotes it
(messagebird-async for Rust). Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.messagebird.sending import outcome, reply
from smsgate.providers.messagebird.signature import verify
from smsgate.providers.messagebird.webhook import inbound, parse, reports

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

NAME = "messagebird"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("access_key", r"[!-~]+", "a live access key of the REST API", secret=True),
    Field(
        "signing_key", r"[!-~]+", "the signing key of the dashboard, not an access key", secret=True
    ),
    Field("scheme", r"jwt|timestamp", "jwt or timestamp", required=False),
)
