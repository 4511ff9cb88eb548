"""Sinch, SMS REST API (XMS): webhooks in, batches out.

developers.sinch.com/docs/sms/api-reference (webhooks, delivery reports, batches, status codes),
developers.sinch.com/docs/identity-access-management (OAuth 2.0 access tokens) and the events and
hosts of Sinch's SDKs. Read in November 2026.

Webhooks are signed only where Sinch's account manager set that up; without, all that is left is a
secret in the URL, which vouches for the whole request, its time too. A 4xx makes Sinch drop a
webhook for good.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.sinch.batches_api import outcome, reply
from smsgate.providers.sinch.webhook import inbound, parse, reports, verify

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

NAME = "sinch"
IDEMPOTENT = False
BATCHES = False
ACK = HttpReply(200, "text/plain")
_PLAN, _PROJECT = ("auth", ""), ("auth", "project")
FIELDS: tuple[Field, ...] = (
    Field("service_plan_id", r"[0-9A-Za-z_-]+", "the service plan's id", only_with=_PLAN),
    Field("api_token", r"[!-~]+", "the service plan's API token", secret=True, only_with=_PLAN),
    Field(
        "webhook_secret",
        r"[!-~]+",
        'the secret that webhooks are signed with, or with scheme = "path" a long secret of your '
        "own that ends the webhook's URL",
        secret=True,
        path_with=("scheme", "path"),
    ),
    Field("scheme", r"hmac|path", "hmac or path", required=False),
    Field("region", r"us|eu|au|br|ca", "us, eu, au, br or ca", required=False),
    Field("auth", r"project", "project, where an access key sends, or nothing", required=False),
    Field("project_id", r"[0-9a-fA-F-]{36}", "the project's id, a UUID", only_with=_PROJECT),
    Field("key_id", r"[0-9a-fA-F-]{36}", "the id of an access key, a UUID", only_with=_PROJECT),
    Field("key_secret", r"[!-~]+", "that access key's secret", secret=True, only_with=_PROJECT),
)
