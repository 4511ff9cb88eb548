"""Bird's Channels and Notifications APIs (docs.bird.com, 2023 to 2025): SMS in and out.

docs.bird.com/api/notifications-api (Verifying a webhook), docs.bird.com/api/channels-api
(Programmable SMS: Receiving messages, Sending SMS messages; Message failure codes; SMS platform
extended error codes). Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.bird_channels.sending import outcome, reply
from smsgate.providers.bird_channels.webhook import inbound, parse, reports, verify
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake

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

NAME = "bird_channels"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
FIELDS: tuple[Field, ...] = (
    Field("workspace_id", _UUID, "the workspace's id, a UUID"),
    Field("channel_id", _UUID, "the SMS channel's id, a UUID"),
    Field("number", r"\+?[0-9]{3,15}", "the channel's number, as programs name it"),
    Field("access_key", r"[!-~]+", "an access key that may send on the channel", secret=True),
    Field("signing_key", r"[!-~]+", "the signing key of the webhook subscription", secret=True),
)
