"""Azure Communication Services: SMS in through Event Grid, SMS out through its REST API.

learn.microsoft.com/azure/event-grid (Webhook event delivery, Endpoint validation with the
CloudEvents schema, Deliver events to Microsoft Entra protected endpoints, Delivery and retry,
Azure Communication Services telephony and SMS events), learn.microsoft.com/rest/api/communication
(SMS) and learn.microsoft.com/azure/communication-services (SMS FAQ, Sign an HTTP request). Read in
November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.azure.sending import outcome, reply
from smsgate.providers.azure.webhook import (
    answered,
    certificate,
    handshake,
    inbound,
    parse,
    reports,
    verify,
)
from smsgate.providers.contract import Field

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

NAME = "azure"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = True
BATCHES = True
FIELDS: tuple[Field, ...] = (
    Field("endpoint", r"https://[a-z0-9.-]+", "the resource's endpoint, https://NAME.…"),
    Field("access_key", r"[A-Za-z0-9+/]+={0,2}", "an access key of the resource", secret=True),
    Field(
        "webhook_secret",
        r"[A-Za-z0-9_~-]{16,}",
        "16 or more letters, digits, -, _ or ~ of your own, with which the webhook's URL ends",
        secret=True,
        only_with=("scheme", ""),
    ),
    Field("scheme", r"entra", "entra, where Event Grid sends Entra's tokens", required=False),
    Field("tenant", r"[0-9a-f-]{36}", "the id of the Entra tenant", only_with=("scheme", "entra")),
    Field(
        "application",
        r"[!-~]+",
        "the id or URI of the Entra application that the subscription names",
        secret=True,
        only_with=("scheme", "entra"),
    ),
)
