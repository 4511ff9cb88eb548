"""Sinch, Conversation API: signed webhooks in, messages out, over SMS, MMS, WhatsApp and RCS.

developers.sinch.com/docs/conversation (callbacks, channel support, api-reference),
developers.sinch.com/docs/identity-access-management (OAuth 2.0 access tokens) and the events of
Sinch's SDKs. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.sinch_conversation.messages_api import outcome, reply
from smsgate.providers.sinch_conversation.webhook import inbound, parse, reports, verify

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

NAME = "sinch_conversation"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    Field("project_id", r"[0-9a-fA-F-]{36}", "the project's id, a UUID"),
    Field("app_id", r"[0-9A-Za-z]+", "the id of the Conversation app, 26 characters"),
    Field("key_id", r"[0-9a-fA-F-]{36}", "the id of an access key, a UUID"),
    Field("key_secret", r"[!-~]+", "the secret of that access key", secret=True),
    Field("webhook_secret", r"[!-~]+", "the secret of the app's webhook", secret=True),
    Field("region", r"us|eu|br", "us, eu or br", required=False),
)
