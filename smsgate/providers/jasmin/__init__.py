"""Jasmin, an operator's own SMPP gateway: HTTP client connector in, HTTP API out.

docs.jasminsms.com/en/latest/apis/http/ (receiving, sending); jasmin/routing/throwers.py and
jasmin/protocols/http/errors.py of Jasmin 0.11.1, and what that posts. Read in November 2026. Jasmin
signs nothing: whoever knows the account's address with its secret is Jasmin.
"""

from __future__ import annotations

from smsgate.domain.messages import HttpReply
from smsgate.providers.contract import PATH_SECRET, REGION, Field
from smsgate.providers.contract import network_alone as answered
from smsgate.providers.contract import no_certificate as certificate
from smsgate.providers.contract import no_handshake as handshake
from smsgate.providers.contract import no_reports as reports
from smsgate.providers.contract import path_alone as verify
from smsgate.providers.jasmin.sending import outcome, reply
from smsgate.providers.jasmin.webhook import inbound, parse

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

NAME = "jasmin"
ACK = HttpReply(200, "text/plain", b"ACK/Jasmin")
IDEMPOTENT = False
BATCHES = False
FIELDS: tuple[Field, ...] = (
    PATH_SECRET,
    Field("send_url", r"https?://[!-~]+", "the address of the HTTP API, such as …:1401/send"),
    Field("username", r"[!-~]+", "the username of a Jasmin user"),
    Field("password", r"[!-~]+", "the password of that user", secret=True),
    REGION,
)
