"""Azure Communication Services: SMS in through Event Grid, SMS out through its REST API.

learn.microsoft.com/azure/event-grid (Webhook event delivery, Delivery and retry, Azure
Communication Services telephony and SMS events), learn.microsoft.com/azure/communication-services
(SMS FAQ, Sign an HTTP request), learn.microsoft.com/rest/api/communication/sms. Read in November
2026.
"""

from __future__ import annotations

from smsgate.messages import HttpReply
from smsgate.providers.azure.sending import outcome, reply
from smsgate.providers.azure.webhook import answered, handshake, inbound, parse, reports, verify
from smsgate.providers.contract import Field
from smsgate.providers.contract import no_certificate as certificate

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
    ),
)
