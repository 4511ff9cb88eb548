"""The errors that the gate, the client and the integrations raise. Public names, kept stable."""

from __future__ import annotations

from smsgate.domain.errors import (
    InvalidNumber,
    LinksNotReady,
    SmsGateError,
    StoreNotReady,
    StoreUnavailable,
    Suppressed,
    UnknownProgram,
    UnknownRecipients,
)

__all__ = [
    "InvalidNumber",
    "LinksNotReady",
    "SmsGateError",
    "StoreNotReady",
    "StoreUnavailable",
    "Suppressed",
    "UnknownProgram",
    "UnknownRecipients",
]
