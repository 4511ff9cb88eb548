"""The generic door: Standard Webhooks around texts in our own form, and the same way back.

standardwebhooks.com (specification 1.0: headers, v1 HMAC-SHA256, v1a Ed25519); Svix sends the
same under ``svix-…`` names (docs.svix.com/receiving/verifying-payloads/how-manual). What stands
in the body is ours: docs/providers/standard_webhooks.md. Read in November 2026.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.standard_webhooks.normal_form import answered, inbound, parse, reports
from smsgate.providers.standard_webhooks.sending import outcome, reply
from smsgate.providers.standard_webhooks.signature import verify

__all__ = [
    "ACK",
    "BATCHES", "FIELDS", "IDEMPOTENT", "NAME", "answered", "certificate", "handshake", "inbound",
    "outcome", "parse", "reply", "reports", "verify",
]  # fmt: skip

NAME = "standard_webhooks"
ACK = HttpReply(200, "text/plain")
IDEMPOTENT = False
BATCHES = False
_KEY = r"[A-Za-z0-9+/]{43}="
FIELDS: tuple[Field, ...] = (
    Field("scheme", r"v1a?", "v1 (a shared secret) or v1a (a public key)"),
    Field(
        "secret",
        r"(whsec_)?[A-Za-z0-9+/]{32,86}={0,2}",
        "whsec_ and 24 to 64 bytes in base64",
        secret=True,
        only_with=("scheme", "v1"),
    ),
    Field(
        "public_key",
        rf"(whpk_)?{_KEY}",
        "whpk_ and 32 bytes in base64",
        secret=True,
        only_with=("scheme", "v1a"),
    ),
    Field(
        "signing_key",
        rf"(whsk_)?{_KEY}",
        "whsk_ and the private half of public_key in base64, to try the account out with",
        secret=True,
        required=False,
    ),
    Field("send_url", r"https?://[!-~]+", "the address that takes texts to send"),
    Field("api_key", r"[!-~]+", "the key that send_url wants", secret=True, required=False),
)
